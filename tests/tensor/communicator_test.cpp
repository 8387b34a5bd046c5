// SPDX-License-Identifier: Apache-2.0
// In-process ranks: sums along the tree, sharing, and what happens to the others when one fails.
#include "tensor/communicator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe {
namespace {

class Ranks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(, Ranks, ::testing::Values(1, 2, 4, 8));

TEST_P(Ranks, KnowThemselves) {
  std::vector<std::atomic<int>> seen(static_cast<size_t>(GetParam()));
  run_in_process_ranks(GetParam(), 2, [&](int rank) {
    EXPECT_EQ(current_communicator().rank(), rank);
    EXPECT_EQ(current_communicator().size(), GetParam());
    EXPECT_EQ(num_threads(), 2);
    ++seen[size_t(rank)];
  });
  for (auto& s : seen) EXPECT_EQ(s.load(), 1);
  EXPECT_EQ(current_communicator().size(), 1) << "outside there is one rank again";
}

template <class T>
T tree(const std::vector<T>& v, size_t from, size_t count) {
  return count == 1 ? v[from] : tree(v, from, count / 2) + tree(v, from + count / 2, count / 2);
}

TEST_P(Ranks, SumAlongTheTree) {
  constexpr int64_t kCount = 1000;
  const Random random(9, "ranks");
  const auto value = [&](int rank, int64_t i) {
    return float(random.normal(uint64_t(rank * kCount + i)) * double(1 << (rank * 3)));
  };
  run_in_process_ranks(GetParam(), 1, [&](int rank) {
    std::vector<float> f;
    std::vector<double> d;
    for (int64_t i = 0; i < kCount; ++i) {
      f.push_back(value(rank, i));
      d.push_back(double(value(rank, i)) / 3);
    }
    current_communicator().all_reduce_sum(f.data(), kCount);
    current_communicator().all_reduce_sum(d.data(), kCount);
    for (int64_t i = 0; i < kCount; ++i) {
      std::vector<float> vf;
      std::vector<double> vd;
      for (int r = 0; r < GetParam(); ++r) {
        vf.push_back(value(r, i));
        vd.push_back(double(value(r, i)) / 3);
      }
      ASSERT_EQ(f[size_t(i)], tree(vf, 0, vf.size()));
      ASSERT_EQ(d[size_t(i)], tree(vd, 0, vd.size()));
    }
  });
}

TEST_P(Ranks, BroadcastGivesAllRankZerosBytes) {
  run_in_process_ranks(GetParam(), 1, [&](int rank) {
    std::string text = rank == 0 ? "rank zero's words" : "xxxxxxxxxxxxxxxxx";
    current_communicator().broadcast(text.data(), text.size());
    EXPECT_EQ(text, "rank zero's words");
  });
}

TEST_P(Ranks, AnyIsTrueForAllWhereItIsForOne) {
  run_in_process_ranks(GetParam(), 1, [&](int rank) {
    EXPECT_FALSE(current_communicator().any(false));
    for (int who = 0; who < GetParam(); ++who) EXPECT_TRUE(current_communicator().any(rank == who));
  });
}

TEST_P(Ranks, BarrierLetsNobodyAhead) {
  std::atomic<int> arrived{0};
  run_in_process_ranks(GetParam(), 1, [&](int) {
    for (int round = 1; round <= 50; ++round) {
      ++arrived;
      current_communicator().barrier();
      EXPECT_GE(arrived.load(), round * GetParam());
      current_communicator().barrier();
    }
  });
  EXPECT_EQ(arrived.load(), 50 * GetParam());
}

// The others wait for a message that will never come: they must be woken, and the cause thrown.
TEST_P(Ranks, AFailureWakesTheOthersAndIsTheOneThrown) {
  const int failing = GetParam() - 1;
  for (const bool at_barrier : {false, true}) {
    try {
      run_in_process_ranks(GetParam(), 1, [&](int rank) {
        if (rank == failing) fail(Code::data, "rank ", rank, " has a bad file");
        double v = 1;
        if (at_barrier)
          current_communicator().barrier();
        else
          current_communicator().all_reduce_sum(&v, 1);
        FAIL() << "nothing stopped rank " << rank;
      });
      FAIL() << "nothing was thrown";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::data);
      EXPECT_EQ(std::string(e.what()), "rank " + std::to_string(failing) + " has a bad file");
    }
  }
}

TEST(InProcessRanks, ArePowersOfTwo) {
  EXPECT_THROW(run_in_process_ranks(3, 1, [](int) {}), Error);
  EXPECT_THROW(run_in_process_ranks(0, 1, [](int) {}), Error);
}

TEST(SingleRank, SumsToItself) {
  double v[2] = {1.5, -2};
  current_communicator().all_reduce_sum(v, 2);
  EXPECT_EQ(v[0], 1.5);
  EXPECT_EQ(v[1], -2);
  EXPECT_TRUE(current_communicator().any(true));
  EXPECT_THROW(current_communicator().exchange(1, v, v, 8), Error);
}

}  // namespace
}  // namespace cawe
