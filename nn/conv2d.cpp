// SPDX-License-Identifier: Apache-2.0
#include "nn/conv2d.h"

#include "autograd/ops/conv2d.h"
#include "nn/precision.h"

namespace cawe::nn {

Conv2dOptions same_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation) {
  Conv2dOptions o;
  o.in = in;
  o.out = out;
  o.kernel = kernel;
  o.params.stride = stride;
  o.params.dilation = dilation;
  o.params.padding = dilation * (kernel - 1) / 2;
  return o;
}

Conv2d::Conv2d(const Conv2dOptions& options) : options_(options) {
  const auto& o = options_;
  CAWE_CHECK(o.in > 0 && o.out > 0 && o.kernel > 0 && o.params.groups > 0 && o.in % o.params.groups == 0 &&
                 o.out % o.params.groups == 0,
             Code::shape, "Conv2d: ", o.in, " to ", o.out, " channels, kernel ", o.kernel, ", groups ",
             o.params.groups, " (expected positive numbers, channels divisible by groups)");
  computed_parameter("weight", weight_, Tensor::zeros({o.out, o.in / o.params.groups, o.kernel, o.kernel}));
  if (o.bias) computed_parameter("bias", bias_, Tensor::zeros({o.out}));
}

Variable Conv2d::forward(const Variable& x, bool relu) {
  return conv2d(x, as_computed(weight_, x), as_computed(bias_, x), options_.params, relu);
}

void Conv2d::reset_parameters(uint64_t seed, const std::string& path) {
  Tensor weight = weight_.value();
  cawe::nn::initialise(weight, options_.weight_init, seed, path + "weight");
  if (!bias_.defined()) return;
  Tensor bias = bias_.value();
  cawe::nn::initialise(bias, options_.bias_init, seed, path + "bias");
}

}  // namespace cawe::nn
