// SPDX-License-Identifier: Apache-2.0
// Spectral norm of contiguous f32 weights [O, K], up to 2048 x 18432: bound by memory. w is read once for
// each product of the power iteration and once for y; sigma = u . (w v) needs no product of its own.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "tensor/cpu/fast_backend.h"
#include "tensor/cpu/loops.h"

namespace cawe {
namespace {

using Float8 = float __attribute__((vector_size(32)));

Float8 load(const float* p) {
  Float8 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

/// Dot product of p and q: 4 x 8 interleaved f32 sums over pieces of 1024 numbers, pieces added in double.
double dot(const float* p, const float* q, int64_t n) {
  constexpr int64_t kPiece = 1024, kStep = 32;
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kPiece) {
    const int64_t end = std::min(n, begin + kPiece), whole = begin + (end - begin) / kStep * kStep;
    Float8 sum[4] = {};
    for (int64_t i = begin; i < whole; i += kStep)
      for (int c = 0; c < 4; ++c) sum[c] += load(p + i + 8 * c) * load(q + i + 8 * c);
    const Float8 all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    float piece = ((all[0] + all[1]) + (all[2] + all[3])) + ((all[4] + all[5]) + (all[6] + all[7]));
    for (int64_t i = whole; i < end; ++i) piece += p[i] * q[i];
    total += double(piece);
  }
  return total;
}

/// A matrix as rows of K numbers.
struct Matrix {
  explicit Matrix(const Tensor& t) : p(t.data<float>()), rows(t.dim(0)), columns(t.numel() / t.dim(0)) {}
  float* operator[](int64_t r) const { return p + r * columns; }
  /// Rows for each task, so that a task has about 64 K numbers.
  int64_t grain() const { return std::max<int64_t>(1, 65536 / columns); }
  float* p;
  int64_t rows, columns;
};

bool is_plain(const Tensor& t) { return t.dtype() == DType::f32 && t.is_contiguous() && t.numel() > 0; }

/// to [K] = w^T u. A task sums 1024 columns, four rows at a time, so that its sums stay in the L1 cache.
void transposed_product(const Matrix& w, const float* u, float* to) {
  parallel_for(w.columns, 1024, [&](int64_t begin, int64_t end) {
    std::fill(to + begin, to + end, 0.0f);
    const int64_t whole = w.rows / 4 * 4;
    for (int64_t o = 0; o < whole; o += 4) {
      const float *a = w[o], *b = w[o + 1], *c = w[o + 2], *d = w[o + 3];
      const float ua = u[o], ub = u[o + 1], uc = u[o + 2], ud = u[o + 3];
      for (int64_t k = begin; k < end; ++k) to[k] += (ua * a[k] + ub * b[k]) + (uc * c[k] + ud * d[k]);
    }
    for (int64_t o = whole; o < w.rows; ++o)
      for (int64_t k = begin; k < end; ++k) to[k] += u[o] * w[o][k];
  });
}

/// to [O] = for each row o of p: p[o] . q(o)
template <class Row>
std::vector<double> row_products(const Matrix& p, const Row& q) {
  std::vector<double> to(size_t(p.rows));
  parallel_for(p.rows, p.grain(), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) to[size_t(o)] = dot(p[o], q(o), p.columns);
  });
  return to;
}

}  // namespace

void FastBackend::spectral_norm(const Tensor& w, bool iterate, double eps, Tensor& u, Tensor& v,
                                Tensor& sigma, Tensor& y) {
  if (!is_plain(w) || !is_plain(y)) return ReferenceBackend::spectral_norm(w, iterate, eps, u, v, sigma, y);
  const Matrix in(w), out(y);
  float *left = u.data<float>(), *right = v.data<float>();
  if (iterate) {
    transposed_product(in, left, right);
    const float norm = float(std::max(std::sqrt(dot(right, right, in.columns)), eps));
    for (int64_t k = 0; k < in.columns; ++k) right[k] /= norm;
  }
  const std::vector<double> wv = row_products(in, [&](int64_t) { return right; });
  if (iterate) {
    double squares = 0;
    for (const double x : wv) squares += x * x;
    const double norm = std::max(std::sqrt(squares), eps);
    for (int64_t o = 0; o < in.rows; ++o) left[o] = float(wv[size_t(o)] / norm);
  }
  double sum = 0;
  for (int64_t o = 0; o < in.rows; ++o) sum += double(left[o]) * wv[size_t(o)];
  const float s = float(sum);
  *sigma.data<float>() = s;
  parallel_for(w.numel(), 65536, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out.p[i] = in.p[i] / s;
  });
}

void FastBackend::spectral_norm_grad(const Tensor& dy, const Tensor& y, const Tensor& u, const Tensor& v,
                                     const Tensor& sigma, Tensor& dw) {
  if (!is_plain(dy) || !is_plain(y) || !is_plain(dw))
    return ReferenceBackend::spectral_norm_grad(dy, y, u, v, sigma, dw);
  const Matrix in(dy), made(y), out(dw);
  double along = 0;
  for (const double row : row_products(in, [&](int64_t o) { return made[o]; })) along += row;
  const float* right = v.data<float>();
  const float s = *sigma.data<float>();
  parallel_for(in.rows, in.grain(), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const float share = float(along) * u.data<float>()[o];
      const float* g = in[o];
      float* to = out[o];
      for (int64_t k = 0; k < in.columns; ++k) to[k] = (g[k] - share * right[k]) / s;
    }
  });
}

}  // namespace cawe
