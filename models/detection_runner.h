// SPDX-License-Identifier: Apache-2.0
// A detector over batch after batch: operator by operator or, on a device that can, captured once as a graph and
// launched as a whole.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/detection_model.h"
#include "tensor/backend.h"

namespace cawe::models {

/// Detects in batches of one detector, whose weights and settings stay as they are meanwhile.
class DetectionRunner {
 public:
  /// `capture`: nobody else uses the device while detect() runs.
  DetectionRunner(DetectionModel& net, bool capture);
  /// As DetectionModel::detect(), with the same results. The first batch of a shape runs normally (libraries choose
  /// their algorithms in it), the second is captured. `meanwhile` is called once all is queued and nothing has waited.
  std::vector<Detections> detect(const Tensor& x, const std::vector<std::string>& images,
                                 const std::function<void()>& meanwhile = {});
  bool captured() const { return work_ != nullptr; }

 private:
  const FoundOnDevice& find(const Tensor& x);
  DetectionModel& net_;
  bool may_capture_;
  Shape shape_;  ///< of the last batch
  DType dtype_ = DType::f32;
  std::unique_ptr<CapturedWork> work_;
  Tensor x_;             ///< what the captured work reads
  FoundOnDevice found_;  ///< and writes
};

}  // namespace cawe::models
