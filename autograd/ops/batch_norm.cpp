// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/batch_norm.h"

#include "autograd/ops/elementwise.h"
#include "tensor/communicator.h"
#include "tensor/primitives/batch_norm.h"
#include "tensor/profile.h"

namespace cawe {
namespace {

/// sums [2, C] (f64) and `count`, added over the ranks.
Tensor all_ranks(const Tensor& sums, double* count) {
  if (current_communicator().size() == 1) return sums;
  std::vector<double> values = sums.to_vector<double>();
  values.push_back(*count);
  current_communicator().all_reduce_sum(values.data(), int64_t(values.size()));
  *count = values.back();
  values.pop_back();
  return Tensor::from(values, sums.shape()).to(sums.device());
}

/// Mean, 1/sqrt(var + eps), scale and shift of each channel [4, C] of a batch on all ranks, which has `count` values a
/// channel then.
void batch_coefficients(const Tensor& x, const Tensor& w, const Tensor& b, double momentum, double eps,
                        Tensor& running_mean, Tensor& running_var, double* count, Tensor& out) {
  const int64_t channels = x.dim(1);
  *count = double(x.numel() / channels);
  const bool alone = current_communicator().size() == 1;
  Tensor total;
  if (!alone) {
    Tensor sums = Tensor::empty({2, channels}, DType::f64, Layout::contiguous, x.device());
    primitives::channel_sums(x, sums);
    total = all_ranks(sums, count);
  }
  CAWE_CHECK(*count > 1, Code::numeric, "batch_norm: one value a channel (x ", x.shape(),
             ") has no variance; use a larger batch or image, or evaluation mode");
  if (alone)
    primitives::batch_norm_train_coefficients(x, w, b, momentum, eps, running_mean, running_var, out);
  else
    primitives::batch_norm_coefficients(total, *count, w, b, momentum, eps, running_mean, running_var, out);
}

void check(const Variable& x, const Variable& weight, const Variable& bias, const Variable& residual) {
  CAWE_CHECK(x.rank() == 4, Code::shape, "batch_norm: x ", x.shape(), " (expected [N, C, H, W])");
  const Shape channels{x.dim(1)};
  CAWE_CHECK(weight.shape() == channels && bias.shape() == channels, Code::shape, "batch_norm: weight ",
             weight.shape(), " and bias ", bias.shape(), " for x ", x.shape(), " (expected ", channels, ")");
  const DType wanted = is_narrow(x.dtype()) ? DType::f32 : x.dtype();
  CAWE_CHECK(weight.dtype() == wanted && bias.dtype() == wanted, Code::dtype, "batch_norm: x is ",
             name(x.dtype()), ", weight is ", name(weight.dtype()), " (expected ", name(wanted), ")");
  CAWE_CHECK(!residual.defined() || residual.shape() == x.shape(), Code::shape, "batch_norm: residual ",
             residual.shape(), " for x ", x.shape(), " (expected the same)");
}

}  // namespace

Variable batch_norm(const Variable& x, const Variable& weight, const Variable& bias, Tensor& running_mean,
                    Tensor& running_var, bool training, double momentum, double eps, const Variable& residual,
                    bool relu) {
  check(x, weight, bias, residual);
  const Tensor in = x.value(), w = weight.value(), res = residual.defined() ? residual.value() : Tensor();
  ProfileScope scope("batch_norm", 2.0 * double(in.numel()),
                     double(size_of(in.dtype())) * double(in.numel()) * (training ? 3 : 2));
  double count = 0;
  const int64_t channels = in.dim(1);
  Tensor coefficients = Tensor::empty({4, channels}, w.dtype(), Layout::contiguous, in.device());
  if (training)
    batch_coefficients(in, w, bias.value(), momentum, eps, running_mean, running_var, &count, coefficients);
  else
    primitives::batch_norm_coefficients({}, 0, w, bias.value(), momentum, eps, running_mean, running_var,
                                        coefficients);
  const auto coefficient = [&](int64_t r) { return coefficients.slice(0, r, r + 1).reshape({channels}); };
  const Tensor means = coefficient(0), invstds = coefficient(1), scales = coefficient(2);
  const Tensor shifts = coefficient(3);
  Tensor y = Tensor::like(in);
  primitives::channel_affine(in, scales, shifts, res, relu, y);
  // Where x alone decides what the ReLU cut, gradients that read x anyway compute it again and do not read y.
  const Tensor mask = relu && (res.defined() || !training) ? y : Tensor();
  const bool wants_x = needs_grad(x), wants_residual = res.defined() && needs_grad(residual);
  const bool wants_parameters = needs_grad(weight) || needs_grad(bias);
  return record("batch_norm", {x, weight, bias, residual}, y, [=](const Tensor& dy_in) -> Grads {
    const Tensor dy = in.is_channels_last() ? dy_in.channels_last() : dy_in;
    Tensor dx, dw, db, dres;
    if (wants_residual) dres = Tensor::like(in);
    Tensor global;
    if (training || wants_parameters) {
      Tensor sums = Tensor::empty({2, channels}, DType::f64, Layout::contiguous, in.device());
      primitives::batch_norm_grad_sums(dy, in, mask, scales, shifts, means, invstds, relu, sums);
      double values = double(in.numel() / channels);
      global = all_ranks(sums, &values);
      // The tape adds gradients of shared parameters over the ranks, but these sums are over all ranks
      // already (in f64): once_over_ranks() keeps them from being counted once per rank.
      const Tensor once = once_over_ranks(global);
      const auto part = [&](int64_t row) { return once.slice(0, row, row + 1).reshape({channels}); };
      db = part(0);
      dw = part(1);
    }
    if (training) {
      dx = Tensor::like(in);
      primitives::batch_norm_grad_input(dy, in, mask, scales, shifts, means, invstds, w, global, count, relu,
                                        dx, dres);
    } else if (wants_x || wants_residual) {
      dx = Tensor::like(in);
      primitives::channel_affine_grad(dy, mask, scales, relu, dx, dres);
    }
    return {dx, dw, db, dres};
  });
}

}  // namespace cawe
