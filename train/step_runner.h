// SPDX-License-Identifier: Apache-2.0
// Loss and gradients of a step: operator by operator or, on a device that can, captured once as a graph and
// launched as a whole.
#pragma once

#include <memory>
#include <vector>

#include "tensor/backend.h"
#include "train/trainer.h"

namespace cawe::train {

/// Runs the steps of one task.
class StepRunner {
 public:
  StepRunner(Task& task, bool capture);
  /// Computes the gradients of loss * scale into the parameters, which must have none. The first step of a
  /// shape runs normally (libraries choose their algorithms in it), the second is captured.
  Task::Loss run(const std::vector<Tensor>& inputs, double scale);
  bool captured() const { return work_ != nullptr; }

 private:
  Task::Loss plain(const std::vector<Tensor>& inputs, const Tensor& scale);
  void capture(const std::vector<Tensor>& inputs, double scale);
  void replay(const std::vector<Tensor>& inputs, double scale);

  Task& task_;
  bool may_capture_;
  std::vector<Shape> shapes_;  ///< input shapes of the last step
  std::unique_ptr<CapturedWork> work_;
  std::vector<Tensor> inputs_,
      gradients_;  ///< the gradients that the captured step writes, in the parameters' memory order
  Tensor scale_;
  Task::Loss loss_;
  std::vector<int64_t*> counters_;  ///< on the host, incremented in every step (batches seen by batch norms)
};

}  // namespace cawe::train
