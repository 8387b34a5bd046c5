// SPDX-License-Identifier: Apache-2.0
// Symmetric eigenproblem, Cholesky, product.
#include "eval/linear_algebra.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tensor/error.h"

namespace cawe::eval {
namespace {

/// A = Q T Q^T. On return the rows of `a` hold Q^T, `diagonal` and `off` hold T (off[i] couples i and i + 1).
void tridiagonalise(std::vector<double>* matrix, int64_t n, std::vector<double>* diagonal,
                    std::vector<double>* off) {
  std::vector<double>& a = *matrix;
  std::vector<double> q(size_t(n * n), 0.0), v(size_t(n), 0.0), p(size_t(n), 0.0);
  for (int64_t i = 0; i < n; ++i) q[size_t(i * n + i)] = 1;
  for (int64_t k = 0; k + 2 < n; ++k) {
    double norm = 0;
    for (int64_t i = k + 1; i < n; ++i) norm += a[size_t(i * n + k)] * a[size_t(i * n + k)];
    norm = std::sqrt(norm);
    if (norm == 0) continue;
    const double alpha = a[size_t((k + 1) * n + k)] > 0 ? -norm : norm;
    std::fill(v.begin(), v.end(), 0.0);
    for (int64_t i = k + 1; i < n; ++i) v[size_t(i)] = a[size_t(i * n + k)];
    v[size_t(k + 1)] -= alpha;
    double vv = 0;
    for (double x : v) vv += x * x;
    if (vv == 0) continue;
    for (double& x : v) x *= std::sqrt(2 / vv);  // then H = I - v v^T
    double vp = 0;
    for (int64_t i = k; i < n; ++i) {
      double sum = 0;
      for (int64_t j = k + 1; j < n; ++j) sum += a[size_t(i * n + j)] * v[size_t(j)];
      p[size_t(i)] = sum;
      vp += sum * v[size_t(i)];
    }
    for (int64_t i = k; i < n; ++i) p[size_t(i)] -= 0.5 * vp * v[size_t(i)];
    for (int64_t i = k; i < n; ++i)
      for (int64_t j = k; j < n; ++j)
        a[size_t(i * n + j)] -= v[size_t(i)] * p[size_t(j)] + p[size_t(i)] * v[size_t(j)];
    std::fill(p.begin(), p.end(), 0.0);
    for (int64_t i = k + 1; i < n; ++i)  // Q^T <- H Q^T
      for (int64_t j = 0; j < n; ++j) p[size_t(j)] += v[size_t(i)] * q[size_t(i * n + j)];
    for (int64_t i = k + 1; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) q[size_t(i * n + j)] -= v[size_t(i)] * p[size_t(j)];
  }
  for (int64_t i = 0; i < n; ++i) (*diagonal)[size_t(i)] = a[size_t(i * n + i)];
  for (int64_t i = 0; i + 1 < n; ++i) (*off)[size_t(i)] = a[size_t((i + 1) * n + i)];
  a = std::move(q);
}

/// Turns rows i and i + 1 of `rows` by the angle with cosine c and sine s.
void rotate_rows(std::vector<double>* rows, int64_t n, int64_t i, double c, double s) {
  double* x = rows->data() + i * n;
  double* y = x + n;
  for (int64_t j = 0; j < n; ++j) {
    const double upper = x[j], lower = y[j];
    x[j] = c * upper - s * lower;
    y[j] = s * upper + c * lower;
  }
}

/// One implicit QL sweep with Wilkinson's shift on the unreduced block first … last.
void ql_sweep(std::vector<double>* diagonal, std::vector<double>* off, std::vector<double>* rows, int64_t n,
              int64_t first, int64_t last) {
  std::vector<double>&d = *diagonal, &e = *off;
  const size_t f = size_t(first);
  double g = (d[f + 1] - d[f]) / (2 * e[f]);
  const double r0 = std::hypot(g, 1.0);
  g = d[size_t(last)] - d[f] + e[f] / (g + std::copysign(r0, g));
  double s = 1, c = 1, shift = 0;
  for (int64_t k = last - 1; k >= first; --k) {
    const size_t i = size_t(k);
    const double up = s * e[i], b = c * e[i];
    const double r = std::hypot(up, g);
    if (k + 1 < last) e[i + 1] = r;
    if (r == 0) {  // the block splits here
      d[i + 1] -= shift;
      return;
    }
    s = up / r;
    c = g / r;
    g = d[i + 1] - shift;
    const double t = (d[i] - g) * s + 2 * c * b;
    shift = s * t;
    d[i + 1] = g + shift;
    g = c * t - b;
    rotate_rows(rows, n, k, c, s);
  }
  d[f] -= shift;
  e[f] = g;
}

}  // namespace

SymmetricEigen symmetric_eigen(std::vector<double> matrix, int64_t n) {
  CAWE_CHECK(int64_t(matrix.size()) == n * n && n > 0, Code::internal, "symmetric_eigen: ", matrix.size(),
             " values for n = ", n);
  for (double v : matrix)
    CAWE_CHECK(std::isfinite(v), Code::numeric, "symmetric_eigen: the matrix holds ", v);
  std::vector<double> d(size_t(n), 0.0), e(size_t(n), 0.0);
  tridiagonalise(&matrix, n, &d, &e);
  // A coupling below the rounding of the whole matrix is none. (Measured against its neighbours alone, those
  // of a rank-deficient matrix, all rounding errors, may never get small.)
  double norm = 0;
  for (int64_t i = 0; i < n; ++i) norm = std::max(norm, std::abs(d[size_t(i)]) + std::abs(e[size_t(i)]));
  const double none = std::numeric_limits<double>::epsilon() * norm;
  for (int64_t first = 0; first < n; ++first) {
    for (int sweep = 0;; ++sweep) {
      int64_t last = first;
      while (last + 1 < n && std::abs(e[size_t(last)]) > none) ++last;
      if (last == first) break;
      CAWE_CHECK(sweep < 60, Code::numeric, "symmetric_eigen: no convergence at value ", first, " of ", n);
      ql_sweep(&d, &e, &matrix, n, first, last);
    }
  }
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return d[size_t(a)] > d[size_t(b)]; });
  SymmetricEigen result;
  for (int64_t k : order) {
    const double* row = matrix.data() + k * n;
    const double largest =
        *std::max_element(row, row + n, [](double a, double b) { return std::abs(a) < std::abs(b); });
    result.values.push_back(d[size_t(k)]);
    for (int64_t j = 0; j < n; ++j) result.vectors.push_back(largest < 0 ? -row[j] : row[j]);
  }
  return result;
}

std::vector<double> solve_positive(std::vector<double> a, std::vector<double> x, int64_t n) {
  CAWE_CHECK(int64_t(a.size()) == n * n && int64_t(x.size()) == n, Code::internal, "solve_positive: sizes ",
             a.size(), " and ", x.size(), " for n = ", n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double sum = a[size_t(i * n + j)];
      for (int64_t k = 0; k < j; ++k) sum -= a[size_t(i * n + k)] * a[size_t(j * n + k)];
      if (i == j) {
        CAWE_CHECK(sum > 0, Code::numeric, "solve_positive: the matrix is not positive definite at row ", i);
        a[size_t(i * n + i)] = std::sqrt(sum);
      } else {
        a[size_t(i * n + j)] = sum / a[size_t(j * n + j)];
      }
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < i; ++k) x[size_t(i)] -= a[size_t(i * n + k)] * x[size_t(k)];
    x[size_t(i)] /= a[size_t(i * n + i)];
  }
  for (int64_t i = n - 1; i >= 0; --i) {
    for (int64_t k = i + 1; k < n; ++k) x[size_t(i)] -= a[size_t(k * n + i)] * x[size_t(k)];
    x[size_t(i)] /= a[size_t(i * n + i)];
  }
  return x;
}

std::vector<double> multiply(const std::vector<double>& a, const std::vector<double>& b, int64_t m, int64_t k,
                             int64_t n) {
  std::vector<double> c(size_t(m * n), 0.0);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t l = 0; l < k; ++l) {
      const double factor = a[size_t(i * k + l)];
      for (int64_t j = 0; j < n; ++j) c[size_t(i * n + j)] += factor * b[size_t(l * n + j)];
    }
  return c;
}

}  // namespace cawe::eval
