// SPDX-License-Identifier: Apache-2.0
// AUROC, picture quality, Frechet distance, linear algebra and the source check.
#include <gtest/gtest.h>

#include <cmath>

#include "eval/auroc.h"
#include "eval/image_quality.h"
#include "eval/linear_algebra.h"
#include "eval/source_check.h"
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

TEST(ImageQuality, FrechetDistanceOfFewerImagesThanFeatures) {
  // 40 vectors of 96 numbers, all but 10 of them constant, on very different scales: most of the covariance
  // is zero but for rounding.
  Random random(4, "test.frechet");
  std::vector<float> a, moved;
  for (int i = 0; i < 40; ++i)
    for (int k = 0; k < 96; ++k) {
      const double scale = k < 10 ? std::pow(10.0, -0.5 * k) : 0;
      a.push_back(float(3 + scale * random.next_normal()));
      moved.push_back(a.back() + (k == 20 ? 0.5f : 0.0f));
    }
  EXPECT_NEAR(frechet_distance(a, a, 96), 0, 1e-6);
  EXPECT_NEAR(frechet_distance(a, moved, 96), 0.25, 1e-5);
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
