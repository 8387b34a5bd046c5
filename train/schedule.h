// SPDX-License-Identifier: Apache-2.0
// Learning rate as a function of the step.
#pragma once

#include <cstdint>
#include <vector>

#include "train/recipe.h"

namespace cawe::train {

enum class Decay : uint8_t { constant, cosine, steps };

/// Linear warm-up, then constant, cosine or stepwise decay.
struct Schedule {
  double lr = 1e-3;
  int64_t steps = 1000;             ///< of the whole run
  int64_t warmup = 0;               ///< steps in which the rate rises linearly to lr
  double warmup_factor = 0;         ///< fraction of lr at which warm-up starts
  Decay decay = Decay::cosine;      ///< cosine: to 0 at the end
  std::vector<int64_t> milestones;  ///< steps at which the rate is multiplied by gamma
  double gamma = 0.1;
  /// The rate of step 0, 1, ...
  double at(int64_t step) const;
};

/// fastai's form of the one-cycle policy (Smith 2018, arXiv 1803.09820): the rate rises from lr / 25 to lr in
/// the first `rise` of the steps and falls to lr / 250000, along cosines; Adam's beta1 moves against it, from
/// 0.95 to 0.85 and back. rise = 0 begins at lr.
struct OneCycle {
  double lr = 1e-3;
  int64_t steps = 1000;
  double rise = 0.3;
  double at(int64_t step) const;  ///< the rate of step 0, 1, ...
  double beta1(int64_t step) const;
};

/// Keys train.steps, train.lr, train.warmup (share of the steps, or steps above 1), train.warmup_factor,
/// train.decay, train.milestones, train.gamma.
Schedule schedule_from(const Recipe& recipe);

}  // namespace cawe::train
