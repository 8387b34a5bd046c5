// SPDX-License-Identifier: Apache-2.0
// Lanes: how batches are cut, and sums whose bits do not depend on who computes them.
#include "tensor/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tensor/communicator.h"
#include "tensor/denormals.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe {
namespace {

/// Below the smallest normal number: 0 where they are flushed.
float tiny_product() {
  volatile float small = 1e-38f, factor = 0.01f;
  return small * factor;
}
/// A denormal as an input.
float tiny_input() {
  volatile float denormal = 1e-40f, factor = 1e5f;
  return denormal * factor;
}

TEST(Denormals, AreZeroInThreadsThatAreStartedAfterwards) {
  EXPECT_GT(tiny_product(), 0);
  float product = -1, input = -1, of_task = -1;
  std::thread([&] {
    flush_denormals();
    std::thread([&] {
      product = tiny_product();
      input = tiny_input();
    }).join();
    set_num_threads(2);  // makes this thread's pool anew, so that its workers start here
    std::mutex mutex;
    float largest = 0;
    parallel_tasks(64, [&](int64_t) {
      const std::lock_guard<std::mutex> lock(mutex);
      largest = std::max({largest, tiny_product(), tiny_input()});
    });
    of_task = largest;
  }).join();
  EXPECT_EQ(product, 0);
  EXPECT_EQ(input, 0);
  EXPECT_EQ(of_task, 0);
  EXPECT_GT(tiny_product(), 0) << "the thread that did not ask keeps them";
}

TEST(Denormals, AreKeptInAScopeAndInItsTasks) {
  std::thread([&] {
    flush_denormals();
    set_num_threads(2);
    const auto of_tasks = [] {
      std::mutex mutex;
      std::set<float> seen;
      parallel_tasks(64, [&](int64_t) {
        const std::lock_guard<std::mutex> lock(mutex);
        seen.insert({tiny_product(), tiny_input()});
      });
      return seen;
    };
    EXPECT_EQ(of_tasks(), std::set<float>{0});
    {
      const KeepDenormals exact;
      EXPECT_FALSE(denormals_are_flushed());
      for (const float x : of_tasks()) EXPECT_NE(std::fpclassify(x), FP_ZERO) << x;
      {
        const KeepDenormals inner;
        EXPECT_FALSE(denormals_are_flushed());
      }
      EXPECT_FALSE(denormals_are_flushed()) << "the inner scope ended, the outer has not";
    }
    EXPECT_TRUE(denormals_are_flushed());
    EXPECT_EQ(of_tasks(), std::set<float>{0}) << "the pool's threads follow each job";
  }).join();
}

class WithThreads : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_num_threads(GetParam()); }
  void TearDown() override { set_num_threads(2); }
};
INSTANTIATE_TEST_SUITE_P(, WithThreads, ::testing::Values(1, 2, 4));

TEST_P(WithThreads, TasksRunOnceEach) {
  EXPECT_EQ(num_threads(), GetParam());
  for (int64_t count : {0, 1, 2, 7, 1000}) {
    std::vector<std::atomic<int>> runs(static_cast<size_t>(count));
    parallel_tasks(count, [&](int64_t i) { ++runs[size_t(i)]; });
    for (auto& r : runs) EXPECT_EQ(r.load(), 1);
  }
}

TEST_P(WithThreads, NestedTasksRunInTheirCaller) {
  std::atomic<int> wrong{0}, runs{0};
  parallel_tasks(8, [&](int64_t) {
    const auto outer = std::this_thread::get_id();
    parallel_tasks(5, [&](int64_t) {
      ++runs;
      wrong += GetParam() > 1 && std::this_thread::get_id() != outer;
    });
  });
  EXPECT_EQ(runs.load(), 40);
  EXPECT_EQ(wrong.load(), 0);
}

TEST_P(WithThreads, TheFirstErrorByIndexIsThrown) {
  for (int repeat = 0; repeat < 20; ++repeat) {
    try {
      parallel_tasks(50, [](int64_t i) {
        if (i % 10 == 7) fail(Code::data, "task ", i);
      });
      FAIL() << "nothing was thrown";
    } catch (const Error& e) {
      EXPECT_STREQ(e.what(), "task 7");
    }
    std::atomic<int> after{0};  // the pool still works
    parallel_tasks(9, [&](int64_t) { ++after; });
    EXPECT_EQ(after.load(), 9);
  }
}

TEST_P(WithThreads, ParallelForCoversTheRangeInFixedChunks) {
  for (int64_t n : {0, 1, 9, 10, 11, 100}) {
    std::mutex mutex;
    std::set<std::pair<int64_t, int64_t>> chunks;
    parallel_for(n, 10, [&](int64_t begin, int64_t end) {
      std::lock_guard<std::mutex> lock(mutex);
      chunks.insert({begin, end});
    });
    int64_t at = 0;
    for (auto [begin, end] : chunks) {
      EXPECT_EQ(begin, at);
      EXPECT_LE(end - begin, 10);
      at = end;
    }
    EXPECT_EQ(at, n);
  }
}

TEST(Threads, RefusesNonsense) {
  EXPECT_THROW(set_num_threads(0), Error);
  EXPECT_THROW(set_num_threads(100000), Error);
}

TEST(Lanes, AreThePowerOfTwoThatFits) {
  EXPECT_EQ(effective_lanes(8, 100), 8);
  EXPECT_EQ(effective_lanes(8, 7), 4);
  EXPECT_EQ(effective_lanes(6, 100), 4);
  EXPECT_EQ(effective_lanes(8, 1), 1);
  EXPECT_EQ(effective_lanes(0, 5), 1);
  EXPECT_EQ(lane_plan(3).lanes, 2);
  const LaneScope four(4);
  EXPECT_EQ(lane_plan(100).lanes, 4);
  {
    const LaneScope one(1);
    EXPECT_EQ(lane_plan(100).lanes, 1);
  }
  EXPECT_EQ(lane_plan(100).lanes, 4);
}

// Ranks can share a batch because an aligned part of the lanes cuts its own items as the whole does.
TEST(Lanes, AlignedPartsCutThemselvesAsTheWholeDoes) {
  for (int64_t items = 8; items < 60; ++items) {
    const LanePlan whole{items, 8};
    EXPECT_EQ(whole.begin(0), 0);
    EXPECT_EQ(whole.end(7), items);
    for (int64_t ranks : {2, 4, 8}) {
      const int64_t each = 8 / ranks;
      for (int64_t r = 0; r < ranks; ++r) {
        const int64_t first = whole.begin(r * each);
        const LanePlan part{whole.end(r * each + each - 1) - first, each};
        for (int64_t l = 0; l < each; ++l)
          EXPECT_EQ(first + part.begin(l), whole.begin(r * each + l)) << items;
      }
    }
  }
}

/// Numbers of very different sizes: any other order of additions shows in the bits.
template <class T>
std::vector<T> rough(int64_t n) {
  const Random random(1, "rough");
  std::vector<T> v;
  for (int64_t i = 0; i < n; ++i)
    v.push_back(T(random.normal(uint64_t(i)) * std::pow(2.0, double(random.bits(uint64_t(i)) % 20))));
  return v;
}

template <class T>
T tree(const std::vector<T>& lanes, size_t from, size_t count) {
  if (count == 1) return lanes[from];
  return tree(lanes, from, count / 2) + tree(lanes, from + count / 2, count / 2);
}

constexpr int64_t kColumns = 33;

/// The sums of items' columns by lane_sum, `first` being the first item of this rank.
template <class T>
std::vector<T> lane_sums(const std::vector<T>& x, int64_t first, const LanePlan& plan) {
  std::vector<T> out(size_t(kColumns), T(NAN));
  lane_sum<T>(plan, kColumns, out.data(), [&](int64_t, int64_t begin, int64_t end, T* partial) {
    for (int64_t c = 0; c < kColumns; ++c) {
      partial[c] = 0;
      for (int64_t i = begin; i < end; ++i) partial[c] += x[size_t((first + i) * kColumns + c)];
    }
  });
  return out;
}

template <class T>
void check_lane_sums(int64_t items) {
  const std::vector<T> x = rough<T>(items * kColumns);
  const LanePlan plan = lane_plan(items);
  for (int repeat = 0; repeat < 30; ++repeat) {
    const std::vector<T> got = lane_sums(x, 0, plan);
    for (int64_t c = 0; c < kColumns; ++c) {
      std::vector<T> lanes;
      for (int64_t l = 0; l < plan.lanes; ++l) {
        lanes.push_back(0);
        for (int64_t i = plan.begin(l); i < plan.end(l); ++i) lanes.back() += x[size_t(i * kColumns + c)];
      }
      ASSERT_EQ(got[size_t(c)], tree(lanes, 0, lanes.size())) << items << " items, column " << c;
    }
  }
}

TEST_P(WithThreads, LaneSumsAreTheTree) {
  for (int64_t items : {1, 2, 3, 5, 8, 13, 23}) {
    check_lane_sums<float>(items);
    check_lane_sums<double>(items);
  }
}

TEST_P(WithThreads, LaneSumCarriesErrorsOut) {
  double out = 0;
  EXPECT_THROW(lane_sum<double>(LanePlan{8, 8}, 1, &out,
                                [](int64_t lane, int64_t, int64_t, double* partial) {
                                  *partial = 1;
                                  if (lane == 5) fail(Code::numeric, "lane five");
                                }),
               Error);
}

TEST_P(WithThreads, RanksGiveTheBitsOfOne) {
  constexpr int64_t kItems = 21;
  const std::vector<float> x = rough<float>(kItems * kColumns);
  const LanePlan whole{kItems, 8};
  const std::vector<float> alone = lane_sums(x, 0, whole);
  for (int ranks : {1, 2, 4, 8}) {
    std::vector<std::vector<float>> sums(static_cast<size_t>(ranks));
    run_in_process_ranks(ranks, GetParam(), [&](int rank) {
      const int64_t each = 8 / ranks;
      const LaneScope lanes(each);
      const int64_t first = whole.begin(rank * each), count = whole.end(rank * each + each - 1) - first;
      std::vector<float> mine = lane_sums(x, first, lane_plan(count));
      current_communicator().all_reduce_sum(mine.data(), kColumns);
      sums[size_t(rank)] = mine;
    });
    for (const auto& s : sums)
      EXPECT_EQ(std::memcmp(s.data(), alone.data(), sizeof(float) * kColumns), 0) << ranks;
  }
}

TEST(TreeSum, IsCloseToTheTruthAndFixed) {
  for (int64_t n : {0, 1, 5, 1023, 1024, 1025, 2048, 5000, 100003}) {
    const std::vector<double> x = rough<double>(n);
    long double want = 0, size = 0;
    for (double v : x) {
      want += static_cast<long double>(v);
      size += std::fabs(static_cast<long double>(v));
    }
    const double got = tree_sum(x.data(), n);
    EXPECT_NEAR(got, double(want), 1e-15 * double(size)) << n;
    EXPECT_EQ(got, tree_sum(x.data(), n));
    const std::vector<float> f(x.begin(), x.end());
    const std::vector<double> wide(f.begin(), f.end());
    EXPECT_EQ(tree_sum(f.data(), n), tree_sum(wide.data(), n))
        << "f32 is summed in double, in the same order";
  }
}

}  // namespace
}  // namespace cawe
