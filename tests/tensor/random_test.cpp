// SPDX-License-Identifier: Apache-2.0
// Philox against the known-answer vectors of its authors, and the streams made of it.
#include "tensor/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tensor/error.h"

namespace cawe {
namespace {

using Block = std::array<uint32_t, 4>;

// kat_vectors of Random123, the code of Salmon et al. 2011: philox4x32, 10 rounds.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t f = 0xffffffff;
  EXPECT_EQ(philox4x32({f, f, f, f}, {f, f}), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, EveryPartOfTheNameMakesAnotherStream) {
  const Random streams[] = {Random(1, "crop", 2, 3, 4), Random(2, "crop", 2, 3, 4),
                            Random(1, "flip", 2, 3, 4), Random(1, "crop", 9, 3, 4),
                            Random(1, "crop", 2, 9, 4), Random(1, "crop", 2, 3, 9),
                            Random(1, "crop", 3, 2, 4), Random(1, "", 2, 3, 4)};
  std::set<uint64_t> bits, doubles, normals;
  for (const Random& r : streams) {
    bits.insert(r.bits(0) | uint64_t(r.bits(1)) << 32);
    doubles.insert(uint64_t(r.uniform_double(5) * 0x1p53));
    normals.insert(uint64_t(int64_t(r.normal(5) * 1e15)));
  }
  EXPECT_EQ(bits.size(), 8u);
  EXPECT_EQ(doubles.size(), 8u);
  EXPECT_EQ(normals.size(), 8u);
}

TEST(Random, HasNoHiddenState) {
  const Random still(7, "x");
  Random moving(7, "x");
  for (uint64_t i = 0; i < 9; ++i) EXPECT_EQ(moving.next_bits(), still.bits(i));
  EXPECT_EQ(moving.next_uniform(), still.uniform(9));
  EXPECT_EQ(moving.next_normal(), still.normal(10));
  EXPECT_EQ(moving.bits(3), still.bits(3));
  // Counters beyond 32 bits are counters too.
  EXPECT_NE(still.bits(1), still.bits(1 + (uint64_t{1} << 34)));
  EXPECT_NE(still.normal(1), still.normal(1 + (uint64_t{1} << 32)));
}

TEST(Random, UniformIsUniform) {
  const Random r(3, "uniform");
  constexpr int kDraws = 200000, kBins = 20;
  std::vector<int> bins(kBins, 0), double_bins(kBins, 0);
  for (uint64_t i = 0; i < kDraws; ++i) {
    const float u = r.uniform(i);
    const double d = r.uniform_double(i);
    ASSERT_TRUE(u >= 0 && u < 1 && d >= 0 && d < 1);
    EXPECT_EQ(u, float(r.bits(i) >> 8) / 16777216.0f);
    ++bins[size_t(u * kBins)];
    ++double_bins[size_t(d * kBins)];
  }
  const auto chi_squared = [&](const std::vector<int>& counts) {
    double sum = 0;
    for (int c : counts) sum += std::pow(c - kDraws / kBins, 2) / (kDraws / kBins);
    return sum;
  };
  // 19 degrees of freedom: above 43.8 once in a thousand.
  EXPECT_LT(chi_squared(bins), 43.8);
  EXPECT_LT(chi_squared(double_bins), 43.8);
}

TEST(Random, NormalHasTheMomentsOfTheNormal) {
  const Random r(4, "normal");
  constexpr int kDraws = 200000;
  double moments[5] = {};
  for (uint64_t i = 0; i < kDraws; ++i) {
    const double v = r.normal(i);
    ASSERT_TRUE(std::isfinite(v));
    double power = 1;
    for (double& m : moments) {
      m += power / kDraws;
      power *= v;
    }
  }
  // Five standard errors of each: sqrt(1, 2, 15, 96) / sqrt(draws).
  EXPECT_NEAR(moments[1], 0, 5 * 0.0023);
  EXPECT_NEAR(moments[2], 1, 5 * 0.0032);
  EXPECT_NEAR(moments[3], 0, 5 * 0.0087);
  EXPECT_NEAR(moments[4], 3, 5 * 0.022);
}

TEST(Random, BelowStaysBelowAndReachesAll) {
  Random r(5, "below");
  std::vector<int> counts(7, 0);
  for (int i = 0; i < 70000; ++i) ++counts.at(r.next_below(7));
  for (int c : counts) EXPECT_NEAR(c, 10000, 5 * 93);
  EXPECT_EQ(r.next_below(1), 0u);
  EXPECT_LT(r.next_below(0xffffffffull), 0xffffffffull);
  EXPECT_THROW(r.next_below(0), Error);
  EXPECT_THROW(r.next_below(uint64_t{1} << 33), Error);
}

TEST(Random, PermutationHoldsEachOnce) {
  Random r(6, "order"), again(6, "order");
  const std::vector<int64_t> order = r.permutation(1000);
  EXPECT_EQ(order, again.permutation(1000));
  EXPECT_NE(order, r.permutation(1000)) << "the stream goes on";
  std::set<int64_t> seen(order.begin(), order.end());
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(*seen.begin(), 0);
  EXPECT_EQ(*seen.rbegin(), 999);
  int64_t fixed = 0;
  for (size_t i = 0; i < order.size(); ++i) fixed += order[i] == int64_t(i);
  EXPECT_LT(fixed, 8) << "one is expected";
  EXPECT_TRUE(r.permutation(0).empty());
}

}  // namespace
}  // namespace cawe
