// SPDX-License-Identifier: Apache-2.0
// Element-wise arithmetic, copies and optimizers on dense f32 tensors of one memory order: vectorised, in
// parallel chunks whose borders cannot change a result.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/cpu/fast_backend.h"
#include "tensor/cpu/loops.h"

namespace cawe {
namespace {

constexpr int64_t kGrain = 16384;

bool dense_f32(const Tensor& x) { return x.dtype() == DType::f32 && x.is_dense(); }

bool same_strides(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return false;
  for (int i = 0; i < a.rank(); ++i)
    if (a.dim(i) != 1 && a.stride(i) != b.stride(i)) return false;
  return true;
}

/// All dense f32 with one shape and one memory order: element i is element i.
template <class... More>
bool aligned(const Tensor& x, const More&... more) {
  return dense_f32(x) && (... && (more.dtype() == DType::f32 && same_strides(x, more)));
}

/// Writes rows x columns numbers transposed: to[c * rows + r] = from[r * columns + c], in blocks that fit the
/// cache.
void transpose(const float* from, int64_t rows, int64_t columns, float* to) {
  constexpr int64_t kTile = 16;
  for (int64_t r0 = 0; r0 < rows; r0 += kTile)
    for (int64_t c0 = 0; c0 < columns; c0 += kTile)
      for (int64_t r = r0; r < std::min(rows, r0 + kTile); ++r)
        for (int64_t c = c0; c < std::min(columns, c0 + kTile); ++c) to[c * rows + r] = from[r * columns + c];
}

}  // namespace

void FastBackend::fill(Tensor& y, double value) {
  if (!dense_f32(y)) return ReferenceBackend::fill(y, value);
  float* p = y.data<float>();
  parallel_for(y.numel(), kGrain * 4,
               [&](int64_t begin, int64_t end) { std::fill(p + begin, p + end, float(value)); });
}

void FastBackend::copy(const Tensor& x, Tensor& y) {
  if (x.dtype() == y.dtype() && x.is_dense() && same_strides(x, y)) {
    const size_t size = size_of(x.dtype());
    const char* from = static_cast<const char*>(x.raw());
    char* to = static_cast<char*>(y.raw());
    return parallel_for(x.numel(), kGrain * 4, [&](int64_t begin, int64_t end) {
      std::memcpy(to + size_t(begin) * size, from + size_t(begin) * size, size_t(end - begin) * size);
    });
  }
  const bool f32_image = x.dtype() == DType::f32 && y.dtype() == DType::f32 && x.rank() == 4;
  const int64_t pixels = f32_image ? x.dim(2) * x.dim(3) : 0;
  if (f32_image && x.is_contiguous() && y.is_channels_last())
    return parallel_tasks(x.dim(0), [&](int64_t n) {
      transpose(x.data<float>() + n * x.dim(1) * pixels, x.dim(1), pixels,
                y.data<float>() + n * x.dim(1) * pixels);
    });
  if (f32_image && x.is_channels_last() && y.is_contiguous())
    return parallel_tasks(x.dim(0), [&](int64_t n) {
      transpose(x.data<float>() + n * x.dim(1) * pixels, pixels, x.dim(1),
                y.data<float>() + n * x.dim(1) * pixels);
    });
  // Blocks of whole rows: slices along the first dimensions, as concatenation makes them.
  if (x.dtype() == y.dtype() && x.rank() >= 2 && x.numel() > 0) {
    const Tensor x0 = x.slice(0, 0, 1), y0 = y.slice(0, 0, 1);
    if (x0.is_dense() && same_strides(x0, y0)) {
      const size_t size = size_of(x.dtype()), bytes = size_t(x0.numel()) * size;
      return parallel_for(
          x.dim(0), std::max<int64_t>(1, kGrain * 4 / x0.numel()), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i)
              std::memcpy(static_cast<char*>(y.raw()) + size_t(i * y.stride(0)) * size,
                          static_cast<const char*>(x.raw()) + size_t(i * x.stride(0)) * size, bytes);
          });
    }
  }
  ReferenceBackend::copy(x, y);
}

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

void FastBackend::sgd_step(Tensor& p, const Tensor& g, Tensor& velocity, const SgdParams& s) {
  if (!aligned(p, g, velocity)) return ReferenceBackend::sgd_step(p, g, velocity, s);
  float *pp = p.data<float>(), *pv = velocity.data<float>();
  const float* pg = g.data<float>();
  const float decay = float(s.weight_decay), lr = float(s.lr), momentum = s.first ? 0.0f : float(s.momentum);
  parallel_for(p.numel(), kGrain, [&](int64_t begin, int64_t end) {
    if (s.first) std::fill(pv + begin, pv + end, 0.0f);
    for (int64_t i = begin; i < end; ++i) {
      const float v = momentum * pv[i] + (pg[i] + decay * pp[i]);
      pv[i] = v;
      pp[i] -= lr * v;
    }
  });
  p.storage().touch();
}

void FastBackend::adam_step(Tensor& p, const Tensor& g, Tensor& m, Tensor& v, const AdamParams& s) {
  if (!aligned(p, g, m, v)) return ReferenceBackend::adam_step(p, g, m, v, s);
  const float rate = float(s.lr / (1 - std::pow(s.beta1, double(s.step))));
  const float root = float(std::sqrt(1 - std::pow(s.beta2, double(s.step))));
  const float keep = s.decoupled ? float(1 - s.lr * s.weight_decay) : 1.0f,
              decay = s.decoupled ? 0.0f : float(s.weight_decay);
  const float b1 = float(s.beta1), b2 = float(s.beta2), c1 = float(1 - s.beta1), c2 = float(1 - s.beta2),
              eps = float(s.eps);
  float *pp = p.data<float>(), *pm = m.data<float>(), *pv = v.data<float>();
  const float* pg = g.data<float>();
  parallel_for(p.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float d = pg[i] + decay * pp[i];
      const float first = b1 * pm[i] + c1 * d, second = b2 * pv[i] + c2 * d * d;
      pm[i] = first;
      pv[i] = second;
      pp[i] = pp[i] * keep - rate * first / (std::sqrt(second) / root + eps);
    }
  });
  p.storage().touch();
}

}  // namespace cawe
