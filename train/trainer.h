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

/// What is trained: a module, its loss on a batch, and its validation.
class Task {
 public:
  virtual ~Task() = default;
  virtual nn::Module& module() = 0;
  /// Every network that loss() runs.
  virtual std::vector<nn::Module*> networks() { return {&module()}; }
  /// Sets the type in which the network computes during training.
  void compute_in(DType dtype) { compute_dtype_ = dtype; }
  /// Everything that the loss of a batch needs, on the network's device. Films as they are, so that little moves, and
  /// loss() normalises them (network_input()); the colorizer's tasks normalise scenes here, by constants from the host.
  virtual std::vector<Tensor> inputs(const data::Batch& batch) = 0;
  struct Loss {
    Variable total;                                     ///< mean over the batch of all ranks
    std::vector<std::pair<std::string, Tensor>> parts;  ///< numbers for the log, one element each
  };
  /// Computed without copying anything to the host, so that a step can be captured.
  virtual Loss loss(const std::vector<Tensor>& inputs) = 0;
  /// Whether a device may capture a step: loss() needs no value on the host, and no other thread uses the
  /// device meanwhile (a loader that enhances on it does).
  virtual bool capturable() const { return true; }
  /// Whether a batch's boxes are trained, so that the log counts those that an augmentation cut or took away.
  virtual bool trains_boxes() const { return false; }
  /// Figures of the validation set; "score" (higher is better) chooses the best checkpoint. Empty without a
  /// validation set.
  virtual LogLine validate() { return {}; }

 protected:
  /// Films of a batch, on the network's device, as the network's input in the type in which it computes. Part of the
  /// loss, so that a captured step has it and what is copied for each launch is the films.
  Tensor network_input(const Tensor& films) const;
  DType compute_dtype() const { return compute_dtype_; }

 private:
  DType compute_dtype_ = DType::f32;
};

/// Steps, batch, lanes, and when to validate, save and stop.
struct TrainerOptions {
  int64_t lanes = 8, batch = 8;  ///< over all ranks
  int64_t micro_batch = 0;       ///< items computed at once, to save memory; 0: the whole batch
  int64_t log_every = 10;
  int64_t checkpoint_every = 100;
  int64_t keep = 2;        ///< newest checkpoints that are kept besides the best
  int64_t eval_every = 0;  ///< steps between validations; 0: only at the end
  double min_delta = 0;    ///< smallest increase by which a score counts as better
  int64_t patience = 0;    ///< stop after that many validations without a better score; 0: never
  Precision precision;
  bool graph = true;  ///< on a GPU: capture a step as a graph and launch that
  bool resume = false, quiet = false;
  std::string label = "training";
};
/// Keys lanes, train.batch, train.micro_batch, train.log_every, train.checkpoint_every, train.keep,
/// train.eval_every, train.min_delta, train.patience, train.graph, and those of precision_from().
TrainerOptions trainer_from(const Recipe& recipe);

/// How a training ended.
struct TrainResult {
  int64_t steps = 0;
  double last_loss = 0, best_score = 0;
  bool has_score = false, stopped_early = false;
};

/// What a training loop runs: the steps of one network, or the phases of several.
class Course {
 public:
  virtual ~Course() = default;
  virtual int64_t steps() const = 0;
  /// Moves to a step: sets loaders to their position and networks to their mode.
  virtual void seek(int64_t step) = 0;
  /// Runs step `step` (from 0). The returned numbers for the log include "loss".
  virtual LogLine one(int64_t step, const RunFolder* run) = 0;
  /// "score" (higher is better) chooses the best checkpoint; empty without a validation set. Networks are in
  /// evaluation mode.
  virtual LogLine validate() = 0;
  /// Whether the last step could change the score. Validations after others do not count for the patience.
  virtual bool moves_score() const { return true; }
  /// Networks, optimizers and counters. restore() is called before seek().
  virtual void save(Checkpoint* c) const = 0;
  virtual void restore(const Checkpoint& c, const std::string& source) = 0;
};

/// Trains to the course's end. Every rank calls it; rank 0 writes. Every checkpoint contains the recipe,
/// manifest and chain of `first`. SIGINT and SIGTERM finish the step, save, and throw Code::interrupted. What is not
/// finite throws Code::numeric (Learner::step()).
/// Where it goes on, best.safetensors is the one that the checkpoint gone on from tells of, or one after it that is
/// written again; any other is set aside, and the best is chosen anew, as it is where scores are others from here on
/// (changes_scores()).
TrainResult train(Course& course, RunFolder* run, const Checkpoint& first, const TrainerOptions& options);
/// One network with one optimizer.
TrainResult train(Task& task, data::Loader& loader, const data::Dataset& dataset, RunFolder* run,
                  const Checkpoint& first, const Schedule& schedule, const OptimizerOptions& optimizer,
                  const TrainerOptions& options);

}  // namespace cawe::train
