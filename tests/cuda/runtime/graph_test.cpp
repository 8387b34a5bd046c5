// SPDX-License-Identifier: Apache-2.0
// Captured steps: when they run, and whose memory is whose.
#include <thread>

#include "cuda/runtime/graph.h"
#include "tests/cuda/runtime/support.h"

namespace cawe::on_emulator {
namespace {

/// Overwrites x's memory in stream order, as the host's next batch would.
void set(Tensor& x, const std::vector<float>& values) {
  backend(Device::emulated).copy_between_devices(Tensor::from(values, x.shape()), x);
}

class CapturedSteps : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    two_ = on_device({2});
    x_ = on_device({1, 2, 3});
    y_ = empty_like(x_);
  }
  void TearDown() override {
    two_ = x_ = y_ = Tensor();
    RuntimeTest::TearDown();
  }
  /// y = 2 x by way of a scratch tensor, whose address it returns.
  const void* step() {
    Tensor scratch = empty_like(x_);
    device().matmul(x_, false, two_, false, scratch);
    y_.copy_from(scratch);
    return scratch.raw();
  }
  Tensor two_, x_, y_;
};

TEST_F(CapturedSteps, RunWhenLaunchedAndAsOftenAsLaunched) {
  y_.fill(-1);
  const auto captured = device().capture([&] { step(); });
  EXPECT_EQ(y_.to_vector<float>(), std::vector<float>(3, -1.f)) << "capturing runs nothing";
  captured->launch();
  EXPECT_EQ(y_.to_vector<float>(), (std::vector<float>{2, 4, 6}));
  set(x_, {10, 20, 30});
  captured->launch();
  captured->launch();
  EXPECT_EQ(y_.to_vector<float>(), (std::vector<float>{20, 40, 60}));
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

/// Whatever the step wrote to must be nobody else's: it writes there at each launch.
TEST_F(CapturedSteps, KeepTheirMemoryForThemselves) {
  const void* scratch = nullptr;
  auto captured = device().capture([&] { scratch = step(); });
  std::vector<Tensor> others;
  for (int i = 0; i < 8; ++i) {
    others.push_back(on_device({5, 6, 7}));
    EXPECT_NE(others.back().raw(), scratch);
  }
  captured->launch();
  for (const Tensor& other : others) EXPECT_EQ(other.to_vector<float>(), (std::vector<float>{5, 6, 7}));
  captured.reset();
  const uint64_t before = driver_allocations();
  EXPECT_EQ(on_device({1}).raw(), scratch) << "free again";
  EXPECT_EQ(driver_allocations(), before);
}

TEST_F(CapturedSteps, KeepInputsThatAreReleasedWithin) {
  Tensor input = on_device({7, 8, 9});
  const void* address = input.raw();
  const auto captured = device().capture([&] {
    y_.copy_from(input);
    input = Tensor();
    EXPECT_NE(empty_like(x_).raw(), address) << "the next launch would find other numbers";
  });
  for (int i = 0; i < 4; ++i) EXPECT_NE(on_device({0}).raw(), address);
  captured->launch();
  captured->launch();
  EXPECT_EQ(y_.to_vector<float>(), (std::vector<float>{7, 8, 9}));
}

TEST_F(CapturedSteps, ReuseMemoryWithin) {
  device().capture([&] {
    const void* first = step();
    EXPECT_EQ(step(), first);
  });
}

TEST_F(CapturedSteps, MakeTensorsThatOutliveThem) {
  Tensor made;
  auto captured = device().capture([&] {
    made = empty_like(x_);
    made.copy_from(x_);
  });
  captured->launch();
  captured.reset();
  for (int i = 0; i < 4; ++i) EXPECT_NE(on_device({0}).raw(), made.raw());
  EXPECT_EQ(made.to_vector<float>(), (std::vector<float>{1, 2, 3}));
  const void* address = made.raw();
  made = Tensor();
  EXPECT_EQ(on_device({0}).raw(), address);
}

TEST_F(CapturedSteps, ThatFailLeaveNothingBehind) {
  const int64_t live = device().statistics().live_bytes;
  expect_error(Code::usage, {"the step's own"}, [&] {
    device().capture([&] {
      step();
      fail(Code::usage, "the step's own");
    });
  });
  EXPECT_EQ(device().statistics().live_bytes, live);
  step();
  EXPECT_EQ(y_.to_vector<float>(), (std::vector<float>{2, 4, 6}));
  const auto captured = device().capture([&] { step(); });
  captured->launch();
  device().synchronize();
}

TEST_F(CapturedSteps, MayNotTalkToTheHost) {
  const std::vector<std::string> words = {"captured", "host"};
  expect_error(Code::unsupported, words, [&] { device().capture([&] { x_.to(Device::cpu); }); });
  expect_error(Code::unsupported, words, [&] { device().capture([&] { on_device({1}); }); });
  expect_error(Code::unsupported, words, [&] { device().capture([&] { device().synchronize(); }); });
  expect_error(Code::internal, {"capture: another step is being captured"},
               [&] { device().capture([&] { device().capture([&] { step(); }); }); });
  step();
  EXPECT_EQ(y_.to_vector<float>(), (std::vector<float>{2, 4, 6}));
}

TEST_F(CapturedSteps, LeaveOtherThreadsTheirMemory) {
  Tensor made;
  const auto captured = device().capture([&] {
    std::thread([&] {
      made = Tensor::empty({3, 1}, DType::f32, Layout::contiguous, Device::emulated);
    }).join();
    step();
  });
  const void* address = made.raw();
  made = Tensor();
  EXPECT_EQ(on_device({0}).raw(), address) << "not the step's";
}

}  // namespace
}  // namespace cawe::on_emulator
