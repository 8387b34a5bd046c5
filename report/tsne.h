// SPDX-License-Identifier: Apache-2.0
// Exact t-SNE (van der Maaten & Hinton 2008) to two dimensions, for figures; its distances prove nothing.
#pragma once

#include <cstdint>
#include <vector>

namespace cawe::report {

struct TsneOptions {
  double perplexity = 30;  ///< lowered to (n - 1) / 3 where larger
  int64_t iterations = 1000;
  double exaggeration = 12;  ///< for the first 250 iterations, with momentum 0.5; then 0.8
  int64_t exaggerated = 250;
};

struct TsneResult {
  std::vector<double> points;  ///< n x 2
  double kl = 0;               ///< Kullback-Leibler divergence at the end
  double perplexity = 0;       ///< the one used
  bool lowered = false;        ///< the perplexity asked for was too large for n
};

/// features: n x dim. Starts from the two first principal components scaled to standard deviation 1e-4 (the
/// first one's scale), learning rate max(n / 48, 50), gains per coordinate as in the authors' code; no
/// randomness. O(n^2) an iteration. Where the descent ends hangs on the last bits of its start. Throws
/// Error(data) for n < 4 or values that are not finite, Error(unsupported) in a build without Eigen.
TsneResult tsne(const std::vector<float>& features, int64_t n, int64_t dim, const TsneOptions& options = {});

/// Row-conditional Gaussian affinities of the perplexity, symmetrised and divided by 2n: sums to 1. n x n.
std::vector<double> tsne_affinities(const std::vector<float>& features, int64_t n, int64_t dim,
                                    double perplexity);
/// KL(P || Q) with Student's t affinities of the points.
double tsne_kl(const std::vector<double>& p, const std::vector<double>& points, int64_t n);

}  // namespace cawe::report
