// SPDX-License-Identifier: Apache-2.0
// The little dense linear algebra that metrics need, in double: symmetric eigenproblem and positive definite
// solve.
#pragma once

#include <cstdint>
#include <vector>

namespace cawe::eval {

/// Row-major n x n.
struct SymmetricEigen {
  std::vector<double> values;   ///< falling
  std::vector<double> vectors;  ///< row k is the unit vector of values[k]; its largest entry is positive
};
/// Householder tridiagonalisation and implicit QL (Golub & Van Loan, Matrix Computations, ch. 8). O(n^3).
/// Throws Error(numeric) where it does not converge or the input is not finite.
SymmetricEigen symmetric_eigen(std::vector<double> matrix, int64_t n);

/// Solves matrix x = right for a symmetric positive definite matrix by Cholesky. Throws Error(numeric)
/// otherwise.
std::vector<double> solve_positive(std::vector<double> matrix, std::vector<double> right, int64_t n);

/// C = A B for row-major A [m, k] and B [k, n].
std::vector<double> multiply(const std::vector<double>& a, const std::vector<double>& b, int64_t m, int64_t k,
                             int64_t n);

}  // namespace cawe::eval
