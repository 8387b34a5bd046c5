// SPDX-License-Identifier: Apache-2.0
#include "nn/batch_norm.h"

#include "autograd/ops/batch_norm.h"

namespace cawe::nn {

BatchNorm2d::BatchNorm2d(int64_t channels, const BatchNormOptions& options) : options_(options) {
  CAWE_CHECK(channels > 0, Code::shape, "BatchNorm2d: ", channels, " channels (expected a positive number)");
  const Tensor zeros = Tensor::zeros({channels}), ones = Tensor::full({channels}, 1),
               biases = Tensor::full({channels}, options_.bias);
  if (options_.kind == NormKind::batch) {
    parameter("weight", weight_, ones);
    parameter("bias", bias_, biases);
  } else {
    buffer("weight", frozen_weight_, ones);
    buffer("bias", frozen_bias_, biases);
  }
  buffer("running_mean", running_mean_, zeros);
  buffer("running_var", running_var_, ones.clone());
  if (options_.kind == NormKind::batch)
    buffer("num_batches_tracked", batches_, Tensor::zeros({}, DType::i64));
}

Variable BatchNorm2d::forward(const Variable& x, const Variable& residual, bool relu) {
  const auto& o = options_;
  if (o.kind == NormKind::frozen) {
    CAWE_CHECK(loaded_, Code::usage,
               "frozen batch norm without loaded weights: activations would grow with every block. Load "
               "weights, or train from scratch with live batch norm (norm = \"batch\")");
    return batch_norm(x, Variable(frozen_weight_), Variable(frozen_bias_), running_mean_, running_var_, false,
                      o.momentum, o.eps, residual, relu);
  }
  if (training()) ++*batches_.data<int64_t>();
  return batch_norm(x, weight_, bias_, running_mean_, running_var_, training(), o.momentum, o.eps, residual,
                    relu);
}

void BatchNorm2d::reset_parameters(uint64_t, const std::string&) {
  Tensor weight = options_.kind == NormKind::batch ? weight_.value() : frozen_weight_;
  Tensor bias = options_.kind == NormKind::batch ? bias_.value() : frozen_bias_;
  weight.fill(1);
  bias.fill(options_.bias);
  running_mean_.fill(0);
  running_var_.fill(1);
  if (batches_.defined()) batches_.fill(0);
  loaded_ = false;
}

}  // namespace cawe::nn
