// SPDX-License-Identifier: Apache-2.0
#include "train/schedule.h"

#include <cmath>

namespace cawe::train {
namespace {

constexpr double kPi = 3.14159265358979323846;

double along_cosine(double from, double to, double share) {
  return to + 0.5 * (from - to) * (1 + std::cos(kPi * share));
}

/// A value that goes from `from` to `middle` in the first `rise` of the steps, then to `to`.
double cycle(const OneCycle& c, int64_t step, double from, double middle, double to) {
  const double t = double(step) / double(c.steps);
  return t < c.rise ? along_cosine(from, middle, t / c.rise)
                    : along_cosine(middle, to, (t - c.rise) / (1 - c.rise));
}

}  // namespace

double OneCycle::at(int64_t step) const { return cycle(*this, step, lr / 25, lr, lr / 250000); }
double OneCycle::beta1(int64_t step) const { return cycle(*this, step, 0.95, 0.85, 0.95); }

double Schedule::at(int64_t step) const {
  // Evaluated in the middle of a step, so that the first step does not have a rate of 0.
  const double t = double(step) + 0.5;
  const double rise =
      warmup > 0 && t < double(warmup) ? warmup_factor + (1 - warmup_factor) * t / double(warmup) : 1.0;
  if (decay == Decay::cosine) {
    const double span = double(steps - warmup), done = t - double(warmup);
    const double fall = done <= 0 || span <= 0 ? 1.0 : 0.5 * (1 + std::cos(kPi * std::min(1.0, done / span)));
    return lr * rise * fall;
  }
  double rate = lr * rise;
  if (decay == Decay::steps)
    for (const int64_t m : milestones)
      if (step >= m) rate *= gamma;
  return rate;
}

Schedule schedule_from(const Recipe& recipe) {
  Schedule s;
  s.steps = recipe.whole("train.steps");
  s.lr = recipe.number("train.lr");
  const double warmup = recipe.number("train.warmup");
  s.warmup = int64_t(std::lround(warmup < 1 ? warmup * double(s.steps) : warmup));
  s.warmup_factor = recipe.number("train.warmup_factor");
  const std::string decay = recipe.word("train.decay");
  s.decay = decay == "constant" ? Decay::constant : decay == "cosine" ? Decay::cosine : Decay::steps;
  for (const double m : recipe.numbers("train.milestones")) s.milestones.push_back(std::llround(m));
  s.gamma = recipe.number("train.gamma");
  return s;
}

}  // namespace cawe::train
