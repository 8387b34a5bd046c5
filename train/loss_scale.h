// SPDX-License-Identifier: Apache-2.0
// Dynamic loss scaling for training in f16 (Micikevicius et al. 2018, arXiv 1710.03740): the loss is
// multiplied by a scale so that small gradients do not underflow; a step whose gradients overflow is skipped
// and the scale halved.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/dtype.h"
#include "train/recipe.h"

namespace cawe::train {

/// The type in which networks compute during training; parameters, losses and the optimizer stay f32.
struct Precision {
  DType dtype = DType::f32;
  double loss_scale = 1;           ///< initial value; fixed at 1 for f32 and bf16, which has f32's range
  int64_t growth_interval = 2000;  ///< consecutive good steps before the scale doubles
};
/// Keys train.precision = "f32" | "bf16" | "f16", train.loss_scale, train.loss_scale_interval. Throws usage
/// for 16-bit types on the CPU.
Precision precision_from(const Recipe& recipe);

/// The scale and the rule that changes it.
class LossScale {
 public:
  explicit LossScale(const Precision& precision);
  double value() const { return value_; }
  /// After a backward pass: false where the step must be skipped. Throws numeric where the scale cannot
  /// shrink further, or is fixed (f32, bf16): then the gradients themselves are not finite.
  bool accept(bool finite);
  std::string state() const;  ///< for a checkpoint
  void restore(const std::string& state, const std::string& source);

 private:
  bool dynamic_;
  double value_;
  int64_t interval_, good_ = 0;
};

}  // namespace cawe::train
