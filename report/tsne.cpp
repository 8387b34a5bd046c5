// SPDX-License-Identifier: Apache-2.0
// Exact t-SNE in double.
#include "report/tsne.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/error.h"

#ifdef CAWE_HAVE_EIGEN
#include "eval/eigen.h"
#endif

namespace cawe::report {
namespace {

constexpr double kTiny = 1e-12;

std::vector<double> squared_distances(const std::vector<float>& x, int64_t n, int64_t dim) {
  std::vector<double> d(size_t(n * n), 0.0);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i + 1; j < n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < dim; ++k) {
        const double diff = double(x[size_t(i * dim + k)]) - double(x[size_t(j * dim + k)]);
        sum += diff * diff;
      }
      d[size_t(i * n + j)] = d[size_t(j * n + i)] = sum;
    }
  return d;
}

/// Finds by bisection the precision (1 / variance) at which row i has the wanted entropy; writes its
/// conditional affinities.
void calibrate_row(const double* distance, int64_t n, int64_t i, double entropy_wanted, double* p) {
  double low = 0, high = std::numeric_limits<double>::infinity(), beta = 1;
  double nearest = std::numeric_limits<double>::infinity();
  for (int64_t j = 0; j < n; ++j)
    if (j != i) nearest = std::min(nearest, distance[j]);
  for (int step = 0; step < 200; ++step) {
    double sum = 0, weighted = 0;
    for (int64_t j = 0; j < n; ++j) {
      const double d = distance[j] - nearest;  // the shift cancels out and keeps exp from underflowing
      p[j] = j == i ? 0 : std::exp(-beta * d);
      sum += p[j];
      weighted += p[j] * d;
    }
    for (int64_t j = 0; j < n; ++j) p[j] /= sum;
    const double excess = std::log(sum) + beta * weighted / sum - entropy_wanted;
    if (std::abs(excess) < 1e-10) return;
    (excess > 0 ? low : high) = beta;
    beta = std::isinf(high) ? beta * 2 : 0.5 * (low + high);
    if (beta == low || beta == high) return;  // with duplicate points the entropy has a lower bound
  }
}

#ifdef CAWE_HAVE_EIGEN
/// The rows of x along their two first principal axes, [n, 2], the first with standard deviation 1e-4. By the
/// matrix of the centred rows' products, whose eigenvectors these are but for their lengths.
std::vector<double> principal_start(const std::vector<float>& x, int64_t n, int64_t dim) {
  Eigen::MatrixXd columns = Eigen::Map<const Eigen::MatrixXf>(x.data(), dim, n).cast<double>();
  columns.colwise() -= columns.rowwise().mean().eval();
  const eval::EigenSolver eigen = eval::symmetric_eigen(columns.transpose() * columns, "t-SNE");
  const double first = eigen.eigenvalues()[n - 1];
  // The principal component is a unit vector times sqrt(value), with standard deviation sqrt(value / n).
  const double scale = first > 0 ? 1e-4 / std::sqrt(first / double(n)) : 0;
  std::vector<double> y(size_t(2 * n));
  for (int64_t c = 0; c < 2; ++c) {
    const auto axis = eigen.eigenvectors().col(n - 1 - c);
    Eigen::Index largest = 0;
    axis.cwiseAbs().maxCoeff(&largest);
    const double sign = axis[largest] < 0 ? -1 : 1;  // the sign of an eigenvector is free
    const double length = sign * std::sqrt(std::max(0.0, eigen.eigenvalues()[n - 1 - c])) * scale;
    for (int64_t i = 0; i < n; ++i) y[size_t(2 * i + c)] = axis[i] * length;
  }
  return y;
}
#else
std::vector<double> principal_start(const std::vector<float>&, int64_t, int64_t) {
  fail(Code::unsupported, "t-SNE: this build has no Eigen (install libeigen3-dev and build again)");
}
#endif

/// Gradient 4 sum_j (e p_ij - q_ij) (y_i - y_j) / (1 + |y_i - y_j|^2).
void gradient(const std::vector<double>& p, const std::vector<double>& y, int64_t n, double exaggeration,
              std::vector<double>* kernel, std::vector<double>* grad) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      const double dx = y[size_t(2 * i)] - y[size_t(2 * j)], dy = y[size_t(2 * i + 1)] - y[size_t(2 * j + 1)];
      const double k = i == j ? 0 : 1 / (1 + dx * dx + dy * dy);
      (*kernel)[size_t(i * n + j)] = k;
      total += k;
    }
  for (int64_t i = 0; i < n; ++i) {
    double gx = 0, gy = 0;
    for (int64_t j = 0; j < n; ++j) {
      const double k = (*kernel)[size_t(i * n + j)];
      const double force = (exaggeration * p[size_t(i * n + j)] - k / total) * k;
      gx += force * (y[size_t(2 * i)] - y[size_t(2 * j)]);
      gy += force * (y[size_t(2 * i + 1)] - y[size_t(2 * j + 1)]);
    }
    (*grad)[size_t(2 * i)] = 4 * gx;
    (*grad)[size_t(2 * i + 1)] = 4 * gy;
  }
}

}  // namespace

std::vector<double> tsne_affinities(const std::vector<float>& features, int64_t n, int64_t dim,
                                    double perplexity) {
  const std::vector<double> distances = squared_distances(features, n, dim);
  std::vector<double> conditional(size_t(n * n)), p(size_t(n * n));
  for (int64_t i = 0; i < n; ++i)
    calibrate_row(distances.data() + i * n, n, i, std::log(perplexity), conditional.data() + i * n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      p[size_t(i * n + j)] =
          (conditional[size_t(i * n + j)] + conditional[size_t(j * n + i)]) / (2.0 * double(n));
  return p;
}

double tsne_kl(const std::vector<double>& p, const std::vector<double>& y, int64_t n) {
  std::vector<double> kernel(size_t(n * n)), unused(size_t(2 * n));
  gradient(p, y, n, 1, &kernel, &unused);
  double total = 0, kl = 0;
  for (double k : kernel) total += k;
  for (size_t i = 0; i < kernel.size(); ++i)
    if (p[i] > 0) kl += p[i] * std::log(p[i] / std::max(kernel[i] / total, kTiny));
  return kl;
}

TsneResult tsne(const std::vector<float>& features, int64_t n, int64_t dim, const TsneOptions& options) {
  CAWE_CHECK(n >= 4 && dim > 0 && int64_t(features.size()) == n * dim, Code::data, "t-SNE: ", features.size(),
             " values for ", n, " vectors of ", dim, " (expected at least 4 vectors)");
  for (float v : features) CAWE_CHECK(std::isfinite(v), Code::data, "t-SNE: a feature is ", v);
  TsneResult result;
  result.perplexity = std::min(options.perplexity, double(n - 1) / 3);
  result.lowered = result.perplexity < options.perplexity;
  const std::vector<double> p = tsne_affinities(features, n, dim, result.perplexity);
  std::vector<double> y = principal_start(features, n, dim);
  std::vector<double> velocity(y.size(), 0.0), gains(y.size(), 1.0), grad(y.size()), kernel(size_t(n * n));
  const double rate = std::max(double(n) / 48, 50.0);
  for (int64_t step = 0; step < options.iterations; ++step) {
    const bool early = step < options.exaggerated;
    gradient(p, y, n, early ? options.exaggeration : 1, &kernel, &grad);
    for (size_t i = 0; i < y.size(); ++i) {
      gains[i] = velocity[i] * grad[i] < 0 ? gains[i] + 0.2 : std::max(0.01, gains[i] * 0.8);
      velocity[i] = (early ? 0.5 : 0.8) * velocity[i] - rate * gains[i] * grad[i];
      y[i] += velocity[i];
    }
  }
  result.kl = tsne_kl(p, y, n);
  result.points = std::move(y);
  return result;
}

}  // namespace cawe::report
