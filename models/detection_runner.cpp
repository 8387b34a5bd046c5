// SPDX-License-Identifier: Apache-2.0
#include "models/detection_runner.h"

namespace cawe::models {

DetectionRunner::DetectionRunner(DetectionModel& net, bool capture) : net_(net), may_capture_(capture) {}

const FoundOnDevice& DetectionRunner::find(const Tensor& x) {
  const bool same = x.shape() == shape_ && x.dtype() == dtype_;
  if (!same) work_.reset();
  shape_ = x.shape();
  dtype_ = x.dtype();
  if (!same || !may_capture_ || x.device() == Device::cpu) return found_ = net_.find(x);
  if (!work_) {
    x_ = x.clone();
    work_ = backend(x.device()).capture([&] { found_ = net_.find(x_); });
    may_capture_ = work_ != nullptr;
    if (!work_) return found_ = net_.find(x);
  } else {
    x_.copy_from(x);
  }
  work_->launch();
  return found_;
}

std::vector<Detections> DetectionRunner::detect(const Tensor& x, const std::vector<std::string>& images,
                                                const std::function<void()>& meanwhile) {
  const FoundOnDevice& found = find(x);
  if (meanwhile) meanwhile();
  return to_host(found, images);
}

}  // namespace cawe::models
