// SPDX-License-Identifier: Apache-2.0
// The Frechet distance between two sets of features.
#include <algorithm>

#include "eval/image_quality.h"
#include "tensor/error.h"

#ifdef CAWE_HAVE_EIGEN
#include "eval/eigen.h"
#endif

namespace cawe::eval {
#ifdef CAWE_HAVE_EIGEN
namespace {

struct Gaussian {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

Gaussian fit(const std::vector<float>& rows, int64_t dim) {
  CAWE_CHECK(dim > 0 && int64_t(rows.size()) % dim == 0 && int64_t(rows.size()) >= 2 * dim, Code::shape,
             "Frechet distance: ", rows.size(), " values for vectors of ", dim,
             " (expected at least two vectors)");
  const int64_t n = int64_t(rows.size()) / dim;
  // A vector of features is a column here: Eigen's matrices lie column by column.
  Eigen::MatrixXd x = Eigen::Map<const Eigen::MatrixXf>(rows.data(), dim, n).cast<double>();
  const Eigen::VectorXd mean = x.rowwise().mean();
  x.colwise() -= mean;
  return {mean, x * x.transpose() / double(n - 1)};
}

Eigen::MatrixXd square_root(const Eigen::MatrixXd& matrix) {
  const EigenSolver eigen = symmetric_eigen(matrix, "Frechet distance");
  const Eigen::VectorXd roots = eigen.eigenvalues().cwiseMax(0).cwiseSqrt();
  return eigen.eigenvectors() * roots.asDiagonal() * eigen.eigenvectors().transpose();
}

}  // namespace

double frechet_distance(const std::vector<float>& a, const std::vector<float>& b, int64_t dim) {
  const Gaussian ga = fit(a, dim), gb = fit(b, dim);
  const Eigen::MatrixXd root = square_root(ga.covariance);
  const EigenSolver product = symmetric_eigen(root * gb.covariance * root, "Frechet distance");
  const double distance = (ga.mean - gb.mean).squaredNorm() + ga.covariance.trace() + gb.covariance.trace() -
                          2 * product.eigenvalues().cwiseMax(0).cwiseSqrt().sum();
  return std::max(0.0, distance);
}

#else

double frechet_distance(const std::vector<float>&, const std::vector<float>&, int64_t) {
  fail(Code::unsupported,
       "Frechet distance: this build has no Eigen (install libeigen3-dev and build again)");
}

#endif
}  // namespace cawe::eval
