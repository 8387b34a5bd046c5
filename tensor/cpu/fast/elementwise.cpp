// SPDX-License-Identifier: Apache-2.0
// Element-wise arithmetic on dense f32 tensors of one memory order: vectorised, in parallel chunks whose
// borders cannot change a result.
#include "tensor/cpu/dense.h"
#include "tensor/cpu/fast_backend.h"

namespace cawe {

using cpu::aligned;
using cpu::kGrain;

void FastBackend::unary(UnaryOp op, double a, double b, const Tensor& x, Tensor& y) {
  if (!aligned(x, y)) return ReferenceBackend::unary(op, a, b, x, y);
  const float* px = x.data<float>();
  float* py = y.data<float>();
  elementwise::visit<float>(op, float(a), float(b), [&](auto f) {
    parallel_for(x.numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) py[i] = f.value(px[i]);
    });
  });
}

void FastBackend::unary_grad(UnaryOp op, double a, double b, const Tensor& x, const Tensor& y,
                             const Tensor& dy, Tensor& dx) {
  if (!aligned(x, y, dy, dx)) return ReferenceBackend::unary_grad(op, a, b, x, y, dy, dx);
  const float *px = x.data<float>(), *py = y.data<float>(), *pd = dy.data<float>();
  float* out = dx.data<float>();
  elementwise::visit<float>(op, float(a), float(b), [&](auto f) {
    parallel_for(x.numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[i] = pd[i] * f.slope(px[i], py[i]);
    });
  });
}

void FastBackend::binary(BinaryOp op, const Tensor& p, const Tensor& q, Tensor& y) {
  if (!aligned(y, p, q)) return ReferenceBackend::binary(op, p, q, y);
  const float *a = p.data<float>(), *b = q.data<float>();
  float* out = y.data<float>();
  const auto run = [&](auto fixed) {  // the operator is a constant inside the loop
    parallel_for(y.numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[i] = elementwise::binary(decltype(fixed)::value, a[i], b[i]);
    });
  };
  switch (op) {
    case BinaryOp::add:
      return run(std::integral_constant<BinaryOp, BinaryOp::add>{});
    case BinaryOp::sub:
      return run(std::integral_constant<BinaryOp, BinaryOp::sub>{});
    case BinaryOp::mul:
      return run(std::integral_constant<BinaryOp, BinaryOp::mul>{});
    case BinaryOp::div:
      return run(std::integral_constant<BinaryOp, BinaryOp::div>{});
    default:
      return ReferenceBackend::binary(op, p, q, y);
  }
}

void FastBackend::accumulate(const Tensor& x, Tensor& y) {
  if (!aligned(y, x)) return ReferenceBackend::accumulate(x, y);
  const float* px = x.data<float>();
  float* py = y.data<float>();
  parallel_for(y.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) py[i] += px[i];
  });
}

}  // namespace cawe
