// SPDX-License-Identifier: Apache-2.0
// A network in training: its task, optimizer and loss scale, and one step.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/step_runner.h"

namespace cawe::train {

/// Where training is, for error messages.
struct StepPlace {
  int64_t step = 0;
  const data::Dataset* dataset = nullptr;
  const RunFolder* run = nullptr;  ///< null where nothing is written
};

/// One network that is trained by one optimizer.
class Learner {
 public:
  /// `micro_batch` > 0: a batch is computed in parts of that many items, which need less memory; gradients
  /// are summed, and the loss is the mean weighted by items. Such steps are not captured.
  Learner(Task& task, const OptimizerOptions& optimizer, const Precision& precision, bool graph,
          int64_t micro_batch = 0);

  /// Loss, gradients and optimizer step on a batch. Returns "loss", "lr", "grad_norm" and the task's terms;
  /// where boxes are trained also "boxes_cut" and "boxes_dropped" (data::PlacedBoxes) since training began,
  /// of all ranks. A loss that is not finite throws Code::numeric naming the operator, where running the batch again
  /// finds it, the batch's files and the last checkpoint. So, without an operator, do gradients that are not finite; but in
  /// f16 their step is left out as long as the loss scale can shrink (LossScale). `meanwhile` is called once the first work
  /// of the step is queued, before anything waits for it.
  LogLine step(const data::Batch& batch, double rate, std::optional<double> beta1, const StepPlace& place,
               const std::function<void()>& meanwhile = {});

  /// Saves the optimizer's tensors as "<optimizer>.<name>" and its counters as state, without the network.
  void save(Checkpoint* c, const std::string& optimizer = "optimizer") const;
  /// Throws data where something is missing or has another shape.
  void load(const Checkpoint& c, const std::string& source, const std::string& optimizer = "optimizer");

 private:
  /// The loss of a share of the batch, and its terms, as tensors that nobody has waited for.
  struct Part {
    double share;
    Tensor loss;
    std::vector<std::pair<std::string, Tensor>> terms;
  };
  void for_parts(const data::Batch& batch, const std::function<void(const data::Batch&, double)>& run) const;
  std::vector<Part> gather_gradients(const data::Batch& batch, double scale,
                                     const std::function<void()>& meanwhile);
  std::unique_ptr<HostCopy> measure(const std::vector<Part>& parts, double scale);
  static double read(HostCopy& measured, const std::vector<Part>& parts, double* value, LogLine* line);
  void count_boxes(const data::Batch& batch, LogLine* line);
  [[noreturn]] void explain(const data::Batch& batch, const StepPlace& place);
  Task& task_;
  Precision precision_;
  int64_t micro_batch_;
  int64_t boxes_cut_ = 0, boxes_dropped_ = 0;
  Optimizer optimizer_;
  LossScale scale_;
  StepRunner runner_;
};

/// Saves a network's tensors as "<prefix>.<name>", and loads them bit by bit.
void save_network(nn::Module& module, const std::string& prefix, Checkpoint* c);
void restore_network(nn::Module& module, const std::string& prefix, const Checkpoint& c,
                     const std::string& source);

/// After training: loads the best checkpoint's values into the network if validations chose one, since the
/// run folder stands for that checkpoint everywhere else.
void use_best(nn::Module& module, const RunFolder& run, bool chosen);

/// An entry of a checkpoint's state, as text or as a whole number; throws data where it is missing.
std::string state_word(const Checkpoint& c, const std::string& key, const std::string& source);
int64_t state_number(const Checkpoint& c, const std::string& key, const std::string& source);
/// A decimal text that reads back as the same number.
std::string exact_text(double v);

}  // namespace cawe::train
