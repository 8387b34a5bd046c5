// SPDX-License-Identifier: Apache-2.0
// Exact t-SNE (van der Maaten & Hinton 2008, "Visualizing data using t-SNE") in two dimensions, for figures.
// Its distances are no evidence.
#pragma once

#include <cstdint>
#include <vector>

namespace cawe::report {

/// Parameters of the descent.
struct TsneOptions {
  double perplexity = 30;  ///< lowered to (n - 1) / 3 where larger
  int64_t iterations = 1000;
  double exaggeration = 12;  ///< for the first 250 iterations, with momentum 0.5; afterwards 1 and 0.8
  int64_t exaggerated = 250;
};

/// The points and how well they fit.
struct TsneResult {
  std::vector<double> points;  ///< n x 2
  double kl = 0;               ///< Kullback-Leibler divergence at the end
  double perplexity = 0;       ///< the one used
  bool lowered = false;        ///< the requested perplexity was too large for n
};

/// features: n x dim. Starts from the first two principal components, scaled so that the first has standard
/// deviation 1e-4; learning rate max(n / 48, 50), gains per coordinate as in the authors' code; no
/// randomness. O(n^2) per iteration. The descent is chaotic: its end depends on the last bits of its start.
/// Throws Error(data) for n < 4 or values that are not finite, Error(unsupported) in a build without Eigen.
TsneResult tsne(const std::vector<float>& features, int64_t n, int64_t dim, const TsneOptions& options = {});

/// Conditional Gaussian affinities with the given perplexity, symmetrised and divided by 2n, so that they sum
/// to 1. n x n.
std::vector<double> tsne_affinities(const std::vector<float>& features, int64_t n, int64_t dim,
                                    double perplexity);
/// KL(P || Q), Q being the Student-t affinities of the points.
double tsne_kl(const std::vector<double>& p, const std::vector<double>& points, int64_t n);

}  // namespace cawe::report
