// SPDX-License-Identifier: Apache-2.0
#include "report/neighbours.h"

#include <gtest/gtest.h>
#include <cmath>
#include <numeric>

#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::report {
namespace {

TEST(Neighbours, ByHandOnALine) {
  // Plain films at 0, 1, 3, their changed versions at 10, 11, 13: nobody has a neighbour of the other set before both own.
  const std::vector<float> plain{0, 1, 3}, far{10, 11, 13};
  const NeighbourMix apart = neighbour_mix(plain, far, 1, 2);
  EXPECT_EQ(apart.k, 2);
  EXPECT_DOUBLE_EQ(apart.same_share, 1);
  EXPECT_DOUBLE_EQ(apart.by_chance, 2.0 / 5);
  EXPECT_DOUBLE_EQ(apart.moved, 10);
  EXPECT_DOUBLE_EQ(apart.nearest, (1 + 1 + 2) / 3.0);
  EXPECT_DOUBLE_EQ(apart.moved_relative(), 7.5);
  // Moved by 0.25: the nearest of each film is its own other version.
  const NeighbourMix near = neighbour_mix(plain, {0.25f, 1.25f, 3.25f}, 1, 1);
  EXPECT_DOUBLE_EQ(near.same_share, 0);
  EXPECT_DOUBLE_EQ(near.moved, 0.25);
  EXPECT_DOUBLE_EQ(near.nearest, (1 + 1 + 2) / 3.0) << "the nearest unchanged film, not what is nearer";
  // More neighbours than there are: all others, of which two of five are of the same set.
  const NeighbourMix all = neighbour_mix(plain, far, 1, 100);
  EXPECT_EQ(all.k, 5);
  EXPECT_DOUBLE_EQ(all.same_share, all.by_chance);
}

/// The share by counting, for every point, how many others are nearer than each.
double share_by_ranks(const std::vector<float>& points, int64_t n, int64_t dim, int64_t k) {
  const auto squared = [&](int64_t a, int64_t b) {
    double sum = 0;
    for (int64_t d = 0; d < dim; ++d) {
      const double step = double(points[size_t(a * dim + d)]) - double(points[size_t(b * dim + d)]);
      sum += step * step;
    }
    return sum;
  };
  int64_t same = 0;
  for (int64_t i = 0; i < 2 * n; ++i)
    for (int64_t j = 0; j < 2 * n; ++j) {
      if (j == i) continue;
      int64_t nearer = 0;
      for (int64_t other = 0; other < 2 * n; ++other)
        nearer += other != i && other != j && squared(i, other) < squared(i, j);
      same += nearer < k && (i < n) == (j < n);
    }
  return double(same) / double(2 * n * k);
}

TEST(Neighbours, AgreeWithCountingRanks) {
  constexpr int64_t n = 30, dim = 4;
  for (const float shift : {0.0f, 0.7f, 3.0f}) {
    std::vector<float> all;
    Random random(1, "test.neighbours");
    for (int64_t i = 0; i < 2 * n * dim; ++i)
      all.push_back(float(random.next_normal()) + (i < n * dim ? 0 : shift));
    const std::vector<float> plain(all.begin(), all.begin() + n * dim),
        changed(all.begin() + n * dim, all.end());
    for (const int64_t k : {1, 10, 29})
      EXPECT_NEAR(neighbour_mix(plain, changed, dim, k).same_share, share_by_ranks(all, n, dim, k), 1e-12)
          << shift;
  }
}

TEST(Neighbours, ASetThatDidNotMoveIsMixed) {
  const std::vector<float> plain{0, 1, 3, 7, 20, 50};
  const NeighbourMix mix = neighbour_mix(plain, plain, 1, 3);
  EXPECT_EQ(mix.moved, 0);
  EXPECT_LT(mix.same_share, 0.5) << "a film's twin lies nearer than others of its set";
}

TEST(Neighbours, RefuseWhatIsNoPair) {
  EXPECT_THROW(neighbour_mix({1, 2}, {1}, 1), Error);
  EXPECT_THROW(neighbour_mix({}, {}, 1), Error);
  EXPECT_THROW(neighbour_mix({1, 2}, {1, std::nanf("")}, 1), Error);
  EXPECT_THROW(neighbour_mix({1, 2, 3}, {1, 2, 3}, 2), Error);
  EXPECT_TRUE(std::isnan(neighbour_mix({1}, {2}, 1).moved)) << "one film has no neighbour to compare with";
}

}  // namespace
}  // namespace cawe::report
