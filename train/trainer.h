// SPDX-License-Identifier: Apache-2.0
// The training loop: lanes and ranks, schedule, checkpoints, resume, early stopping, signals, non-finite
// losses.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "data/loader.h"
#include "nn/module.h"
#include "train/checkpoint.h"
#include "train/loss_scale.h"
#include "train/optimizer.h"
#include "train/run_folder.h"
#include "train/schedule.h"

namespace cawe::train {

/// What is trained: a module, its loss on a batch, and how well it does.
class Task {
 public:
  virtual ~Task() = default;
  virtual nn::Module& module() = 0;
  /// Type that the network computes in while it trains.
  void compute_in(DType dtype) { compute_dtype_ = dtype; }
  /// All that the loss of a batch needs, on the network's device.
  virtual std::vector<Tensor> inputs(const data::Batch& batch) = 0;
  struct Loss {
    Variable total;                                     ///< mean over the batch of all ranks
    std::vector<std::pair<std::string, Tensor>> parts;  ///< numbers for the log, one element each
  };
  /// Computed on the device: nothing comes to the host, so that a step can be captured.
  virtual Loss loss(const std::vector<Tensor>& inputs) = 0;
  /// Whether a device may capture a step: loss() asks nothing of the host, and no other thread uses the
  /// device meanwhile (a loader that enhances on it does).
  virtual bool capturable() const { return true; }
  /// Numbers of the validation set; "score" (more is better) chooses the best checkpoint. Empty: there is
  /// none.
  virtual LogLine validate() { return {}; }

 protected:
  /// Images on the device and in the type that the network computes in.
  Tensor network_input(const Tensor& images) const;

 private:
  DType compute_dtype_ = DType::f32;
};

struct TrainerOptions {
  int64_t lanes = 8, batch = 8;  ///< of all ranks together
  int64_t micro_batch = 0;       ///< items whose activations are in memory at once; 0: the whole batch
  int64_t log_every = 10;
  int64_t checkpoint_every = 100;
  int64_t keep = 2;        ///< checkpoints besides the best
  int64_t eval_every = 0;  ///< steps between validations; 0: only at the end
  double min_delta = 0;    ///< a score counts as better from so much more on
  int64_t patience = 0;    ///< stop after so many validations without a better score; 0: never
  Precision precision;
  bool graph = true;  ///< on a GPU: capture a step once and launch it as a whole
  bool resume = false, quiet = false;
  std::string label = "training";
};
/// Keys lanes, train.batch, train.micro_batch, train.log_every, train.checkpoint_every, train.keep,
/// train.eval_every, train.min_delta, train.patience, train.graph, and those of precision_from().
TrainerOptions trainer_from(const Recipe& recipe);

struct TrainResult {
  int64_t steps = 0;
  double last_loss = 0, best_score = 0;
  bool has_score = false, stopped_early = false;
};

/// What a training loop goes through: one network's steps, or the phases of several.
class Course {
 public:
  virtual ~Course() = default;
  virtual int64_t steps() const = 0;
  /// Goes to a step: loaders to their places, networks into their modes.
  virtual void seek(int64_t step) = 0;
  /// Step `step` (from 0). "loss" is among the numbers for the log.
  virtual LogLine one(int64_t step, const RunFolder* run) = 0;
  /// "score" (more is better) chooses the best checkpoint. Empty: there is none. Networks evaluate.
  virtual LogLine validate() = 0;
  /// Networks, optimizers and counters; restore() is called before seek().
  virtual void save(Checkpoint* c) const = 0;
  virtual void restore(const Checkpoint& c, const std::string& source) = 0;
};

/// Trains to the course's end. Every rank calls it; rank 0 writes. `first` holds recipe, manifest and chain
/// that every checkpoint carries. SIGINT and SIGTERM finish the step, save, and throw Code::interrupted. A
/// loss that is not finite throws Code::numeric naming the operator, the files and the checkpoint before.
TrainResult train(Course& course, RunFolder* run, const Checkpoint& first, const TrainerOptions& options);
/// One network with one optimizer.
TrainResult train(Task& task, data::Loader& loader, const data::Dataset& dataset, RunFolder* run,
                  const Checkpoint& first, const Schedule& schedule, const OptimizerOptions& optimizer,
                  const TrainerOptions& options);

/// Which signal asked to stop; 0: none. From the first call on signals are remembered instead of killing.
int stop_signal();

}  // namespace cawe::train
