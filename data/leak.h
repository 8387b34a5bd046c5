// SPDX-License-Identifier: Apache-2.0
// Which patients and films trained a model: hashes of ids and of pixels are stored with its weights, and evaluating on
// one of these patients or films (a leak) is refused. Pixels tell a film whose person is unknown.
#pragma once

#include <string>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// SHA-256 of the id in its plain form (data/formats/table/persons.h). It hides ids only from a casual reader: there are
/// so few that they can be guessed.
std::string patient_hash(const std::string& patient_id);

/// The id that outputs carry instead of the patient's where that is asked for: half of patient_hash(), and as
/// easily guessed.
std::string anonymous_id(const std::string& patient_id);

/// Whom a film is known by: its person or group, the person that the source names where that is a group, and
/// its groups of a table, whichever of their films its data set has.
std::vector<std::string> persons_of(const Sample& sample);

/// The patients and the films that trained one model of a chain.
struct TrainedPatients {
  std::string model;                ///< for messages, e.g. "classifier runs/cls"
  std::vector<std::string> hashes;  ///< of persons_of() the films; sorted, unique
  std::vector<std::string>
      films;  ///< pixel_hash() of the films; sorted, unique; empty where an old model has none
  std::vector<std::string> groups;  ///< those of `hashes` that are groups', not persons'; sorted, unique
};

/// The hashes of the patients of the samples at `indices`, and of the pixels of those that have Sample::pixel_hash.
TrainedPatients trained_patients(const std::string& model, const Dataset& dataset,
                                 const std::vector<int64_t>& indices);

/// One hash per line, as stored in a manifest, those of films behind "film:", of groups behind "group:". Texts of several models may be
/// joined. parse_manifest() throws data for any other text.
std::string manifest_text(const TrainedPatients& trained);
TrainedPatients parse_manifest(const std::string& model, const std::string& text);

/// What of the samples at `indices` trained a model: patients (of each film the first of persons_of() that
/// the model knows), and the ids of images that have the pixels of a training film and are not a film of
/// these patients. `films` are the places in `indices` of all films of either kind.
struct Leak {
  std::string model;
  std::vector<std::string> patients, images;
  std::vector<int64_t> films;
};
std::vector<Leak> find_leaks(const Dataset& dataset, const std::vector<int64_t>& indices,
                             const std::vector<TrainedPatients>& chain);

/// Throws Code::leak, naming the model and ten of the patients and films. With `allow` the same sentence is returned,
/// for what is written; "" where there is no leak.
std::string check_leaks(const Dataset& dataset, const std::vector<int64_t>& indices,
                        const std::vector<TrainedPatients>& chain, bool allow = false);

/// The same within one split: films at `test` that have the pixels of another film at `seen`, whosever they are said to
/// be. Throws Code::leak, naming their number and the first pair; with `allow` the sentence is returned. Films without
/// Sample::pixel_hash are not compared.
std::string check_twins(const Dataset& dataset, const std::vector<int64_t>& seen,
                        const std::vector<int64_t>& test, bool allow = false);

}  // namespace cawe::data
