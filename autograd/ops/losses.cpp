// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/losses.h"

#include <algorithm>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/gather_rows.h"
#include "autograd/ops/reductions.h"
#include "autograd/ops/shape.h"
#include "tensor/communicator.h"
#include "tensor/parallel.h"
#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/losses.h"
#include "tensor/primitives/reductions.h"

namespace cawe {
namespace {

void check_same(const char* op, const Variable& x, const Tensor& t) {
  CAWE_CHECK(x.shape() == t.shape(), Code::shape, op, ": x ", x.shape(), " and t ", t.shape(),
             " (expected equal shapes)");
  CAWE_CHECK(x.dtype() == t.dtype(), Code::dtype, op, ": x is ", name(x.dtype()), ", t is ", name(t.dtype()),
             " (expected one dtype)");
}

Tensor one_an_item(const Variable& x) {
  return Tensor::empty({x.dim(0)}, x.dtype(), Layout::contiguous, x.device());
}

}  // namespace

Variable bce_with_logits(const Variable& x, const Tensor& t, const Tensor& mask, const Tensor& pos_weight) {
  CAWE_CHECK(x.rank() == 2, Code::shape, "bce_with_logits: x ", x.shape(), " (expected [N, K])");
  check_same("bce_with_logits", x, t);
  if (mask.defined()) check_same("bce_with_logits (mask)", x, mask);
  CAWE_CHECK(!pos_weight.defined() || pos_weight.shape() == Shape({x.dim(1)}), Code::shape,
             "bce_with_logits: pos_weight ", pos_weight.shape(), " (expected [", x.dim(1), "])");
  const Tensor in = x.value();
  Tensor y = one_an_item(x);
  primitives::bce_with_logits(in, t, mask, pos_weight, y);
  return record("bce_with_logits", {x}, y, [=](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::like(in);
    primitives::bce_with_logits_grad(in, t, mask, pos_weight, dy.contiguous(), dx);
    return {dx};
  });
}

Variable sigmoid_focal_loss(const Variable& x, const Tensor& t, double alpha, double gamma) {
  CAWE_CHECK(x.rank() == 2, Code::shape, "sigmoid_focal_loss: x ", x.shape(), " (expected [N, A])");
  check_same("sigmoid_focal_loss", x, t);
  const Tensor in = x.value();
  Tensor y = one_an_item(x);
  primitives::sigmoid_focal_loss(in, t, alpha, gamma, y);
  return record("sigmoid_focal_loss", {x}, y, [=](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::like(in);
    primitives::sigmoid_focal_loss_grad(in, t, alpha, gamma, dy.contiguous(), dx);
    return {dx};
  });
}

Variable smooth_l1(const Variable& x, const Tensor& t, const Tensor& mask, double beta) {
  CAWE_CHECK(x.rank() == 3 && mask.shape() == Shape({x.dim(0), x.dim(1)}), Code::shape, "smooth_l1: x ",
             x.shape(), ", mask ", mask.shape(), " (expected [N, A, K] and [N, A])");
  CAWE_CHECK(beta >= 0, Code::usage, "smooth_l1: beta ", beta, " (expected 0 or more)");
  check_same("smooth_l1", x, t);
  const Tensor in = x.value();
  Tensor y = one_an_item(x);
  primitives::smooth_l1(in, t, mask, beta, y);
  return record("smooth_l1", {x}, y, [=](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::like(in);
    primitives::smooth_l1_grad(in, t, mask, beta, dy.contiguous(), dx);
    return {dx};
  });
}

Variable cross_entropy(const Variable& x, const Tensor& places) {
  CAWE_CHECK(x.rank() == 2 && places.shape() == Shape({x.dim(0)}) && places.dtype() == DType::i64,
             Code::shape, "cross_entropy: x ", x.shape(), ", places ", places.shape(), " ",
             name(places.dtype()), " (expected [R, C] and i64 [R])");
  const int64_t rows = x.dim(0), classes = x.dim(1);
  if (places.device() == Device::cpu) {
    const std::vector<int64_t> at = places.to_vector<int64_t>();
    for (int64_t r = 0; r < rows; ++r)
      CAWE_CHECK(at[size_t(r)] >= r * classes && at[size_t(r)] < (r + 1) * classes, Code::shape,
                 "cross_entropy: place ", at[size_t(r)], " in row ", r, " of ", classes,
                 " classes (expected row * classes + target)");
  }
  // log sum exp(x) - x[target], with the row's maximum subtracted first so that nothing overflows.
  Tensor most = one_an_item(x), least = one_an_item(x);
  primitives::min_max(x.value(), least, most);
  const Variable shifted = sub(x, Variable(most.reshape({rows, 1})));
  const Variable picked = reshape(gather_rows(reshape(shifted, {rows * classes, 1}), places), {rows});
  return sub(log(sum(exp(shifted), {1})), picked);
}

namespace {

/// The mean without a copy to the host, which would make it wait for the device.
Variable mean_on_device(const Variable& x) {
  const double factor = 1.0 / std::max(1.0, double(x.numel()));
  const auto times = [factor](const Tensor& t) {
    const Tensor in = t.to(DType::f64);
    Tensor out = Tensor::like(in);
    primitives::unary(UnaryOp::affine, factor, 0, in, out);
    return out;
  };
  Tensor sum = Tensor::empty({}, DType::f64, Layout::contiguous, x.device());
  primitives::sum_to(x.value().to(DType::f64), sum);
  return record("batch_mean", {x}, times(sum).to(x.dtype()),
                [times, shape = x.shape(), dtype = x.dtype()](const Tensor& dy) -> Grads {
                  return {times(dy).to(dtype).reshape({1}).expand(shape).contiguous()};
                });
}

}  // namespace

Variable batch_mean(const Variable& x) {
  CAWE_CHECK(x.rank() == 1, Code::shape, "batch_mean: x ", x.shape(), " (expected [N])");
  if (x.device() != Device::cpu && current_communicator().size() == 1) return mean_on_device(x);
  const Tensor in = x.value().to(DType::f64).to(Device::cpu).contiguous();
  const double* items = in.data<double>();
  double values[2] = {0, double(in.numel())};
  if (in.numel() > 0)
    lane_sum<double>(lane_plan(in.numel()), 1, values,
                     [&](int64_t, int64_t begin, int64_t end, double* partial) {
                       *partial = 0;
                       for (int64_t i = begin; i < end; ++i) *partial += items[i];
                     });
  current_communicator().all_reduce_sum(values, 2);
  const double count = std::max(1.0, values[1]);
  const Tensor y = Tensor::scalar(values[0] / count, x.dtype()).to(x.device());
  return record("batch_mean", {x}, y, [count, shape = x.shape()](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty(shape, dy.dtype(), Layout::contiguous, dy.device());
    dx.fill(dy.item() / count);
    return {dx};
  });
}

}  // namespace cawe
