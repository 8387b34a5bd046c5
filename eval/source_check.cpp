// SPDX-License-Identifier: Apache-2.0
// The source check: a cross-validated linear discriminant.
#include "eval/source_check.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "eval/auroc.h"
#include "tensor/error.h"
#include "tensor/random.h"

#ifdef CAWE_HAVE_EIGEN
#include "eval/eigen.h"
#endif

namespace cawe::eval {
namespace {

constexpr double kRidge = 0.1;

/// The fold of each image: patients of each source are shuffled and dealt out in turn, so that every fold has
/// both sources.
std::vector<int64_t> deal_folds(const Clusters& clusters, const std::vector<int>& source, int64_t folds,
                                uint64_t seed) {
  std::vector<int> patient_source(size_t(clusters.count), 0);
  for (size_t i = 0; i < source.size(); ++i) patient_source[size_t(clusters.of_item[i])] = source[i];
  std::vector<int64_t> fold_of(size_t(clusters.count), 0);
  int64_t dealt[2] = {0, 0};
  for (int64_t p : Random(seed, "eval.source_check").permutation(clusters.count))
    fold_of[size_t(p)] = dealt[patient_source[size_t(p)]]++ % folds;
  std::vector<int64_t> result;
  for (int64_t p : clusters.of_item) result.push_back(fold_of[size_t(p)]);
  return result;
}

#ifdef CAWE_HAVE_EIGEN
/// The x of covariance x = between; covariance is symmetric, row-major, [dim, dim].
std::vector<double> discriminant(const std::vector<double>& covariance, const std::vector<double>& between) {
  const auto dim = Eigen::Index(between.size());
  const Eigen::LLT<Eigen::MatrixXd> cholesky(Eigen::Map<const Eigen::MatrixXd>(covariance.data(), dim, dim));
  const Eigen::VectorXd x = cholesky.solve(Eigen::Map<const Eigen::VectorXd>(between.data(), dim));
  CAWE_CHECK(cholesky.info() == Eigen::Success && x.allFinite(), Code::numeric,
             "source check: the covariance of the features is not positive definite");
  return {x.data(), x.data() + dim};
}
#else
std::vector<double> discriminant(const std::vector<double>&, const std::vector<double>&) {
  fail(Code::unsupported, "source check: this build has no Eigen (install libeigen3-dev and build again)");
}
#endif

/// Scores of the held-out rows by a discriminant fitted on the others.
void score_fold(const std::vector<float>& x, int64_t dim, const std::vector<int>& source,
                const std::vector<int64_t>& fold_of, int64_t fold, std::vector<double>* scores) {
  const size_t d = size_t(dim);
  std::vector<double> mean(d, 0.0), deviation(d, 0.0),
      centre[2] = {std::vector<double>(d, 0.0), std::vector<double>(d, 0.0)};
  double count[2] = {0, 0};
  for (size_t i = 0; i < source.size(); ++i) {
    if (fold_of[i] == fold) continue;
    count[source[i]] += 1;
    for (size_t j = 0; j < d; ++j) centre[source[i]][j] += x[i * d + j];
  }
  const double total = count[0] + count[1];
  for (size_t j = 0; j < d; ++j) {
    mean[j] = (centre[0][j] + centre[1][j]) / total;
    for (int s : {0, 1}) centre[s][j] /= count[s];
  }
  for (size_t i = 0; i < source.size(); ++i)
    if (fold_of[i] != fold)
      for (size_t j = 0; j < d; ++j)
        deviation[j] += (x[i * d + j] - mean[j]) * (x[i * d + j] - mean[j]) / total;
  for (double& v : deviation) v = v > 0 ? std::sqrt(v) : 1;
  std::vector<double> covariance(d * d, 0.0), row(d), between(d);
  for (size_t i = 0; i < source.size(); ++i) {
    if (fold_of[i] == fold) continue;
    for (size_t j = 0; j < d; ++j) row[j] = (x[i * d + j] - centre[source[i]][j]) / deviation[j];
    for (size_t j = 0; j < d; ++j)
      for (size_t k = 0; k < d; ++k) covariance[j * d + k] += row[j] * row[k] / total;
  }
  for (size_t j = 0; j < d; ++j) {
    covariance[j * d + j] += kRidge;
    between[j] = (centre[1][j] - centre[0][j]) / deviation[j];
  }
  const std::vector<double> weights = discriminant(covariance, between);
  for (size_t i = 0; i < source.size(); ++i) {
    if (fold_of[i] != fold) continue;
    double score = 0;
    for (size_t j = 0; j < d; ++j)
      score += weights[j] * (x[i * d + j] - 0.5 * (centre[0][j] + centre[1][j])) / deviation[j];
    (*scores)[i] = score;
  }
}

}  // namespace

SourceCheck source_check(const std::vector<float>& features, int64_t dim, const std::vector<int>& source,
                         const std::vector<std::string>& patients, int64_t draws, uint64_t seed) {
  CAWE_CHECK(dim > 0 && features.size() == source.size() * size_t(dim) && patients.size() == source.size(),
             Code::internal, "source check: ", features.size(), " values, ", source.size(), " sources, ",
             patients.size(), " patients for vectors of ", dim);
  Clusters clusters;
  std::map<std::pair<int, std::string>, int64_t> seen;
  int64_t of_source[2] = {0, 0};
  SourceCheck result;
  for (size_t i = 0; i < source.size(); ++i) {
    CAWE_CHECK(source[i] == 0 || source[i] == 1, Code::internal, "source check: source ", source[i]);
    const std::string key = patients[i].empty() ? "#" + std::to_string(i) : patients[i];
    const auto [at, fresh] = seen.emplace(std::pair{source[i], key}, clusters.count);
    clusters.count += fresh;
    of_source[source[i]] += fresh;
    clusters.of_item.push_back(at->second);
    ++result.images[source[i]];
  }
  const int64_t fewest = std::min(of_source[0], of_source[1]);
  CAWE_CHECK(fewest >= 2, Code::data, "source check: ", of_source[0], " and ", of_source[1],
             " patients of the two sources (expected at least two of each)");
  result.patients = clusters.count;
  result.folds = std::min<int64_t>(5, fewest);
  const std::vector<int64_t> fold_of = deal_folds(clusters, source, result.folds, seed);
  std::vector<double> scores(source.size(), 0.0);
  for (int64_t f = 0; f < result.folds; ++f) score_fold(features, dim, source, fold_of, f, &scores);
  // Of one label alone the mean is its own AUROC; the scores are ranked once for all draws.
  result.auroc = auroc_table({"source"}, {scores}, {source}, clusters, draws, seed).mean;
  return result;
}

}  // namespace cawe::eval
