// SPDX-License-Identifier: Apache-2.0
#include "train/loss_scale.h"

#include <cstdio>

#include "tensor/backend.h"
#include "tensor/io/format.h"

namespace cawe::train {

Precision precision_from(const Recipe& recipe) {
  Precision p;
  const std::string word = recipe.word("train.precision");
  p.dtype = word == "f16" ? DType::f16 : word == "bf16" ? DType::bf16 : DType::f32;
  const double scale = recipe.number("train.loss_scale");
  p.growth_interval = recipe.whole("train.loss_scale_interval");
  if (p.dtype == DType::f16) p.loss_scale = scale;
  CAWE_CHECK(p.dtype == DType::f32 || compute_device() != Device::cpu, Code::usage,
             recipe.where("train.precision"), " is \"", word,
             "\", but the CPU computes in f32 (expected --device cuda, or precision f32)");
  return p;
}

LossScale::LossScale(const Precision& p)
    : dynamic_(p.dtype == DType::f16), value_(p.loss_scale), interval_(p.growth_interval) {}

bool LossScale::accept(bool finite) {
  if (finite) {
    if (dynamic_ && ++good_ == interval_) {
      value_ *= 2;
      good_ = 0;
    }
    return true;
  }
  CAWE_CHECK(dynamic_ && value_ > 1, Code::numeric, "a gradient is not finite",
             dynamic_ ? " although the loss is no longer scaled up" : "");
  value_ = value_ / 2 < 1 ? 1 : value_ / 2;
  good_ = 0;
  return false;
}

std::string LossScale::state() const {
  return printf_text("%.17g %lld", value_, static_cast<long long>(good_));
}

void LossScale::restore(const std::string& state, const std::string& source) {
  double value = 0;
  long long good = 0;
  CAWE_CHECK(std::sscanf(state.c_str(), "%lf %lld", &value, &good) == 2 && value >= 1 && good >= 0,
             Code::data, source, ": loss_scale is \"", state, "\" (expected a scale and a count)");
  value_ = value;
  good_ = good;
}

}  // namespace cawe::train
