// SPDX-License-Identifier: Apache-2.0
// Spectral and weight normalisation: plain loops over [O, K] with sums in double.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

/// A tensor [O, ...] as rows of K numbers in the order of contiguous memory. `t` may be a copy: finish()
/// brings an output back.
template <class T>
class Rows {
 public:
  explicit Rows(const Tensor& t, bool is_output = false)
      : wanted_(t),
        t_(!is_output || t.is_contiguous() ? t.contiguous() : Tensor::empty(t.shape(), t.dtype())),
        p_(t_.data<T>()),
        rows_(t.dim(0)),
        columns_(rows_ == 0 ? 0 : t.numel() / rows_) {}
  T* operator[](int64_t r) const { return p_ + r * columns_; }
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  void finish() {
    if (t_.raw() != wanted_.raw()) wanted_.copy_from(t_);
  }

 private:
  Tensor wanted_, t_;
  T* p_;
  int64_t rows_, columns_;
};

template <class P, class Q>
double dot(const P* p, const Q* q, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += double(p[i]) * double(q[i]);
  return sum;
}

/// to = x / max(|x|, eps)
template <class T>
void normalise(const std::vector<double>& x, double eps, T* to) {
  const double norm = std::max(std::sqrt(dot(x.data(), x.data(), int64_t(x.size()))), eps);
  for (size_t i = 0; i < x.size(); ++i) to[i] = T(x[i] / norm);
}

}  // namespace

void ReferenceBackend::spectral_norm(const Tensor& w, bool iterate, double eps, Tensor& u, Tensor& v,
                                     Tensor& sigma, Tensor& y) {
  dispatch_floating("spectral_norm", w.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Rows<T> in(w);
    Rows<T> out(y, true);
    if (iterate) {
      std::vector<double> wtu(size_t(in.columns()), 0.0);
      for (int64_t o = 0; o < in.rows(); ++o)
        for (int64_t k = 0; k < in.columns(); ++k)
          wtu[size_t(k)] += double(u.data<T>()[o]) * double(in[o][k]);
      normalise(wtu, eps, v.data<T>());
    }
    std::vector<double> wv;
    for (int64_t o = 0; o < in.rows(); ++o) wv.push_back(dot(in[o], v.data<T>(), in.columns()));
    if (iterate) normalise(wv, eps, u.data<T>());
    const T s = T(dot(u.data<T>(), wv.data(), in.rows()));
    *sigma.data<T>() = s;
    for (int64_t o = 0; o < in.rows(); ++o)
      for (int64_t k = 0; k < in.columns(); ++k) out[o][k] = in[o][k] / s;
    out.finish();
  });
}

void ReferenceBackend::spectral_norm_grad(const Tensor& dy, const Tensor& y, const Tensor& u, const Tensor& v,
                                          const Tensor& sigma, Tensor& dw) {
  dispatch_floating("spectral_norm_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Rows<T> in(dy), made(y);
    Rows<T> out(dw, true);
    double along = 0;
    for (int64_t o = 0; o < in.rows(); ++o) along += dot(in[o], made[o], in.columns());
    for (int64_t o = 0; o < in.rows(); ++o) {
      const T share = T(along) * u.data<T>()[o];
      for (int64_t k = 0; k < in.columns(); ++k)
        out[o][k] = (in[o][k] - share * v.data<T>()[k]) / *sigma.data<T>();
    }
    out.finish();
  });
}

void ReferenceBackend::weight_norm(const Tensor& v, const Tensor& g, Tensor& norm, Tensor& y) {
  dispatch_floating("weight_norm", v.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Rows<T> in(v);
    const Tensor gain = g.contiguous();
    Rows<T> out(y, true);
    for (int64_t o = 0; o < in.rows(); ++o) {
      const double length = std::sqrt(dot(in[o], in[o], in.columns()));
      const T factor = T(double(gain.data<T>()[o]) / length);
      norm.data<T>()[o] = T(length);
      for (int64_t k = 0; k < in.columns(); ++k) out[o][k] = factor * in[o][k];
    }
    out.finish();
  });
}

void ReferenceBackend::weight_norm_grad(const Tensor& dy, const Tensor& v, const Tensor& g,
                                        const Tensor& norm, Tensor& dv, Tensor& dg) {
  dispatch_floating("weight_norm_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Rows<T> in(dy), direction(v);
    const Tensor gain = g.contiguous();
    Rows<T> out(dv, true);
    for (int64_t o = 0; o < in.rows(); ++o) {
      const double length = double(norm.data<T>()[o]);
      const double along = dot(in[o], direction[o], in.columns()) / length;
      const T factor = T(double(gain.data<T>()[o]) / length), share = T(along / length);
      dg.data<T>()[o] = T(along);
      for (int64_t k = 0; k < in.columns(); ++k) out[o][k] = factor * (in[o][k] - share * direction[o][k]);
    }
    out.finish();
  });
}

}  // namespace cawe
