// SPDX-License-Identifier: Apache-2.0
// Checks and counts shared by the detection metrics.
#include "eval/detections.h"

#include <cmath>
#include <unordered_map>

#include "tensor/error.h"

namespace cawe::eval {

void check_detections(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections) {
  for (size_t i = 0; i < detections.size(); ++i) {
    const Detection& d = detections[i];
    CAWE_CHECK(d.image >= 0 && d.image < int64_t(truth.size()), Code::data, "detection ", i, " names image ",
               d.image, " (expected 0 to ", int64_t(truth.size()) - 1, ")");
    CAWE_CHECK(std::isfinite(d.score), Code::data, "detection ", i, " has score ", d.score,
               " (expected a finite number)");
    CAWE_CHECK(std::isfinite(d.box.area()) && d.box.width() > 0 && d.box.height() > 0, Code::data,
               "detection ", i, " is a box of ", d.box.width(), " x ", d.box.height(),
               " (expected positive sides)");
  }
}

bool in_crowd(const TruthImage& image, const BoxD& detection) {
  for (const TruthBox& truth : image.boxes)
    if (truth.crowd && intersection(detection, truth.box) >= 0.5 * detection.area()) return true;
  return false;
}

int64_t count_lesions(const std::vector<TruthImage>& truth) {
  int64_t lesions = 0;
  for (const TruthImage& image : truth)
    for (const TruthBox& box : image.boxes) lesions += box.crowd ? 0 : 1;
  return lesions;
}

std::vector<int64_t> patient_index(const std::vector<TruthImage>& truth, int64_t* count) {
  std::unordered_map<std::string, int64_t> seen;
  std::vector<int64_t> index(truth.size());
  int64_t next = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i].patient.empty()) {
      index[i] = next++;
      continue;
    }
    const auto [at, fresh] = seen.emplace(truth[i].patient, next);
    if (fresh) ++next;
    index[i] = at->second;
  }
  if (count != nullptr) *count = next;
  return index;
}

}  // namespace cawe::eval
