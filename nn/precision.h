// SPDX-License-Identifier: Apache-2.0
// Mixed precision: networks compute in f16 or bf16, parameters and losses stay f32.
#pragma once

#include "autograd/ops/elementwise.h"

namespace cawe::nn {

/// x, or x in f32 where it is f16 or bf16: what losses and decisions are computed in.
inline Variable at_least_f32(const Variable& x) { return is_narrow(x.dtype()) ? cast(x, DType::f32) : x; }

/// A parameter as the 16-bit type of `x`, where x has one and the parameter is f32.
inline Variable as_computed(const Variable& parameter, const Variable& x) {
  const bool mixed = parameter.defined() && is_narrow(x.dtype()) && parameter.dtype() == DType::f32;
  return mixed ? cast(parameter, x.dtype()) : parameter;
}

}  // namespace cawe::nn
