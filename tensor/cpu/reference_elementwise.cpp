// SPDX-License-Identifier: Apache-2.0
// Memory, element-wise arithmetic, reductions, optimizers: plain loops.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/cpu/cpu_backend.h"
#include "tensor/cpu/loops.h"
#include "tensor/denormals.h"

namespace cawe {
namespace {

using cpu::broadcast_strides;
using cpu::for_each_offset;

template <class From, class To>
To convert(From v) {
  if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>)
    return convert<float, To>(to_float(v));
  else if constexpr (std::is_same_v<To, Half>)
    return to_half(float(v));
  else if constexpr (std::is_same_v<To, BFloat16>)
    return to_bfloat16(float(v));
  else
    return static_cast<To>(v);
}

template <class Fn>
void dispatch_any(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::f32:
      return fn(float{});
    case DType::f64:
      return fn(double{});
    case DType::f16:
      return fn(Half{});
    case DType::bf16:
      return fn(BFloat16{});
    case DType::i32:
      return fn(int32_t{});
    case DType::i64:
      return fn(int64_t{});
    case DType::u8:
      return fn(uint8_t{});
    case DType::boolean:
      return fn(bool{});
  }
}

}  // namespace

void ReferenceBackend::fill(Tensor& y, double value) {
  dispatch_any(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T v = convert<double, T>(value);
    T* p = y.data<T>();
    for_each_offset<1>(y.shape(), {y.strides()}, [&](const auto& at) { p[at[0]] = v; });
  });
}

void ReferenceBackend::copy(const Tensor& x, Tensor& y) {
  dispatch_any(x.dtype(), [&](auto from) {
    dispatch_any(y.dtype(), [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      const From* px = x.data<From>();
      To* py = y.data<To>();
      for_each_offset<2>(y.shape(), {x.strides(), y.strides()},
                         [&](const auto& at) { py[at[1]] = convert<From, To>(px[at[0]]); });
    });
  });
}

void ReferenceBackend::unary(UnaryOp op, double a, double b, const Tensor& x, Tensor& y) {
  dispatch_floating("unary", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    elementwise::visit<T>(op, T(a), T(b), [&](auto f) {
      const T* px = x.data<T>();
      T* py = y.data<T>();
      for_each_offset<2>(y.shape(), {x.strides(), y.strides()},
                         [&](const auto& at) { py[at[1]] = f.value(px[at[0]]); });
    });
  });
}

void ReferenceBackend::unary_grad(UnaryOp op, double a, double b, const Tensor& x, const Tensor& y,
                                  const Tensor& dy, Tensor& dx) {
  dispatch_floating("unary_grad", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    elementwise::visit<T>(op, T(a), T(b), [&](auto f) {
      const T *px = x.data<T>(), *py = y.data<T>(), *pd = dy.data<T>();
      T* out = dx.data<T>();
      for_each_offset<4>(dx.shape(), {x.strides(), y.strides(), dy.strides(), dx.strides()},
                         [&](const auto& at) { out[at[3]] = pd[at[2]] * f.slope(px[at[0]], py[at[1]]); });
    });
  });
}

void ReferenceBackend::binary(BinaryOp op, const Tensor& p, const Tensor& q, Tensor& y) {
  dispatch_floating("binary", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *a = p.data<T>(), *b = q.data<T>();
    T* out = y.data<T>();
    for_each_offset<3>(y.shape(),
                       {broadcast_strides(p, y.shape()), broadcast_strides(q, y.shape()), y.strides()},
                       [&](const auto& at) { out[at[2]] = elementwise::binary(op, a[at[0]], b[at[1]]); });
  });
}

void ReferenceBackend::accumulate(const Tensor& x, Tensor& y) {
  dispatch_floating("accumulate", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* px = x.data<T>();
    T* py = y.data<T>();
    for_each_offset<2>(y.shape(), {x.strides(), y.strides()},
                       [&](const auto& at) { py[at[1]] += px[at[0]]; });
  });
}

void ReferenceBackend::sum_to(const Tensor& x, Tensor& y) {
  dispatch_floating("sum_to", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    Tensor sums = Tensor::zeros(y.shape(), DType::f64);
    const T* px = x.data<T>();
    double* ps = sums.data<double>();
    for_each_offset<2>(x.shape(), {x.strides(), broadcast_strides(sums, x.shape())},
                       [&](const auto& at) { ps[at[1]] += double(px[at[0]]); });
    copy(sums, y);
  });
}

void ReferenceBackend::argmax_rows(const Tensor& x, Tensor& y) {
  const KeepDenormals exact;  // it decides
  dispatch_floating("argmax_rows", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor in = x.contiguous();
    const T* p = in.data<T>();
    const int64_t rows = in.dim(0), columns = in.dim(1);
    for (int64_t r = 0; r < rows; ++r)
      y.data<int64_t>()[r * y.stride(0)] =
          std::max_element(p + r * columns, p + (r + 1) * columns) - (p + r * columns);
  });
}

void ReferenceBackend::min_max(const Tensor& x, Tensor& low, Tensor& high) {
  dispatch_floating("min_max", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (int64_t n = 0; n < x.dim(0); ++n) {
      const Tensor item = x.slice(0, n, n + 1).contiguous();
      const T* p = item.data<T>();
      const auto [least, most] = std::minmax_element(p, p + item.numel());
      low.data<T>()[n * low.stride(0)] = *least;
      high.data<T>()[n * high.stride(0)] = *most;
    }
  });
}

void ReferenceBackend::sgd_step(Tensor& p, const Tensor& g, Tensor& velocity, const SgdParams& s) {
  dispatch_floating("sgd_step", p.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *pp = p.data<T>(), *pv = velocity.data<T>();
    const T* pg = g.data<T>();
    for_each_offset<3>(p.shape(), {p.strides(), g.strides(), velocity.strides()}, [&](const auto& at) {
      const T step = pg[at[1]] + T(s.weight_decay) * pp[at[0]];
      T& v = pv[at[2]];
      v = s.first ? step : T(s.momentum) * v + step;
      pp[at[0]] -= T(s.lr) * v;
    });
  });
  p.storage().touch();
}

void ReferenceBackend::adam_step(Tensor& p, const Tensor& g, Tensor& m, Tensor& v, const AdamParams& s) {
  const double correct1 = 1 - std::pow(s.beta1, double(s.step)),
               correct2 = 1 - std::pow(s.beta2, double(s.step));
  dispatch_floating("adam_step", p.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T rate = T(s.lr / correct1), root = T(std::sqrt(correct2));
    T *pp = p.data<T>(), *pm = m.data<T>(), *pv = v.data<T>();
    const T* pg = g.data<T>();
    for_each_offset<4>(p.shape(), {p.strides(), g.strides(), m.strides(), v.strides()}, [&](const auto& at) {
      T& w = pp[at[0]];
      T d = pg[at[1]];
      if (s.decoupled)
        w *= T(1 - s.lr * s.weight_decay);
      else
        d += T(s.weight_decay) * w;
      T &m1 = pm[at[2]], &v1 = pv[at[3]];
      m1 = T(s.beta1) * m1 + T(1 - s.beta1) * d;
      v1 = T(s.beta2) * v1 + T(1 - s.beta2) * d * d;
      w -= rate * m1 / (std::sqrt(v1) / root + T(s.eps));
    });
  });
  p.storage().touch();
}

namespace {

/// g * factor where a factor is given and is not 1.
Tensor times(Backend& backend, const Tensor& g, const Tensor& factor) {
  const double f = factor.defined() ? factor.data<double>()[0] : 1;
  if (f == 1) return g;
  Tensor scaled = Tensor::like(g);
  backend.unary(UnaryOp::affine, f, 0, g, scaled);
  return scaled;
}

/// Fixed blocks, so that the sum is the same on any number of threads.
template <class T>
double squares_of(const T* p, int64_t n, double squares) {
  const int64_t block = 4096, blocks = (n + block - 1) / block;
  std::vector<double> sums(size_t(blocks), 0.0);
  parallel_for(n, block, [&](int64_t begin, int64_t end) {
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) sum += double(p[i]) * double(p[i]);
    sums[size_t(begin / block)] = sum;
  });
  for (const double sum : sums) squares += sum;
  return squares;
}

}  // namespace

void ReferenceBackend::sgd_steps(const std::vector<Tensor>& p, const std::vector<Tensor>& g,
                                 const std::vector<Tensor>& velocity, const Tensor& factor,
                                 const SgdParams& s) {
  for (size_t i = 0; i < p.size(); ++i) {
    Tensor value = p[i], v = velocity[i];
    sgd_step(value, times(*this, g[i], factor), v, s);
  }
}

void ReferenceBackend::adam_steps(const std::vector<Tensor>& p, const std::vector<Tensor>& g,
                                  const std::vector<Tensor>& m, const std::vector<Tensor>& v,
                                  const Tensor& factor, const AdamParams& s) {
  for (size_t i = 0; i < p.size(); ++i) {
    Tensor value = p[i], first = m[i], second = v[i];
    adam_step(value, times(*this, g[i], factor), first, second, s);
  }
}

void ReferenceBackend::gradient_norm(const std::vector<Tensor>& g, double largest, double loss_scale,
                                     Tensor& result) {
  double squares = 0;
  for (const Tensor& t : g)
    dispatch_floating("gradient_norm", t.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const Tensor flat = t.contiguous();
      squares = squares_of(flat.data<T>(), flat.numel(), squares);
    });
  const double norm = std::sqrt(squares) / loss_scale;
  const double clip = largest > 0 && norm > largest ? largest / norm : 1;
  double* out = result.data<double>();
  out[0] = squares;
  out[1] = norm;
  out[2] = std::isfinite(norm) ? clip / loss_scale : 1;
}

}  // namespace cawe
