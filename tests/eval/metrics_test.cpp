// SPDX-License-Identifier: Apache-2.0
// AUROC, picture quality, Frechet distance, t-SNE, linear algebra and the source check.
#include <gtest/gtest.h>

#include <cmath>

#include "eval/auroc.h"
#include "eval/image_quality.h"
#include "eval/linear_algebra.h"
#include "eval/source_check.h"
#include "eval/tsne.h"
#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/eval/coco_json.h"

namespace cawe::eval {
namespace {

nlohmann::json golden(const char* name) {
  return testing::load_json("tests/goldens/eval_metrics.json").at(name);
}

TEST(Auroc, GoldenTiesAndOneClass) {
  EXPECT_DOUBLE_EQ(auroc({.9, .8, .7, .6}, {1, 0, 1, 0}), .75);
  EXPECT_DOUBLE_EQ(auroc({.5, .5, .5}, {1, 0, 1}), .5);
  EXPECT_TRUE(std::isnan(auroc({.5, .6}, {1, 1})));
  EXPECT_DOUBLE_EQ(auroc({.9, .1, .99}, {1, 0, -1}), 1) << "unknown labels are left out";
  EXPECT_DOUBLE_EQ(weighted_auroc({.9, .8, .7, .6}, {1, 0, 1, 0}, {3, 1, 1, 1}), (3 * 2 + 1) / 8.0);
  EXPECT_THROW(auroc({NAN, 1}, {1, 0}), Error);
  const auto g = golden("auroc");
  EXPECT_NEAR(auroc(g["scores"], g["labels"]), g["expected"].get<double>(), 1e-12);
}

TEST(Auroc, TableLeavesOneClassLabelsOutOfTheMean) {
  const Clusters clusters{{0, 1, 2, 3}, 4};
  const AurocTable table = auroc_table({"a", "b"}, {{.9, .8, .7, .6}, {.1, .2, .3, .4}},
                                       {{1, 0, 1, 0}, {0, 0, 0, 0}}, clusters, 200);
  EXPECT_DOUBLE_EQ(table.mean.value, .75);
  ASSERT_EQ(table.left_out, std::vector<std::string>{"b"});
  EXPECT_GT(table.mean.skipped, 0);
  EXPECT_LE(table.mean.low, .75);
  EXPECT_EQ(table.labels[0].positives, 2);
}

Picture picture(const nlohmann::json& g, const char* name) {
  return {g["shape"][0], g["shape"][1], g["shape"][2], g[name].get<std::vector<float>>()};
}

TEST(ImageQuality, AgreesWithTheGoldens) {
  const auto g = golden("picture");
  const Picture a = picture(g, "a"), b = picture(g, "b");
  EXPECT_NEAR(psnr(a, b), g["psnr"].get<double>(), 1e-5);
  EXPECT_NEAR(ssim(a, b), g["ssim"].get<double>(), 1e-6);
  EXPECT_NEAR(colourfulness(a), g["colourfulness"].get<double>(), 1e-4);
}

TEST(ImageQuality, KnownValues) {
  Picture zero{1, 12, 12, std::vector<float>(144, 0.f)}, tenth{1, 12, 12, std::vector<float>(144, .1f)};
  EXPECT_NEAR(psnr(zero, tenth), 20, 1e-6);
  EXPECT_TRUE(std::isinf(psnr(tenth, tenth)));
  EXPECT_NEAR(ssim(tenth, tenth), 1, 1e-12);
  const Picture grey{3, 2, 2, std::vector<float>(12, .4f)};
  EXPECT_EQ(colourfulness(grey), 0);
  EXPECT_THROW(psnr(zero, grey), Error);
  EXPECT_THROW(ssim(grey, grey), Error);
  EXPECT_THROW(colourfulness(zero), Error);
}

TEST(ImageQuality, FrechetDistance) {
  const auto g = golden("frechet");
  const std::vector<float> a = g["a"], b = g["b"];
  EXPECT_NEAR(frechet_distance(a, b, g["dim"]), g["expected"].get<double>(), 1e-4);
  EXPECT_NEAR(frechet_distance(a, a, g["dim"]), 0, 1e-6);
}

TEST(LinearAlgebra, EigenvectorsRebuildTheMatrix) {
  Random random(1, "test.eigen");
  for (int64_t n : {1, 2, 3, 8, 33}) {
    std::vector<double> m(size_t(n * n), 0.0);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j <= i; ++j) m[size_t(i * n + j)] = m[size_t(j * n + i)] = random.next_normal();
    if (n == 8)  // a repeated eigenvalue and a zero block
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j) m[size_t(i * n + j)] = i == j ? (i < 4 ? 2 : 0) : 0;
    const SymmetricEigen e = symmetric_eigen(m, n);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double rebuilt = 0, dot = 0;
        for (int64_t k = 0; k < n; ++k) {
          rebuilt += e.values[size_t(k)] * e.vectors[size_t(k * n + i)] * e.vectors[size_t(k * n + j)];
          dot += e.vectors[size_t(i * n + k)] * e.vectors[size_t(j * n + k)];
        }
        EXPECT_NEAR(rebuilt, m[size_t(i * n + j)], 1e-12) << "n " << n;
        EXPECT_NEAR(dot, i == j, 1e-12);
      }
    for (int64_t k = 1; k < n; ++k) EXPECT_GE(e.values[size_t(k - 1)], e.values[size_t(k)]);
  }
  EXPECT_THROW(symmetric_eigen({NAN}, 1), Error);
}

TEST(LinearAlgebra, EigenvectorsOfAMatrixOfLowRank) {
  // Gram matrix of 160 points in 8 dimensions, as t-SNE's start makes: 152 values are rounding errors.
  Random random(5, "test.eigen.rank");
  const int64_t n = 160, rank = 8;
  std::vector<double> x(size_t(n * rank)), m(size_t(n * n), 0.0);
  for (double& v : x) v = random.next_normal();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t k = 0; k < rank; ++k)
        m[size_t(i * n + j)] += x[size_t(i * rank + k)] * x[size_t(j * rank + k)];
  const SymmetricEigen e = symmetric_eigen(m, n);
  EXPECT_GT(e.values[rank - 1], 50);
  for (int64_t k = rank; k < n; ++k) EXPECT_NEAR(e.values[size_t(k)], 0, 1e-11);
  for (int64_t i = 0; i < n; ++i) {
    double rebuilt = 0;
    for (int64_t k = 0; k < rank; ++k)
      rebuilt += e.values[size_t(k)] * e.vectors[size_t(k * n + i)] * e.vectors[size_t(k * n)];
    EXPECT_NEAR(rebuilt, m[size_t(i * n)], 1e-11);
  }
}

TEST(LinearAlgebra, SolvesByHandAndRefusesIndefinite) {
  const auto x = solve_positive({4, 2, 2, 3}, {2, 5}, 2);
  EXPECT_NEAR(x[0], -.5, 1e-12);
  EXPECT_NEAR(x[1], 2, 1e-12);
  EXPECT_THROW(solve_positive({1, 2, 2, 1}, {1, 1}, 2), Error);
}

TEST(Tsne, AgreesWithAnIndependentImplementation) {
  const auto g = golden("tsne");
  const std::vector<float> x = g["features"];
  const int64_t n = g["n"], dim = g["dim"];
  const auto p = tsne_affinities(x, n, dim, g["perplexity"]);
  for (int64_t j = 0; j < n; ++j) EXPECT_NEAR(p[size_t(j)], g["p_row0"][size_t(j)].get<double>(), 1e-9);
  TsneOptions options;
  options.perplexity = g["perplexity"];
  options.iterations = 0;
  const TsneResult start = tsne(x, n, dim, options);
  for (size_t i = 0; i < start.points.size(); ++i)
    EXPECT_NEAR(start.points[i], g["start"][i].get<double>(), 1e-10);
  EXPECT_NEAR(start.kl, g["kl_start"].get<double>(), 1e-8);
  // The descent is chaotic: moving the start by 1e-14 of itself moves the KL after 30 steps by 1e-6.
  options.iterations = 10;
  EXPECT_NEAR(tsne(x, n, dim, options).kl, g["kl_10"].get<double>(), 1e-7);
  options.iterations = 30;
  EXPECT_NEAR(tsne(x, n, dim, options).kl, g["kl_30"].get<double>(), 1e-2);
  EXPECT_NEAR(tsne_kl(p, g["points"], n), g["kl"].get<double>(), 1e-9);
  options.iterations = 1000;
  const TsneResult end = tsne(x, n, dim, options);
  EXPECT_NEAR(end.kl, g["kl"].get<double>(), 0.2 * g["kl"].get<double>());
  EXPECT_FALSE(end.lowered);
}

TEST(Tsne, AgreesWithScikitLearn) {
  // scikit-learn 1.9.1's exact t-SNE on the golden's features: KL of the golden's points by its own function
  // (single precision affinities), and where its own descent from the principal components ends.
  const auto g = golden("tsne");
  const int64_t n = g["n"];
  const std::vector<float> x = g["features"];
  const auto p = tsne_affinities(x, n, g["dim"], g["perplexity"]);
  EXPECT_NEAR(tsne_kl(p, g["points"], n), 0.265365877, 1e-6);
  TsneOptions options;
  options.perplexity = g["perplexity"];
  EXPECT_LT(tsne(x, n, g["dim"], options).kl, 1.15 * 0.236204860);
}

TEST(Tsne, TheFirstStepFollowsTheGradientOfTheKl) {
  const auto g = golden("tsne");
  const int64_t n = g["n"];
  const std::vector<float> x = g["features"];
  TsneOptions options;
  options.perplexity = g["perplexity"];
  options.exaggerated = 0;
  options.iterations = 0;
  const std::vector<double> start = tsne(x, n, g["dim"], options).points;
  options.iterations = 1;
  const std::vector<double> next = tsne(x, n, g["dim"], options).points;
  const auto p = tsne_affinities(x, n, g["dim"], options.perplexity);
  double largest = 0, error = 0;
  for (size_t i = 0; i < start.size(); ++i) {
    std::vector<double> moved = start;
    const double h = 1e-3;
    moved[i] = start[i] + h;
    const double above = tsne_kl(p, moved, n);
    moved[i] = start[i] - h;
    const double slope = (above - tsne_kl(p, moved, n)) / (2 * h);
    const double gradient = (start[i] - next[i]) / (50 * 0.8);  // learning rate and first gain
    largest = std::max(largest, std::abs(gradient));
    error = std::max(error, std::abs(gradient - slope));
  }
  EXPECT_LT(error, 1e-4 * largest) << largest;
}

TEST(Tsne, SeparatesClustersAndLowersThePerplexity) {
  Random random(2, "test.tsne");
  const int64_t n = 40, dim = 8;
  std::vector<float> x;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < dim; ++k) x.push_back(float(random.next_normal() + (i < n / 2 ? 8 : 0)));
  const TsneResult r = tsne(x, n, dim);
  EXPECT_TRUE(r.lowered);
  EXPECT_DOUBLE_EQ(r.perplexity, 13);
  for (int64_t i = 0; i < n; ++i) {  // every point's nearest neighbour is of its own cluster
    int64_t nearest = -1;
    double best = 1e300;
    for (int64_t j = 0; j < n; ++j) {
      const double d = std::hypot(r.points[size_t(2 * i)] - r.points[size_t(2 * j)],
                                  r.points[size_t(2 * i + 1)] - r.points[size_t(2 * j + 1)]);
      if (j != i && d < best) {
        best = d;
        nearest = j;
      }
    }
    EXPECT_EQ(nearest < n / 2, i < n / 2);
  }
  EXPECT_EQ(tsne(x, n, dim).points, r.points) << "no randomness";
  EXPECT_THROW(tsne(x, 3, dim), Error);
}

TEST(SourceCheck, TellsSourcesApartOnlyWhereTheyDiffer) {
  Random random(4, "test.source");
  std::vector<float> same, apart;
  std::vector<int> source;
  std::vector<std::string> patients;
  const int64_t n = 160, dim = 6;
  for (int64_t i = 0; i < n; ++i) {
    source.push_back(int(i % 2));
    patients.push_back("p" + std::to_string(i / 4));
    for (int64_t k = 0; k < dim; ++k) {
      const double v = random.next_normal();
      same.push_back(float(v));
      apart.push_back(float(v + (k == 2 && i % 2 == 1 ? 4 : 0)));
    }
  }
  const SourceCheck no = source_check(same, dim, source, patients, 500);
  EXPECT_LT(no.auroc.low, .5);
  EXPECT_LT(no.auroc.value, .65);
  const SourceCheck yes = source_check(apart, dim, source, patients, 500);
  EXPECT_GT(yes.auroc.low, .97);
  EXPECT_EQ(yes.folds, 5);
  EXPECT_EQ(yes.images[0], 80);
  EXPECT_THROW(source_check(same, dim, std::vector<int>(size_t(n), 0), patients), Error);
}

}  // namespace
}  // namespace cawe::eval
