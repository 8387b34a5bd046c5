// SPDX-License-Identifier: Apache-2.0
// Dynamic loss scaling: halved where gradients overflow, doubled after enough good steps, kept over a resume.
#include "train/loss_scale.h"

#include <gtest/gtest.h>

namespace cawe::train {
namespace {

Precision f16(double scale, int64_t interval) { return {DType::f16, scale, interval}; }

TEST(LossScale, HalvesWhereGradientsOverflow) {
  LossScale s(f16(1024, 3));
  EXPECT_TRUE(s.accept(true));
  EXPECT_FALSE(s.accept(false));
  EXPECT_EQ(s.value(), 512);
}

TEST(LossScale, DoublesAfterGoodStepsInARow) {
  LossScale s(f16(1024, 3));
  s.accept(true);
  s.accept(true);
  s.accept(false);  // the row starts again
  for (int i = 0; i < 2; ++i) s.accept(true);
  EXPECT_EQ(s.value(), 512);
  s.accept(true);
  EXPECT_EQ(s.value(), 1024);
}

TEST(LossScale, GivesUpAtOne) {
  LossScale s(f16(2, 3));
  EXPECT_FALSE(s.accept(false));
  EXPECT_EQ(s.value(), 1);
  EXPECT_THROW(s.accept(false), Error);
}

TEST(LossScale, NeverLeavesAStepOutInF32) {
  LossScale s(Precision{});
  EXPECT_EQ(s.value(), 1);
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(s.accept(true));
  EXPECT_EQ(s.value(), 1);
  EXPECT_THROW(s.accept(false), Error);
}

TEST(LossScale, ComesBackFromACheckpoint) {
  LossScale s(f16(1024, 3)), t(f16(65536, 3));
  s.accept(true);
  s.accept(true);
  t.restore(s.state(), "test");
  EXPECT_EQ(t.value(), 1024);
  t.accept(true);
  EXPECT_EQ(t.value(), 2048);
  EXPECT_THROW(t.restore("many", "test"), Error);
}

TEST(LossScale, TheCpuRefusesSixteenBits) {
  Recipe recipe = Recipe::parse("[train]\nprecision = \"bf16\"\n", "test.toml");
  EXPECT_THROW(precision_from(recipe), Error);
}

}  // namespace
}  // namespace cawe::train
