// SPDX-License-Identifier: Apache-2.0
#include "nn/linear.h"

#include <cmath>

#include "autograd/ops/linear.h"
#include "nn/precision.h"

namespace cawe::nn {

Linear::Linear(int64_t in, int64_t out) {
  CAWE_CHECK(in > 0 && out > 0, Code::shape, "Linear: ", in, " to ", out,
             " features (expected positive numbers)");
  computed_parameter("weight", weight_, Tensor::zeros({out, in}));
  computed_parameter("bias", bias_, Tensor::zeros({out}));
}

Linear::Linear(int64_t in, int64_t out, const Init& weight) : Linear(in, out) { weight_init_ = weight; }

Variable Linear::forward(const Variable& x) {
  return linear(x, as_computed(weight_, x), as_computed(bias_, x));
}

void Linear::reset_parameters(uint64_t seed, const std::string& path) {
  Tensor weight = weight_.value(), bias = bias_.value();
  const double bound = 1.0 / std::sqrt(double(fan_in(weight.shape())));
  const Init bias_init = weight_init_ ? Init::constant(0) : Init::uniform(bound);
  cawe::nn::initialise(weight, weight_init_.value_or(Init::uniform(bound)), seed, path + "weight");
  cawe::nn::initialise(bias, bias_init, seed, path + "bias");
}

}  // namespace cawe::nn
