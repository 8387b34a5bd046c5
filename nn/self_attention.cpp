// SPDX-License-Identifier: Apache-2.0
#include "nn/self_attention.h"

#include "autograd/ops/attention.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/shape.h"
#include "nn/precision.h"

namespace cawe::nn {
namespace {

int64_t checked(int64_t channels) {
  CAWE_CHECK(channels >= 8, Code::shape, "SelfAttention: ", channels, " channels (expected 8 or more)");
  return channels;
}

/// [N, C, H, W] as [N, H W, C]; a view of a channels-last map.
Variable positions(const Variable& x) {
  return reshape(permute(x, {0, 2, 3, 1}), {x.dim(0), x.dim(2) * x.dim(3), x.dim(1)});
}

}  // namespace

SelfAttention::SelfAttention(int64_t channels)
    : query_(spectral_conv(checked(channels), channels / 8, 1, false)),
      key_(spectral_conv(channels, channels / 8, 1, false)),
      value_(spectral_conv(channels, channels, 1, false)) {
  computed_parameter("gamma", gamma_, Tensor::zeros({1}));
  child("query", query_);
  child("key", key_);
  child("value", value_);
}

Variable SelfAttention::forward(const Variable& x) {
  const int64_t n = x.dim(0), c = x.dim(1), h = x.dim(2), w = x.dim(3);
  // The names are DeOldify's: its "key" convolution g makes what is usually called queries, and its "query" f
  // the keys.
  const Variable asks = positions(key_.forward(x)), answers = positions(query_.forward(x));
  const Variable o =
      permute(reshape(attention(asks, answers, positions(value_.forward(x)), 1), {n, h, w, c}), {0, 3, 1, 2});
  // gamma once for each item, by a matrix product, whose gradient is summed over the batch along the lanes'
  // tree.
  Tensor ones = Tensor::empty({n, 1}, x.dtype(), Layout::contiguous, x.device());
  ones.fill(1);
  const Variable gamma = reshape(as_computed(gamma_, x), {1, 1});
  return add(mul(o, reshape(linear(Variable(ones), gamma), {n, 1, 1, 1})), x);
}

void SelfAttention::reset_parameters(uint64_t, const std::string&) {
  Tensor gamma = gamma_.value();
  gamma.fill(0);
  gamma.storage().touch();
}

}  // namespace cawe::nn
