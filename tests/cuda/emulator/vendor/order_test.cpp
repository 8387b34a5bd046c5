// SPDX-License-Identifier: Apache-2.0
// Uses of the same bytes by work that no event and no wait orders: complaints with both calls, in whatever
// order the work runs; and none where the order is there.
#include <functional>

#include "tests/cuda/emulator/ordered.h"
#include "tests/cuda/emulator/vendor/support.h"

namespace cawe::emulated {
namespace {

using Floats = std::vector<float>;

/// Two streams, two arrays of 64 floats on the device and one that is pinned; kernels are watched.
class EmulatedOrderTest : public EmulatedTest {
 protected:
  void SetUp() override {
    EmulatedTest::SetUp();
    simt::options().level = simt::Level::check;
    a = std::make_unique<StreamOwner>(cudaStreamNonBlocking);
    b = std::make_unique<StreamOwner>(cudaStreamNonBlocking);
    event = std::make_unique<EventOwner>();
    x = std::make_unique<DeviceArray<float>>(Floats(64, 1.f));
    y = std::make_unique<DeviceArray<float>>(Floats(64, 2.f));
    host = std::make_unique<PinnedArray<float>>(64);
    for (size_t i = 0; i < 64; ++i) (*host)[i] = 3;
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  }
  void TearDown() override {
    host.reset(), y.reset(), x.reset(), event.reset(), b.reset(), a.reset();
    EmulatedTest::TearDown();
  }
  void order(cudaStream_t first, cudaStream_t second) {
    EXPECT_EQ(cudaEventRecord(*event, first), cudaSuccess);
    EXPECT_EQ(cudaStreamWaitEvent(second, *event), cudaSuccess);
  }
  void copy(void* dst, const void* src, size_t bytes, cudaStream_t stream) {
    EXPECT_EQ(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDefault, stream), cudaSuccess) << last_complaint();
  }
  uint64_t complaints_after_all() {
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    return complaints();
  }
  std::unique_ptr<StreamOwner> a, b;
  std::unique_ptr<EventOwner> event;
  std::unique_ptr<DeviceArray<float>> x, y;
  std::unique_ptr<PinnedArray<float>> host;
};

struct Use {
  const char* name;  ///< in complaints
  bool writes;
  std::function<void(EmulatedOrderTest&, cudaStream_t)> queue;
};

class EmulatedOrderOfPairs : public EmulatedOrderTest {
 protected:
  /// Uses of x, each with other memory of its own.
  std::vector<Use> uses() {
    const auto on_x = [this](auto body) {
      return [this, body](EmulatedOrderTest&, cudaStream_t stream) { body(x->get(), stream); };
    };
    return {
        {"cudaMemcpyAsync", true, on_x([this](float* p, cudaStream_t s) { copy(p, y->get(), 256, s); })},
        {"cudaMemcpyAsync", false, on_x([this](float* p, cudaStream_t s) { copy(host->get(), p, 256, s); })},
        {"cudaMemsetAsync", true,
         on_x([](float* p, cudaStream_t s) { EXPECT_EQ(cudaMemsetAsync(p, 0, 256, s), cudaSuccess); })},
        {"add_kernel", true, on_x([](float* p, cudaStream_t s) { ordered::add(p, 1, 64, s); })}};
  }
};

TEST_F(EmulatedOrderOfPairs, NeedAnEvent) {
  for (const auto schedule : {Schedule::lazy, Schedule::lazy_newest_first, Schedule::eager})
    for (const Use& first : uses())
      for (const Use& second : uses()) {
        SCOPED_TRACE(std::string(first.name) + " and " + second.name);
        options().schedule = schedule;
        const uint64_t before = complaints();
        first.queue(*this, *a);
        order(*a, *b);
        second.queue(*this, *b);
        EXPECT_EQ(complaints_after_all(), before) << last_complaint();
        // Two that read x write the same pinned array.
        first.queue(*this, *a);
        second.queue(*this, *b);
        EXPECT_GT(complaints_after_all(), before);
        EXPECT_TRUE(complained("unordered use"));
        const std::string text = last_complaint();
        const std::string there = std::string(first.name) + ": unordered use: " + second.name;
        const std::string back = std::string(second.name) + ": unordered use: " + first.name;
        EXPECT_TRUE(text.find(there) == 0 || text.find(back) == 0) << text;
      }
}

TEST_F(EmulatedOrderTest, ReadingTogetherIsNoConflict) {
  DeviceArray<float> other(64);
  PinnedArray<float> landing(64);
  for (const auto schedule : {Schedule::lazy, Schedule::lazy_newest_first}) {
    options().schedule = schedule;
    ordered::move(x->get(), y->get(), 64, *a);
    copy(host->get(), x->get(), 256, *a);
    copy(landing.get(), x->get(), 256, *b);
    ordered::move(x->get(), other.get(), 64, *b);
    EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  }
}

TEST_F(EmulatedOrderTest, AWriteIsRememberedBehindReadsOfItsStream) {
  PinnedArray<float> landing(64);
  copy(x->get(), y->get(), 256, *a);
  copy(host->get(), x->get(), 256, *a);
  copy(landing.get(), x->get(), 256, *b);
  EXPECT_EQ(complaints_after_all(), 1u);
}

TEST_F(EmulatedOrderTest, AKernelThatReadsGoesBeforeOneThatWrites) {
  ordered::move(x->get(), y->get(), 64, *a);
  order(*a, *b);
  ordered::add(x->get(), 1, 64, *b);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  ordered::move(x->get(), y->get(), 64, *a);
  ordered::add(x->get(), 1, 64, *b);
  EXPECT_EQ(complaints_after_all(), 1u);
  EXPECT_TRUE(complained("add_kernel: unordered use: move_kernel"));
  ordered::move(x->get(), y->get(), 64, *a);
  copy(x->get(), host->get(), 256, *b);
  EXPECT_EQ(complaints_after_all(), 2u);
}

TEST_F(EmulatedOrderTest, AKernelThatWritesGoesBeforeOneThatReads) {
  DeviceArray<float> other(64);
  ordered::move(x->get(), y->get(), 64, *a);
  order(*a, *b);
  ordered::move(y->get(), other.get(), 64, *b);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  ordered::move(x->get(), y->get(), 64, *a);
  ordered::move(y->get(), other.get(), 64, *b);
  EXPECT_EQ(complaints_after_all(), 1u);
}

TEST_F(EmulatedOrderTest, HalvesOfABlockAreApart) {
  copy(x->get(), y->get(), 128, *a);
  copy(x->get() + 32, y->get() + 32, 128, *b);
  ordered::add(x->get(), 1, 32, *a);
  ordered::add(x->get() + 32, 1, 32, *b);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  copy(x->get(), y->get(), 132, *a);  // one float too far
  ordered::add(x->get() + 32, 1, 32, *b);
  EXPECT_EQ(complaints_after_all(), 1u) << last_complaint();
}

TEST_F(EmulatedOrderTest, AnEventRecordedTooEarlyOrdersNothing) {
  EXPECT_EQ(cudaEventRecord(*event, *a), cudaSuccess);
  copy(x->get(), host->get(), 256, *a);
  EXPECT_EQ(cudaStreamWaitEvent(*b, *event), cudaSuccess);
  ordered::move(x->get(), y->get(), 64, *b);
  EXPECT_EQ(complaints_after_all(), 1u);
}

TEST_F(EmulatedOrderTest, OrderGoesOverAThirdStream) {
  StreamOwner between(cudaStreamNonBlocking);
  ordered::add(x->get(), 1, 64, *a);
  order(*a, between);
  order(between, *b);
  copy(host->get(), x->get(), 256, *b);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
}

TEST_F(EmulatedOrderTest, TheHostOrdersByWaiting) {
  const std::vector<std::function<void()>> waits{
      [&] { EXPECT_EQ(cudaStreamSynchronize(*a), cudaSuccess); },
      [&] { EXPECT_EQ(cudaEventSynchronize(*event), cudaSuccess); },
      [&] { EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess); },
      [&] {
        while (cudaStreamQuery(*a) == cudaErrorNotReady) {
        }
      },
      [&] {
        while (cudaEventQuery(*event) == cudaErrorNotReady) {
        }
      }};
  for (const bool waited : {true, false})
    for (const auto& wait : waits) {
      const uint64_t before = complaints_after_all();
      ordered::add(x->get(), 1, 64, *a);
      EXPECT_EQ(cudaEventRecord(*event, *a), cudaSuccess);
      if (waited) wait();
      copy(host->get(), x->get(), 256, *b);
      EXPECT_EQ(complaints_after_all() - before, waited ? 0u : 1u) << last_complaint();
    }
}

TEST_F(EmulatedOrderTest, TheLegacyStreamOrdersBlockingStreams) {
  StreamOwner first, second;
  ordered::add(x->get(), 1, 64, first);
  EXPECT_EQ(cudaMemsetAsync(y->get(), 0, 4, nullptr), cudaSuccess);
  copy(host->get(), x->get(), 256, second);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  ordered::add(x->get(), 1, 64, *a);  // not blocking
  EXPECT_EQ(cudaMemsetAsync(y->get(), 0, 4, nullptr), cudaSuccess);
  copy(host->get(), x->get(), 256, second);
  EXPECT_EQ(complaints_after_all(), 1u);
}

TEST_F(EmulatedOrderTest, AtomicsTogetherAreNoConflict) {
  DeviceArray<unsigned> n(std::vector<unsigned>{0});
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  ordered::count(n.get(), 32, *a);
  ordered::count(n.get(), 32, *b);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  ordered::count(n.get(), 32, *a);
  copy(host->get(), n.get(), 4, *b);
  EXPECT_EQ(complaints_after_all(), 1u);
}

TEST_F(EmulatedOrderTest, AGraphIsWorkOfItsStream) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(*a, cudaStreamCaptureModeGlobal), cudaSuccess);
  ordered::add(x->get(), 1, 64, *a);
  ordered::move(x->get(), y->get(), 64, *a);
  ASSERT_EQ(cudaStreamEndCapture(*a, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec, *a), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec, *a), cudaSuccess);
  order(*a, *b);
  copy(host->get(), y->get(), 256, *b);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  EXPECT_EQ(cudaGraphLaunch(exec, *a), cudaSuccess);
  copy(host->get(), y->get(), 256, *b);
  EXPECT_EQ(complaints_after_all(), 1u);
  EXPECT_TRUE(complained("cudaMemcpyAsync: unordered use: move_kernel on another stream"));
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
}

/// A capture of two branches that both add to x, in order or not; launched twice.
TEST_F(EmulatedOrderTest, BranchesOfAGraphNeedEventsToo) {
  EventOwner fork, between, join;
  for (const bool in_order : {true, false}) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    const uint64_t before = complaints_after_all();
    ASSERT_EQ(cudaStreamBeginCapture(*a, cudaStreamCaptureModeGlobal), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(fork, *a), cudaSuccess);
    ASSERT_EQ(cudaStreamWaitEvent(*b, fork), cudaSuccess);
    ordered::add(x->get(), 1, 64, *a);
    if (in_order) {
      ASSERT_EQ(cudaEventRecord(between, *a), cudaSuccess);
      ASSERT_EQ(cudaStreamWaitEvent(*b, between), cudaSuccess);
    }
    ordered::add(x->get(), 1, 64, *b);
    ASSERT_EQ(cudaEventRecord(join, *b), cudaSuccess);
    ASSERT_EQ(cudaStreamWaitEvent(*a, join), cudaSuccess);
    copy(host->get(), x->get(), 256, *a);
    ASSERT_EQ(cudaStreamEndCapture(*a, &graph), cudaSuccess) << last_complaint();
    ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
    EXPECT_EQ(cudaGraphLaunch(exec, *a), cudaSuccess);
    EXPECT_EQ(cudaGraphLaunch(exec, *a), cudaSuccess);
    order(*a, *b);
    ordered::add(x->get(), 1, 64, *b);
    EXPECT_EQ(complaints_after_all() - before, in_order ? 0u : 2u) << last_complaint();
    ordered::add(x->get(), 1, 64, *a);
    EXPECT_EQ(cudaGraphLaunch(exec, *b), cudaSuccess);
    EXPECT_GT(complaints_after_all() - before, in_order ? 0u : 3u) << "unordered with the launch";
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    EXPECT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
  }
}

TEST_F(EmulatedOrderTest, UsesAreListedOnce) {
  for (int i = 0; i < 3; ++i) {
    copy(x->get(), host->get(), 256, *a);
    ordered::move(x->get(), y->get(), 64, *b);
    EXPECT_EQ(complaints_after_all(), uint64_t(i + 1));
  }
  EXPECT_EQ(unordered_uses(), std::vector<std::string>{last_complaint()});
}

TEST_F(EmulatedOrderTest, AKernelsFindingHasItsLine) {
  copy(x->get(), host->get(), 256, *a);
  ordered::move(x->get(), y->get(), 64, *b);
  simt::take_reports();
  EXPECT_EQ(complaints_after_all(), 1u);
  EXPECT_TRUE(complained("move_kernel: unordered use: cudaMemcpyAsync on another stream"));
  const std::vector<simt::LaunchReport> reports = simt::take_reports();
  ASSERT_EQ(reports.size(), 1u);
  ASSERT_EQ(reports[0].issues.size(), 1u);
  EXPECT_EQ(reports[0].issues[0].kind, "unordered-use");
  EXPECT_EQ(reports[0].issues[0].file, "tests/cuda/emulator/ordered.cu");
}

TEST_F(EmulatedOrderTest, UncheckedKernelsAreNotSeen) {
  simt::options().level = simt::Level::off;
  ordered::add(x->get(), 1, 64, *a);
  ordered::add(x->get(), 1, 64, *b);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  copy(x->get(), host->get(), 256, *a);
  copy(y->get(), x->get(), 256, *b);
  EXPECT_EQ(complaints_after_all(), 1u) << "copies are";
}

TEST_F(EmulatedOrderTest, MemoryThatWasFreedStartsAnew) {
  void* p = nullptr;
  ASSERT_EQ(cudaMalloc(&p, 256), cudaSuccess);
  copy(p, host->get(), 256, *a);
  EXPECT_EQ(cudaFree(p), cudaSuccess);  // waits
  ASSERT_EQ(cudaMalloc(&p, 256), cudaSuccess);
  copy(p, host->get(), 256, *b);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  EXPECT_EQ(cudaFree(p), cudaSuccess);
}

// --- pinned memory and the host

TEST_F(EmulatedOrderTest, ThePinnedSourceOfACopyIsNotReusedBeforeIt) {
  copy(x->get(), host->get(), 256, *a);
  EXPECT_EQ(cudaEventRecord(*event, *a), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(*event), cudaSuccess);
  (*host)[7] = 9;
  copy(x->get(), host->get(), 256, *a);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  copy(x->get(), host->get(), 256, *a);
  (*host)[7] = 10;
  EXPECT_EQ(complaints_after_all(), 1u);
  EXPECT_TRUE(complained("cudaMemcpyAsync: the host wrote to the pinned source"));
  EXPECT_EQ(unordered_uses(), std::vector<std::string>{last_complaint()});
}

TEST_F(EmulatedOrderTest, APinnedSourceThatACopyFillsFirstIsNotTheHosts) {
  copy(host->get(), y->get(), 256, *a);
  copy(x->get(), host->get(), 256, *a);
  EXPECT_EQ(complaints_after_all(), 0u) << last_complaint();
  EXPECT_EQ(x->to_host()[5], 2);
  copy(host->get(), y->get(), 256, *a);
  copy(x->get(), host->get(), 256, *b);
  EXPECT_GT(complaints_after_all(), 0u) << "of two streams";
}

}  // namespace
}  // namespace cawe::emulated
