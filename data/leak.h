// SPDX-License-Identifier: Apache-2.0
// Who trained a model: hashes of patient ids that travel with the weights, and the refusal to be tested on
// one.
#pragma once

#include <string>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// SHA-256 of the id in its plain form: digits lose leading zeros ("00002361" and "2361" are one NIH patient,
/// also behind a prefix "nih:"), everything else stays. Hides ids from casual reading, no more: they are few
/// enough to be guessed.
std::string patient_hash(const std::string& patient_id);

/// The id that outputs carry instead of the patient's where that was asked for: half of patient_hash. As
/// easily guessed.
std::string anonymous_id(const std::string& patient_id);

/// The persons behind one model of a chain.
struct TrainedPatients {
  std::string model;                ///< for messages, e.g. "classifier runs/cls"
  std::vector<std::string> hashes;  ///< sorted, unique
};

TrainedPatients trained_patients(const std::string& model, const Dataset& dataset,
                                 const std::vector<int64_t>& indices);

/// One hash a line, as it is stored in a manifest; parse refuses (data) what is no such list.
std::string manifest_text(const TrainedPatients& trained);
TrainedPatients parse_manifest(const std::string& model, const std::string& text);

/// Patient ids among the samples at `indices` that trained any of the models.
struct Leak {
  std::string model;
  std::vector<std::string> patients;
};
std::vector<Leak> find_leaks(const Dataset& dataset, const std::vector<int64_t>& indices,
                             const std::vector<TrainedPatients>& chain);

/// Throws Code::leak naming model and patients (ten of them). With `allow` the sentence is returned instead,
/// for the report; "" where there is no leak.
std::string check_leaks(const Dataset& dataset, const std::vector<int64_t>& indices,
                        const std::vector<TrainedPatients>& chain, bool allow = false);

}  // namespace cawe::data
