// SPDX-License-Identifier: Apache-2.0
// Loss and gradients of a step: operator by operator, or, on a device that can, captured once and launched as
// a whole.
#pragma once

#include <memory>
#include <vector>

#include "tensor/backend.h"
#include "train/trainer.h"

namespace cawe::train {

class StepRunner {
 public:
  StepRunner(Task& task, bool capture);
  /// Gradients of the loss times `scale` are in the parameters afterwards; they had none before. The first
  /// step of a shape runs as it is (libraries choose their algorithms in it), the second is captured.
  Task::Loss run(const std::vector<Tensor>& inputs, double scale);
  bool captured() const { return work_ != nullptr; }

 private:
  Task::Loss plain(const std::vector<Tensor>& inputs, const Tensor& scale);
  void capture(const std::vector<Tensor>& inputs, double scale);
  void replay(const std::vector<Tensor>& inputs, double scale);

  Task& task_;
  bool may_capture_;
  std::vector<Shape> shapes_;  ///< of the step before
  std::unique_ptr<CapturedWork> work_;
  std::vector<Tensor> inputs_,
      gradients_;  ///< where the captured step reads and writes; as the parameters lie
  Tensor scale_;
  Task::Loss loss_;
  std::vector<int64_t*> counters_;  ///< on the host, one up a step (batches seen by norms)
};

}  // namespace cawe::train
