// SPDX-License-Identifier: Apache-2.0
#include "nn/weight_norm_conv2d.h"

#include <cmath>

#include "autograd/ops/conv2d.h"
#include "autograd/ops/weight_norms.h"
#include "nn/precision.h"

namespace cawe::nn {

WeightNormConv2d::WeightNormConv2d(const Conv2dOptions& options, bool icnr) : options_(options), icnr_(icnr) {
  const auto& o = options_;
  CAWE_CHECK(o.in > 0 && o.out > 0 && o.kernel > 0 && o.params.groups == 1, Code::shape,
             "WeightNormConv2d: ", o.in, " to ", o.out, " channels, kernel ", o.kernel, ", groups ",
             o.params.groups, " (expected positive numbers and one group)");
  if (o.bias) computed_parameter("bias", bias_, Tensor::zeros({o.out}));
  parameter("weight_g", g_, Tensor::zeros({o.out, 1, 1, 1}));
  parameter("weight_v", v_, Tensor::zeros({o.out, o.in, o.kernel, o.kernel}));
}

Variable WeightNormConv2d::forward(const Variable& x, bool relu) {
  return conv2d(x, as_computed(weight_norm(v_, g_), x), as_computed(bias_, x), options_.params, relu);
}

void WeightNormConv2d::reset_parameters(uint64_t seed, const std::string& path) {
  Tensor v = v_.value(), g = g_.value();
  const std::string name = path + "weight_v";
  if (icnr_)
    cawe::nn::initialise_icnr(v, options_.weight_init, seed, name);
  else
    cawe::nn::initialise(v, options_.weight_init, seed, name);
  const std::vector<double> values = v.to(DType::f64).to_vector<double>();
  const int64_t rest = v.numel() / v.dim(0);
  std::vector<double> norms(size_t(v.dim(0)), 0.0);
  for (size_t i = 0; i < values.size(); ++i) norms[i / size_t(rest)] += values[i] * values[i];
  for (double& norm : norms) norm = std::sqrt(norm);
  g.copy_from(Tensor::from(norms, g.shape()));
  g.storage().touch();
  if (!bias_.defined()) return;
  Tensor bias = bias_.value();
  cawe::nn::initialise(bias, options_.bias_init, seed, path + "bias");
}

}  // namespace cawe::nn
