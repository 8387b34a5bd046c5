// SPDX-License-Identifier: Apache-2.0
// Optimizers' steps and the gradients' norm: plain loops.
#include <cmath>
#include <vector>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

using cpu::for_each_offset;

/// g * factor where a factor is given and is not 1.
Tensor times(PrimitiveBackend& backend, const Tensor& g, const Tensor& factor) {
  const double f = factor.defined() ? factor.data<double>()[0] : 1;
  if (f == 1) return g;
  Tensor scaled = Tensor::like(g);
  backend.unary(UnaryOp::affine, f, 0, g, scaled);
  return scaled;
}

/// Sum of squares over fixed blocks, so that it is the same on any number of threads.
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

/// Whether a step changes nothing: something was not finite (gradient_norm).
bool is_left_out(const Tensor& factor) { return factor.defined() && std::isnan(factor.data<double>()[0]); }

}  // namespace

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

void ReferenceBackend::sgd_steps(const std::vector<Tensor>& p, const std::vector<Tensor>& g,
                                 const std::vector<Tensor>& velocity, const Tensor& factor,
                                 const SgdParams& s) {
  if (is_left_out(factor)) return;
  for (size_t i = 0; i < p.size(); ++i) {
    Tensor value = p[i], v = velocity[i];
    sgd_step(value, times(*this, g[i].to(value.dtype()), factor), v, s);
  }
}

void ReferenceBackend::adam_steps(const std::vector<Tensor>& p, const std::vector<Tensor>& g,
                                  const std::vector<Tensor>& m, const std::vector<Tensor>& v,
                                  const Tensor& factor, const AdamParams& s) {
  if (is_left_out(factor)) return;
  for (size_t i = 0; i < p.size(); ++i) {
    Tensor value = p[i], first = m[i], second = v[i];
    adam_step(value, times(*this, g[i].to(value.dtype()), factor), first, second, s);
  }
}

void ReferenceBackend::gradient_norm(const std::vector<Tensor>& g, double largest, double loss_scale,
                                     Tensor& result) {
  double squares = 0;
  for (const Tensor& t : g) {
    const Tensor flat = (size_of(t.dtype()) == 2 ? t.to(DType::f32) : t).contiguous();
    dispatch_floating("gradient_norm", flat.dtype(), [&](auto zero) {
      using T = decltype(zero);
      squares = squares_of(flat.data<T>(), flat.numel(), squares);
    });
  }
  const double norm = std::sqrt(squares) / loss_scale;
  const double clip = largest > 0 && norm > largest ? largest / norm : 1;
  double* out = result.data<double>();
  out[0] = squares;
  out[1] = norm;
  bool finite = std::isfinite(norm);
  for (int64_t i = 3; i < result.numel(); ++i) finite &= std::isfinite(out[i]);
  out[2] = finite ? clip / loss_scale : std::nan("");
}

}  // namespace cawe
