// SPDX-License-Identifier: Apache-2.0
// Eigen as metrics use it: one thread, sums in one order on every machine. Included where CAWE_HAVE_EIGEN is
// set.
#pragma once

#define EIGEN_DONT_PARALLELIZE
#define EIGEN_MPL2_ONLY
#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

#include "tensor/error.h"

namespace cawe::eval {

/// Eigen cuts long sums by the sizes of the machine's caches; with sizes stated they are cut alike
/// everywhere.
inline const bool kEigenCutsAlike = [] {
  Eigen::setCpuCacheSizes(32 << 10, 256 << 10, 2 << 20);
  return true;
}();

using EigenSolver = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>;

/// Values (rising) and unit vectors (columns) of a symmetric matrix, of which the lower triangle is read.
/// `what` begins the message. Throws Error(numeric) where a value is not finite or the iteration does not
/// converge.
inline EigenSolver symmetric_eigen(const Eigen::MatrixXd& matrix, const char* what) {
  CAWE_CHECK(matrix.allFinite(), Code::numeric, what, ": the matrix holds values that are not finite");
  EigenSolver solver(matrix);
  CAWE_CHECK(solver.info() == Eigen::Success, Code::numeric, what, ": the eigenvalues of a matrix of ",
             matrix.rows(), " x ", matrix.cols(), " do not converge");
  return solver;
}

}  // namespace cawe::eval
