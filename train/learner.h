// SPDX-License-Identifier: Apache-2.0
// One network that learns: its task, optimizer and loss scale, and a step of them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "train/step_runner.h"

namespace cawe::train {

/// For messages: where training is.
struct StepPlace {
  int64_t step = 0;
  const data::Dataset* dataset = nullptr;
  const RunFolder* run = nullptr;  ///< null where nothing is written
};

class Learner {
 public:
  /// `micro_batch` > 0: gradients of a batch are gathered from parts of so many items, one after the other,
  /// which need less memory; the loss is their mean, weighted by items. Such steps are not captured.
  Learner(Task& task, const OptimizerOptions& optimizer, const Precision& precision, bool graph,
          int64_t micro_batch = 0);

  /// Loss, gradients and optimizer step on a batch. Returns "loss", "lr", "grad_norm" and the task's parts. A
  /// loss or gradients that are not finite throw Code::numeric naming the operator, the files and the
  /// checkpoint before.
  LogLine step(const data::Batch& batch, double rate, std::optional<double> beta1, const StepPlace& place);

  /// The optimizer as "<optimizer>.<name>", its counters as state. The network is saved by save_network().
  void save(Checkpoint* c, const std::string& optimizer = "optimizer") const;
  /// Throws data where something is missing or has another shape.
  void load(const Checkpoint& c, const std::string& source, const std::string& optimizer = "optimizer");

 private:
  double gather_gradients(const data::Batch& batch, double scale, LogLine* line);
  [[noreturn]] void explain(const data::Batch& batch, const StepPlace& place);
  Task& task_;
  Precision precision_;
  int64_t micro_batch_;
  Optimizer optimizer_;
  LossScale scale_;
  StepRunner runner_;
};

/// A network's tensors in a checkpoint as "<prefix>.<name>", and back bit by bit.
void save_network(nn::Module& module, const std::string& prefix, Checkpoint* c);
void restore_network(nn::Module& module, const std::string& prefix, const Checkpoint& c,
                     const std::string& source);

/// Behind training: puts the best checkpoint's values into the network where validations chose one, as it is
/// what the run's folder gives to everybody else.
void use_best(nn::Module& module, const std::string& run, bool chosen);

/// A word of a checkpoint's state; throws data where it is missing. And as a whole number.
std::string state_word(const Checkpoint& c, const std::string& key, const std::string& source);
int64_t state_number(const Checkpoint& c, const std::string& key, const std::string& source);
/// A number so that it reads back as the same.
std::string exact_text(double v);

}  // namespace cawe::train
