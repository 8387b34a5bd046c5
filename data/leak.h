// SPDX-License-Identifier: Apache-2.0
// Which patients trained a model: hashes of their ids are stored with its weights, and evaluating on one of
// these patients (a leak) is refused.
#pragma once

#include <string>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// SHA-256 of the id in its plain form: digits lose leading zeros ("00002361" and "2361" are one NIH patient,
/// also after a prefix "nih:"), everything else stays. It hides ids only from a casual reader: there are so
/// few that they can be guessed.
std::string patient_hash(const std::string& patient_id);

/// The id that outputs carry instead of the patient's where that is asked for: half of patient_hash(), and as
/// easily guessed.
std::string anonymous_id(const std::string& patient_id);

/// The patients who trained one model of a chain.
struct TrainedPatients {
  std::string model;                ///< for messages, e.g. "classifier runs/cls"
  std::vector<std::string> hashes;  ///< sorted, unique
};

/// The hashes of the patients of the samples at `indices`.
TrainedPatients trained_patients(const std::string& model, const Dataset& dataset,
                                 const std::vector<int64_t>& indices);

/// One hash per line, as stored in a manifest; parse_manifest() throws data for any other text.
std::string manifest_text(const TrainedPatients& trained);
TrainedPatients parse_manifest(const std::string& model, const std::string& text);

/// Patient ids among the samples at `indices` that trained any of the models.
struct Leak {
  std::string model;
  std::vector<std::string> patients;
};
std::vector<Leak> find_leaks(const Dataset& dataset, const std::vector<int64_t>& indices,
                             const std::vector<TrainedPatients>& chain);

/// Throws Code::leak, naming the model and ten of the patients. With `allow` the same sentence is returned,
/// for the report; "" where there is no leak.
std::string check_leaks(const Dataset& dataset, const std::vector<int64_t>& indices,
                        const std::vector<TrainedPatients>& chain, bool allow = false);

}  // namespace cawe::data
