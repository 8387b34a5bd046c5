// SPDX-License-Identifier: Apache-2.0
// Softmax attention: plain loops, a query at a time. Sums run in double, in the order of their indices.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

/// scores[s] = scale q . k[s] for one query q [D] and keys k [S, D].
template <class T>
void score_query(const T* q, const T* k, int64_t d, double scale, std::vector<double>& scores) {
  for (size_t s = 0; s < scores.size(); ++s) {
    double sum = 0;
    for (int64_t i = 0; i < d; ++i) sum += double(q[i]) * double(k[int64_t(s) * d + i]);
    scores[s] = scale * sum;
  }
}

template <class T>
double dot(const T* a, const T* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

/// The tensors of one image.
template <class T>
struct Image {
  const T *q, *k, *v;
  int64_t p, s, d, c;
  Image(const Tensor& queries, const Tensor& keys, const Tensor& values, int64_t n)
      : q(queries.data<T>() + n * queries.dim(1) * queries.dim(2)),
        k(keys.data<T>() + n * keys.dim(1) * keys.dim(2)),
        v(values.data<T>() + n * values.dim(1) * values.dim(2)),
        p(queries.dim(1)),
        s(keys.dim(1)),
        d(keys.dim(2)),
        c(values.dim(2)) {}
};

template <class T>
void attend(const Image<T>& x, double scale, T* y, T* seen) {
  std::vector<double> weights(size_t(x.s)), row(size_t(x.c));
  for (int64_t p = 0; p < x.p; ++p) {
    score_query(x.q + p * x.d, x.k, x.d, scale, weights);
    const double most = *std::max_element(weights.begin(), weights.end());
    double sum = 0;
    for (double& w : weights) sum += w = std::exp(w - most);
    seen[2 * p] = T(most);
    seen[2 * p + 1] = T(sum);
    std::fill(row.begin(), row.end(), 0.0);
    for (int64_t s = 0; s < x.s; ++s)
      for (int64_t c = 0; c < x.c; ++c) row[size_t(c)] += weights[size_t(s)] * double(x.v[s * x.c + c]);
    for (int64_t c = 0; c < x.c; ++c) y[p * x.c + c] = T(row[size_t(c)] / sum);
  }
}

template <class T>
void attend_grad(const Image<T>& x, const T* y, const T* seen, const T* dy, double scale, T* dq, T* dk,
                 T* dv) {
  std::vector<double> scores(size_t(x.s)), row(size_t(x.d));
  std::vector<double> keys(size_t(x.s * x.d)), values(size_t(x.s * x.c));
  for (int64_t p = 0; p < x.p; ++p) {
    const T *query = x.q + p * x.d, *g = dy + p * x.c;
    score_query(query, x.k, x.d, scale, scores);
    const double mean = dot(y + p * x.c, g, x.c);  // softmax's gradient subtracts this
    std::fill(row.begin(), row.end(), 0.0);
    for (int64_t s = 0; s < x.s; ++s) {
      const double weight = std::exp(scores[size_t(s)] - double(seen[2 * p])) / double(seen[2 * p + 1]);
      const double slope = scale * weight * (dot(x.v + s * x.c, g, x.c) - mean);
      for (int64_t c = 0; c < x.c; ++c) values[size_t(s * x.c + c)] += weight * double(g[c]);
      for (int64_t i = 0; i < x.d; ++i) {
        row[size_t(i)] += slope * double(x.k[s * x.d + i]);
        keys[size_t(s * x.d + i)] += slope * double(query[i]);
      }
    }
    for (int64_t i = 0; i < x.d; ++i) dq[p * x.d + i] = T(row[size_t(i)]);
  }
  std::transform(keys.begin(), keys.end(), dk, [](double g) { return T(g); });
  std::transform(values.begin(), values.end(), dv, [](double g) { return T(g); });
}

}  // namespace

void ReferenceBackend::attention(const Tensor& q, const Tensor& k, const Tensor& v, double scale, Tensor& y,
                                 Tensor& seen) {
  dispatch_floating("attention", q.dtype(), [&](auto zero) {
    using T = decltype(zero);
    parallel_tasks(q.dim(0), [&](int64_t n) {
      const Image<T> x(q, k, v, n);
      attend(x, scale, y.data<T>() + n * x.p * x.c, seen.data<T>() + n * x.p * 2);
    });
  });
}

void ReferenceBackend::attention_grad(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& y,
                                      const Tensor& seen, const Tensor& dy, double scale, Tensor& dq,
                                      Tensor& dk, Tensor& dv) {
  dispatch_floating("attention_grad", q.dtype(), [&](auto zero) {
    using T = decltype(zero);
    parallel_tasks(q.dim(0), [&](int64_t n) {
      const Image<T> x(q, k, v, n);
      const int64_t out = n * x.p * x.c;
      attend_grad(x, y.data<T>() + out, seen.data<T>() + n * x.p * 2, dy.data<T>() + out, scale,
                  dq.data<T>() + n * x.p * x.d, dk.data<T>() + n * x.s * x.d, dv.data<T>() + n * x.s * x.c);
    });
  });
}

}  // namespace cawe
