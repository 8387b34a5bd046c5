// SPDX-License-Identifier: Apache-2.0
// The emulator: every planted bug is found with kind, file and line, correct kernels are not blamed, and
// counts equal what is worked out by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>

#include "tensor/random.h"
#include "tensor/tensor.h"
#include "tests/cuda/device_buffer.h"
#include "tests/cuda/emulator/planted.h"

namespace cawe::simt {
namespace {

constexpr const char* kPlantedFile = "tests/cuda/emulator/planted.cu";

/// The lines of the file that carry "finds: KIND".
std::set<std::pair<std::string, int>> marked_lines() {
  std::ifstream in(kPlantedFile);
  std::set<std::pair<std::string, int>> marked;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const size_t at = line.find("// finds: ");
    if (at != std::string::npos) marked.emplace(line.substr(at + 10), number);
  }
  return marked;
}

std::vector<Issue> issues_of(const planted::Bug& bug, uint64_t seed, Level level = Level::check) {
  options() = {};
  options().level = level;
  options().seed = seed;
  take_reports();
  constexpr int kCount = 300;
  DeviceBuffer<float> in(std::vector<float>(kCount, 1.f)), out(std::vector<float>(kCount, 0.f)),
      fresh(kCount);
  float* freed = static_cast<float*>(allocate(kCount * 4));
  mark_written(freed, kCount * 4);
  release(freed);
  DeviceBuffer<unsigned> count(std::vector<unsigned>{0});
  bug.launch({in.get(), out.get(), fresh.get(), freed, count.get(), kCount});
  std::vector<Issue> issues;
  for (const LaunchReport& r : take_reports()) issues.insert(issues.end(), r.issues.begin(), r.issues.end());
  options() = {};
  return issues;
}

class Seeds : public testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Emulator, Seeds, testing::Values(0, 1, 7));

TEST_P(Seeds, FindEveryPlantedBug) {
  const auto marked = marked_lines();
  for (size_t i = 0; i < planted::kBugCount; ++i) {
    const planted::Bug& bug = planted::kBugs[i];
    bool named = false;
    std::string all;
    for (const Issue& issue : issues_of(bug, GetParam())) {
      all += issue.kind + " " + issue.file + ":" + std::to_string(issue.line) + " " + issue.detail + "\n";
      named |= issue.file == kPlantedFile && marked.count({issue.kind, issue.line}) > 0;
    }
    EXPECT_TRUE(named) << bug.name << " gave:\n" << all;
  }
  EXPECT_GE(planted::kBugCount, 15u);
  EXPECT_GE(marked.size(), planted::kBugCount);
}

TEST_P(Seeds, BlameNoCorrectKernel) {
  for (size_t i = 0; i < planted::kInnocentCount; ++i)
    for (const Issue& issue : issues_of(planted::kInnocent[i], GetParam()))
      ADD_FAILURE() << planted::kInnocent[i].name << ": " << issue.kind << " " << issue.file << ":"
                    << issue.line << " " << issue.detail;
}

TEST(Emulator, ChecksNothingWhenOff) { EXPECT_TRUE(issues_of(planted::kBugs[3], 0, Level::off).empty()); }

/// Runs one launch at Level::profile.
template <class Launch>
LaunchReport profile(Launch&& launch, uint32_t log_records = 4096) {
  options() = {};
  options().level = Level::profile;
  options().log_records = log_records;
  take_reports();
  launch();
  std::vector<LaunchReport> reports = take_reports();
  options() = {};
  EXPECT_EQ(reports.size(), 1u);
  resolve_sites({&reports.at(0)});
  for (const Issue& i : reports.at(0).issues)
    ADD_FAILURE() << i.kind << " " << i.file << ":" << i.line << " " << i.detail;
  return reports.at(0);
}

class Patterns : public testing::Test {
 protected:
  DeviceBuffer<float> in{std::vector<float>(8192, 1.f)};
  DeviceBuffer<float> out{std::vector<float>(8192, 0.f)};
};

// 32 lanes x 4 B = 128 B = 4 sectors, both ways.
TEST_F(Patterns, NeighboursTakeFourSectors) {
  const Counters c = profile([&] { patterns::strided(in.get(), out.get(), 1, 0); }).counters;
  EXPECT_EQ(c.global_requests, 2u);
  EXPECT_EQ(c.global_sectors, 8u);
  EXPECT_EQ(c.global_ideal_sectors, 8u);
  EXPECT_EQ(c.unique_read_bytes, 128u);
  EXPECT_EQ(c.unique_written_bytes, 128u);
}

// Off by one element: 128 bytes that start 4 bytes into a sector touch five.
TEST_F(Patterns, AShiftTakesAFifth) {
  const Counters c = profile([&] { patterns::strided(in.get(), out.get(), 1, 1); }).counters;
  EXPECT_EQ(c.global_sectors, 5u + 4u);
  EXPECT_EQ(c.global_ideal_sectors, 8u);
}

// Every other float: 256 bytes, 8 sectors, half of each unused.
TEST_F(Patterns, StrideTwoTakesTwiceAsMany) {
  const Counters c = profile([&] { patterns::strided(in.get(), out.get(), 2, 0); }).counters;
  EXPECT_EQ(c.global_sectors, 8u + 4u);
}

// 128 bytes apart: each lane its own sector.
TEST_F(Patterns, StrideThirtyTwoTakesOneEach) {
  const LaunchReport r = profile([&] { patterns::strided(in.get(), out.get(), 32, 0); });
  EXPECT_EQ(r.counters.global_sectors, 32u + 4u);
  EXPECT_EQ(r.counters.unique_read_bytes, 32u * 32u);
  ASSERT_EQ(r.sites.size(), 2u);
  EXPECT_EQ(r.sites[0].file, "tests/cuda/emulator/patterns.cu");
  const Site& load = r.sites[0].access == Access::load ? r.sites[0] : r.sites[1];
  ASSERT_EQ(load.example.size(), 32u);
  EXPECT_EQ(load.example[5] - load.example[4], 128u);
}

// 32 lanes x 16 B = 512 B = 16 sectors in one request.
TEST_F(Patterns, VectorsAreOneRequest) {
  const Counters c = profile([&] { patterns::vectors(in.get(), out.get()); }).counters;
  EXPECT_EQ(c.global_requests, 2u);
  EXPECT_EQ(c.global_sectors, 32u);
  EXPECT_EQ(c.accesses, 64u);
}

// 32 warps store a row each (1 wavefront); a column of rows of 32 words lies in one bank (32), of 33 in all
// (1).
TEST_F(Patterns, PaddingEndsBankConflicts) {
  const Counters plain = profile([&] { patterns::transpose(in.get(), out.get(), false); }).counters;
  EXPECT_EQ(plain.shared_requests, 64u);
  EXPECT_EQ(plain.shared_wavefronts, 32u * (1 + 32));
  EXPECT_EQ(plain.shared_ideal_wavefronts, 64u);
  const Counters padded = profile([&] { patterns::transpose(in.get(), out.get(), true); }).counters;
  EXPECT_EQ(padded.shared_wavefronts, 64u);
}

// 16-byte lanes go in four phases of eight lanes: 32 words each, one wavefront each.
TEST_F(Patterns, WideSharedAccessesTakeFourPhases) {
  const Counters c = profile([&] { patterns::shared_vectors(in.get(), out.get()); }).counters;
  EXPECT_EQ(c.shared_requests, 2u);
  EXPECT_EQ(c.shared_wavefronts, 8u);
}

// One word for all: one wavefront, one sector.
TEST_F(Patterns, BroadcastsAreFree) {
  const Counters c = profile([&] { patterns::broadcast(in.get(), out.get()); }).counters;
  EXPECT_EQ(c.shared_wavefronts, 2u);
  EXPECT_EQ(c.global_sectors, 4u + 1u + 4u);
}

// Eight lanes on one word: eight steps one after another, while the four groups go side by side.
TEST_F(Patterns, AtomicsOnOneWordQueue) {
  DeviceBuffer<unsigned> bins(std::vector<unsigned>(32, 0));
  const Counters c = profile([&] { patterns::histogram(bins.get(), 8); }).counters;
  EXPECT_EQ(c.atomic_requests, 1u);
  EXPECT_EQ(c.atomic_serial_steps, 8u);
  EXPECT_EQ(bins.to_host()[3], 8u);
}

// 16 lanes load 5 times (half the lanes, every second float: still all 4 sectors), then all store.
TEST_F(Patterns, DivergenceIsSeen) {
  const LaunchReport r = profile([&] { patterns::diverging(in.get(), out.get(), 5); });
  EXPECT_EQ(r.counters.global_requests, 6u);
  EXPECT_EQ(r.counters.global_sectors, 5u * 4u + 4u);
  EXPECT_EQ(r.counters.global_ideal_sectors, 5u * 2u + 4u);
  EXPECT_LT(r.counters.simt_efficiency(), 0.8);
  EXPECT_GT(r.counters.simt_efficiency(), 0.4);
}

// A byte a lane: 32 bytes, one sector.
TEST_F(Patterns, BytesShareASector) {
  DeviceBuffer<unsigned char> a(std::vector<unsigned char>(32, 1)), b(std::vector<unsigned char>(32, 0));
  const Counters c = profile([&] { patterns::bytes(a.get(), b.get()); }).counters;
  EXPECT_EQ(c.global_requests, 2u);
  EXPECT_EQ(c.global_sectors, 2u);
}

// Requests of loads under conditions: one for each i where any lane takes part, its sectors by the lanes'
// groups of 8.
TEST_F(Patterns, ConditionalLoadsMeetAgain) {
  std::vector<unsigned> masks;
  uint64_t requests = 0, sectors = 0;
  for (unsigned i = 0; i < 16; ++i) {
    masks.push_back(i % 5 == 0 ? 0u : (i * 2654435761u) & (i % 3 == 0 ? 0xffu : ~0u));
    requests += masks[i] != 0;
    for (unsigned group = 0; group < 4; ++group) sectors += (masks[i] >> 8 * group & 255) != 0;
  }
  DeviceBuffer<unsigned> bits(masks);
  const Counters c = profile([&] { patterns::conditional(bits.get(), in.get(), out.get(), 16); }).counters;
  EXPECT_EQ(c.global_requests, 16 + requests + 1);
  EXPECT_EQ(c.global_sectors, 16 + sectors + 4);
}

/// Requests of nested_kernel with masks of active lanes, written from the CUDA code and independent of the
/// emulator.
uint64_t nested_oracle(int n, int salt) {
  uint64_t requests = 0;
  uint32_t alive = ~0u;
  const auto lanes_where = [](uint32_t among, auto&& condition) {
    uint32_t mask = 0;
    for (int t = 0; t < 32; ++t)
      if ((among >> t & 1) && condition(t)) mask |= 1u << t;
    return mask;
  };
  for (int i = 0; i < n; ++i) {
    const uint32_t active = lanes_where(alive, [&](int t) { return (t * 3 + i) % 5 != 4; });
    uint32_t looping = active;
    for (int j = 0; j < 6; ++j) {
      looping = lanes_where(looping, [&](int t) { return j < (t * 5 + i * 11 + salt) % 6; });
      const uint32_t left = lanes_where(looping, [&](int t) { return (t / 2 + j + 2 * i) % 3 == 1; });
      requests += (left != 0) + ((looping & ~left) != 0);
      looping &= ~lanes_where(looping & ~left, [&](int t) { return (t ^ i ^ j) % 6 == 5; });
    }
    requests += lanes_where(active, [&](int t) { return (t + 2 * i) % 3 == 0; }) != 0;
    requests += lanes_where(active, [&](int t) { return (t + 2 * i) % 3 == 1; }) != 0;
    const uint32_t returning = lanes_where(active, [&](int t) { return i > 2 && (t + salt) % 13 == i; });
    requests += returning != 0;
    alive &= ~returning;
  }
  return requests + (alive != 0);
}

TEST_F(Patterns, NestedDivergenceEqualsTheOracle) {
  DeviceBuffer<float> c(std::vector<float>(8192, 1.f));
  for (int salt = 0; salt < 50; ++salt)
    for (const uint32_t records : {4096u, 64u, 16u}) {
      const Counters counted =
          profile([&] { patterns::nested(in.get(), in.get(), c.get(), out.get(), 12, salt); }, records)
              .counters;
      EXPECT_EQ(counted.global_requests, nested_oracle(12, salt))
          << "salt " << salt << ", log of " << records;
    }
}

/// One product of random fragments against a plain triple loop: no sum may be farther off than f32's steps at its
/// size.
void compare_product(DType dtype) {
  const Random random(5, "mma");
  std::vector<float> numbers(16 * 16 + 16 * 8), c(16 * 8);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = float(random.normal(i));
  for (size_t i = 0; i < c.size(); ++i) c[i] = float(random.normal(1000 + i));
  const Tensor narrow = Tensor::from(numbers, {int64_t(numbers.size())}).to(dtype);
  const std::vector<double> exact = narrow.to(DType::f64).to_vector<double>();
  const auto* bits = static_cast<const uint16_t*>(narrow.raw());
  const DeviceBuffer<uint16_t> a(std::vector<uint16_t>(bits, bits + 256)),
      b(std::vector<uint16_t>(bits + 256, bits + 384));
  const DeviceBuffer<float> start(c), d(c.size());
  const Counters counted = profile([&] {
                             patterns::product(dtype == DType::bf16, a.get(), b.get(), start.get(), d.get());
                           }).counters;
  EXPECT_EQ(counted.mma, 1u);
  const std::vector<float> result = d.to_host();
  for (size_t row = 0; row < 16; ++row)
    for (size_t column = 0; column < 8; ++column) {
      double sum = double(c[row * 8 + column]), size = std::fabs(sum);
      for (size_t k = 0; k < 16; ++k) {
        const double term = exact[row * 16 + k] * exact[256 + k * 8 + column];
        sum += term;
        size += std::fabs(term);
      }
      EXPECT_NEAR(double(result[row * 8 + column]), sum, size * 0x1p-23) << row << ", " << column;
    }
}

TEST(Product, OfF16EqualsAPlainOne) { compare_product(DType::f16); }
TEST(Product, OfBf16EqualsAPlainOne) { compare_product(DType::bf16); }

// 2^-24 is f16's smallest number, far below 2^-14, from which on numbers have fewer digits: it counts. f32's steps at 1 are
// 2^-23: 1 + 1.5 x 2^-24 is cut to 1, and would be rounded up.
TEST(Product, CutsAndKeepsDenormals) {
  std::vector<uint16_t> a(256, 0), b(128, 0);
  a[0] = 0x3e00, b[0] = 0x0001;           // row 0: 1.5 x 2^-24
  a[16] = a[17] = 0x3c00, b[8] = 0x0001;  // row 1: 2^-24 twice
  const DeviceBuffer<uint16_t> left(a), right(b);
  const DeviceBuffer<float> start(std::vector<float>(128, 1.f)), d(128);
  profile([&] { patterns::product(false, left.get(), right.get(), start.get(), d.get()); });
  EXPECT_EQ(d.to_host()[0], 1.f);
  EXPECT_EQ(d.to_host()[8], 1.f + 0x1p-23f);
  EXPECT_EQ(d.to_host()[16], 1.f);
}

TEST(Emulator, RefusesWhatADriverWouldRefuse) {
  EXPECT_EQ(allocate(kArenaBytes), nullptr);
  float* p = static_cast<float*>(allocate(64));
  EXPECT_TRUE(is_device_memory(p + 15, 4));
  EXPECT_FALSE(is_device_memory(p + 15, 8));
  EXPECT_TRUE(release(p));
  EXPECT_FALSE(release(p));
  EXPECT_FALSE(is_device_memory(p, 4));
}

TEST(EmulatorDeathTest, GuardStopsTheHost) {
  DeviceBuffer<float> b(std::vector<float>(4, 1.f));
  EXPECT_EXIT(
      {
        options().guard = true;
        { const HostAccess open; }
        _exit(b.get()[0] == 1.f ? 0 : 1);
      },
      testing::KilledBySignal(SIGSEGV), "");
}

}  // namespace
}  // namespace cawe::simt
