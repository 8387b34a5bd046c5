// SPDX-License-Identifier: Apache-2.0
// The colorizer's training (spec 2.7): generator alone, critic alone, both against each other, in phases.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "train/colorizer_recipe.h"
#include "train/learner.h"

namespace cawe::train {

/// Eq. 3 on batches of colour images: the generator colorizes their gray.
class GeneratorTask : public Task {
 public:
  GeneratorTask(models::Generator& generator, models::Critic& critic, models::ContentLoss& content)
      : generator_(generator), critic_(critic), content_(content) {}
  nn::Module& module() override { return generator_; }
  std::vector<Tensor> inputs(const data::Batch& batch) override;  ///< gray, colour, both normalised
  Loss loss(const std::vector<Tensor>& inputs) override;

  double adv_weight = 0;    ///< 0: content only
  int64_t batch_items = 1;  ///< of all ranks

 private:
  models::Generator& generator_;
  models::Critic& critic_;
  models::ContentLoss& content_;
};

/// Eq. 6 on the same batches: real colours against the generator's.
class CriticTask : public Task {
 public:
  CriticTask(models::Generator& generator, models::Critic& critic) : generator_(generator), critic_(critic) {}
  nn::Module& module() override { return critic_; }
  std::vector<Tensor> inputs(const data::Batch& batch) override;  ///< gray, colour, dropout's masks
  Loss loss(const std::vector<Tensor>& inputs) override;

  uint64_t seed = 0;
  int64_t step = 0;         ///< of the run: what dropout is keyed by
  int64_t batch_items = 1;  ///< of all ranks

 private:
  models::Generator& generator_;
  models::Critic& critic_;
};

/// Everything that the course works on; all of it outlives the course.
struct GanJob {
  models::Generator* generator = nullptr;
  models::Critic* critic = nullptr;
  models::ContentLoss* content = nullptr;
  const data::Dataset* dataset = nullptr;
  std::vector<int64_t> train;
  data::LoaderOptions loader;  ///< size, batch and seed are a phase's
  std::vector<GanPhase> phases;
  GanSettings settings;
  Precision precision;
  bool graph = true;
  uint64_t seed = 0;
  std::function<LogLine()> validate;  ///< may be empty
};

class GanCourse : public Course {
 public:
  explicit GanCourse(const GanJob& job);
  int64_t steps() const override;
  void seek(int64_t step) override;
  /// Joint phases: one step of the critic or of the generator. Numbers of the other's last step are kept.
  LogLine one(int64_t step, const RunFolder* run) override;
  LogLine validate() override;
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
  size_t phase_;  ///< phases.size(): none entered yet
  std::unique_ptr<data::Loader> loader_;
  std::unique_ptr<Learner> generator_, critic_;
  bool critics_turn_ = true;  ///< joint phases
  int64_t taken_ = 0;         ///< steps of this turn
  LogLine last_;              ///< for the log
};

}  // namespace cawe::train
