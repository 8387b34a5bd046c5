// SPDX-License-Identifier: Apache-2.0
#include "nn/spectral_conv2d.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops/conv2d.h"
#include "autograd/ops/weight_norms.h"
#include "nn/precision.h"
#include "tensor/primitives/elementwise.h"

namespace cawe::nn {
namespace {

/// A random unit vector: normal numbers over their norm.
void initialise_direction(Tensor& t, uint64_t seed, const std::string& name) {
  initialise(t, Init::normal(1), seed, name);
  double squares = 0;
  for (const double x : t.to(DType::f64).to_vector<double>()) squares += x * x;
  const Tensor norm = Tensor::scalar(1 / std::max(1e-12, std::sqrt(squares)), t.dtype());
  const Tensor x = t.clone();
  primitives::binary(BinaryOp::mul, x, norm, t);
  t.storage().touch();
}

}  // namespace

Conv2dOptions spectral_conv(int64_t in, int64_t out, int64_t kernel, bool bias) {
  Conv2dOptions o = same_conv(in, out, kernel);
  o.bias = bias;
  o.weight_init = Init::kaiming_normal_fan_in();
  return o;
}

SpectralConv2d::SpectralConv2d(const Conv2dOptions& options, bool icnr) : options_(options), icnr_(icnr) {
  const auto& o = options_;
  CAWE_CHECK(o.in > 0 && o.out > 0 && o.kernel > 0 && o.params.groups == 1, Code::shape,
             "SpectralConv2d: ", o.in, " to ", o.out, " channels, kernel ", o.kernel, ", groups ",
             o.params.groups, " (expected positive numbers and one group)");
  parameter("weight_orig", weight_, Tensor::zeros({o.out, o.in, o.kernel, o.kernel}));
  if (o.bias) computed_parameter("bias", bias_, Tensor::zeros({o.out}));
  buffer("weight_u", u_, Tensor::zeros({o.out}));
  buffer("weight_v", v_, Tensor::zeros({o.in * o.kernel * o.kernel}));
}

Variable SpectralConv2d::forward(const Variable& x, bool relu) {
  const Variable weight = spectral_norm(weight_, u_, v_, training());
  return conv2d(x, as_computed(weight, x), as_computed(bias_, x), options_.params, relu);
}

void SpectralConv2d::reset_parameters(uint64_t seed, const std::string& path) {
  Tensor weight = weight_.value();
  const std::string name = path + "weight_orig";
  if (icnr_)
    cawe::nn::initialise_icnr(weight, options_.weight_init, seed, name);
  else
    cawe::nn::initialise(weight, options_.weight_init, seed, name);
  initialise_direction(u_, seed, path + "weight_u");
  initialise_direction(v_, seed, path + "weight_v");
  if (!bias_.defined()) return;
  Tensor bias = bias_.value();
  cawe::nn::initialise(bias, options_.bias_init, seed, path + "bias");
}

}  // namespace cawe::nn
