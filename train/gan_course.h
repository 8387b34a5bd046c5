// SPDX-License-Identifier: Apache-2.0
// The colorizer's training in DeOldify's phases ("NoGAN"): the generator alone, the critic alone, then both
// against each other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "train/batch_feed.h"
#include "train/colorizer_recipe.h"
#include "train/learner.h"

namespace cawe::train {

/// The generator's loss (the paper's Eq. 3) on batches of colour images, whose gray it colorizes.
class GeneratorTask : public Task {
 public:
  GeneratorTask(models::Generator& generator, models::Critic& critic, models::ContentLoss& content)
      : generator_(generator), critic_(critic), content_(content) {}
  nn::Module& module() override { return generator_; }
  std::vector<nn::Module*> networks() override;
  std::vector<Tensor> inputs(const data::Batch& batch) override;  ///< gray, colour, both normalised
  Loss loss(const std::vector<Tensor>& inputs) override;

  double adv_weight = 0;    ///< 0: content loss only
  int64_t batch_items = 1;  ///< batch size over all ranks

 private:
  models::Generator& generator_;
  models::Critic& critic_;
  models::ContentLoss& content_;
};

/// The critic's loss (the paper's Eq. 6) on the same batches: real images against generated ones.
class CriticTask : public Task {
 public:
  CriticTask(models::Generator& generator, models::Critic& critic) : generator_(generator), critic_(critic) {}
  nn::Module& module() override { return critic_; }
  std::vector<nn::Module*> networks() override { return {&critic_, &generator_}; }
  std::vector<Tensor> inputs(const data::Batch& batch) override;  ///< gray, colour, dropout masks
  Loss loss(const std::vector<Tensor>& inputs) override;

  uint64_t seed = 0;
  int64_t step = 0;         ///< step of the run, a key of the dropout masks
  int64_t batch_items = 1;  ///< batch size over all ranks

 private:
  models::Generator& generator_;
  models::Critic& critic_;
};

/// What the course works on; all of it must outlive the course.
struct GanJob {
  models::Generator* generator = nullptr;
  models::Critic* critic = nullptr;
  models::ContentLoss* content = nullptr;
  const data::Dataset* dataset = nullptr;
  std::vector<int64_t> train;
  data::LoaderOptions loader;  ///< size, batch and seed are replaced by each phase's
  std::vector<GanPhase> phases;
  GanSettings settings;
  Precision precision;
  bool graph = true;
  uint64_t seed = 0;
  std::function<LogLine()> validate;  ///< may be empty
};

/// The phases of a colorizer's training.
class GanCourse : public Course {
 public:
  explicit GanCourse(const GanJob& job);
  int64_t steps() const override;
  void seek(int64_t step) override;
  /// In joint phases a step of the critic or of the generator; the log line repeats the other's last numbers.
  LogLine one(int64_t step, const RunFolder* run) override;
  LogLine validate() override;
  bool moves_score() const override;  ///< the critic's phases leave the generator as it is
  void save(Checkpoint* c) const override;
  void restore(const Checkpoint& c, const std::string& source) override;

 private:
  size_t phase_at(int64_t step) const;
  void enter(size_t phase);
  LogLine learn(bool critic, const data::Batch& batch, int64_t step, const RunFolder* run);
  void pass_turn(bool critic, double loss);

  GanJob job_;
  GeneratorTask generator_task_;
  CriticTask critic_task_;
  size_t phase_;  ///< phases.size(): no phase has begun
  std::unique_ptr<data::Loader> loader_;
  std::unique_ptr<BatchFeed> feed_;
  std::unique_ptr<Learner> generator_, critic_;
  bool critics_turn_ = true;  ///< in joint phases: whose turn it is
  int64_t taken_ = 0;         ///< steps taken in this turn
  LogLine last_;              ///< numbers of the last steps of both networks
};

}  // namespace cawe::train
