// SPDX-License-Identifier: Apache-2.0
// AUROC, picture quality, Frechet distance and the source check.
#include <gtest/gtest.h>

#include <cmath>

#include "eval/auroc.h"
#include "eval/image_quality.h"
#include "eval/source_check.h"
#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/data/text_file.h"
#include "tests/eval/coco_json.h"

namespace cawe::eval {
namespace {

using cawe::testing::expect_error;

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
  // 12 vectors of 24 numbers, all different: 13 eigenvalues are rounding errors, some of them negative.
  std::vector<float> b, shifted;
  for (int i = 0; i < 12 * 24; ++i) {
    b.push_back(float(random.next_normal()));
    shifted.push_back(b.back() + (i % 24 == 7 ? 0.5f : 0.0f));
  }
  EXPECT_NEAR(frechet_distance(b, shifted, 24), 0.25, 1e-5);
}

TEST(ImageQuality, FrechetDistanceOfNumbersThatAreNotFinite) {
  expect_error(Code::numeric, {"Frechet distance", "not finite"}, [] {
    frechet_distance({1, 2, NAN, 4}, {1, 2, 3, 4}, 2);
  });
  expect_error(Code::shape, {"3 values for vectors of 2"}, [] {
    frechet_distance({1, 2, 3}, {1, 2, 3, 4}, 2);
  });
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
  same[7] = NAN;
  expect_error(Code::numeric, {"source check", "not positive definite"},
               [&] { source_check(same, dim, source, patients, 500); });
}

}  // namespace
}  // namespace cawe::eval
