// SPDX-License-Identifier: Apache-2.0
// Host code of the CUDA backend on the emulated runtime: memory, copies between host and device, devices.
#include <cmath>
#include <numeric>

#include "tensor/cpu/cpu_backend.h"
#include "tests/cuda/runtime/support.h"

namespace cawe::on_emulator {
namespace {

using emulated::Fault;
using emulated::inject;
using emulated::Schedule;

// --- the allocator

TEST_F(RuntimeTest, AFreedBlockIsGivenOutAgain) {
  void* first = device().allocate(1000);  // 1,024 with its neighbours of the same class
  device().release(first, 1000);
  const uint64_t before = driver_allocations();
  EXPECT_EQ(device().allocate(1010), first);
  EXPECT_EQ(driver_allocations(), before);
  void* other = device().allocate(1010);
  EXPECT_NE(other, first) << "it is in use";
  EXPECT_EQ(driver_allocations(), before + 1);
  device().release(first, 1010);
  device().release(other, 1010);
}

TEST_F(RuntimeTest, StatisticsCountBlocks) {
  void* small = device().allocate(1);         // 512
  void* large = device().allocate(17 << 10);  // 17 KiB: steps of 2 KiB from 16 KiB on, 18 KiB
  const ArenaStatistics s = device().statistics();
  EXPECT_EQ(s.live_bytes, 512 + (18 << 10));
  EXPECT_EQ(s.peak_bytes, s.live_bytes);
  EXPECT_EQ(s.reserved_bytes, s.live_bytes);
  EXPECT_EQ(s.requests, 2);
  EXPECT_EQ(s.system_calls, 2);
  device().release(large, 17 << 10);
  EXPECT_EQ(device().statistics().live_bytes, 512);
  EXPECT_EQ(device().statistics().peak_bytes, 512 + (18 << 10));
  EXPECT_EQ(device().statistics().reserved_bytes, 512 + (18 << 10)) << "kept for the next";
  device().reset_peak();
  EXPECT_EQ(device().statistics().peak_bytes, 512);
  device().trim();
  EXPECT_EQ(device().statistics().reserved_bytes, 512) << "what is in use stays";
  device().release(small, 1);
}

TEST_F(RuntimeTest, NoBlockIsMuchLargerThanAskedFor) {
  for (size_t bytes : {0, 1, 511, 512, 513, 8191, 8193, 9217, 70000, 1048577, 9999999}) {
    void* block = device().allocate(bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_GE(device().statistics().live_bytes, int64_t(bytes));
    EXPECT_LE(device().statistics().live_bytes, int64_t(bytes + bytes / 8 + 512)) << bytes;
    device().release(block, bytes);
  }
}

TEST_F(RuntimeTest, CachedBlocksAreGivenUpBeforeMemoryIsOut) {
  device().release(device().allocate(1 << 20), 1 << 20);
  inject(Fault::device_memory);
  void* block = device().allocate(2 << 20);
  EXPECT_EQ(device().statistics().reserved_bytes, 2 << 20) << "the free MiB went back to the driver";
  device().release(block, 2 << 20);
}

TEST_F(RuntimeTest, OutOfMemoryTellsSizesAndOperator) {
  void* block = device().allocate(3 << 20);
  emulated::options().device_bytes = 8 << 20;
  expect_error(Code::io,
               {"conv2d: out of device memory", "6 MiB wanted", "5 MiB free of 8 MiB", "3 MiB in use",
                "smaller batch"},
               [] {
                 const OperatorScope scope("conv2d");
                 device().allocate(6 << 20);
               });
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess) << "the next launch must not find it";
  device().release(device().allocate(4 << 20), 4 << 20);
  device().release(block, 3 << 20);
}

TEST_F(RuntimeTest, WithoutTheCacheEveryBlockIsTheDrivers) {
  const EnvironmentVariable off("CAWE_CUDA_CACHE", "0");
  restart();
  void* block = device().allocate(1000);
  EXPECT_EQ(device().statistics().reserved_bytes, 1000);
  device().release(block, 1000);
  EXPECT_EQ(device().statistics().reserved_bytes, 0);
  Tensor x = Tensor::from<float>({1, 2, 3}, {3}).to(Device::emulated);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 3}));
}

TEST_F(RuntimeTest, BadSettingsAreNamed) {
  {
    const EnvironmentVariable bad("CAWE_TF32", "yes");
    expect_error(Code::usage, {"CAWE_TF32", "'yes'", "expected 0 or 1"}, [] { settings_from_environment(); });
  }
  for (const char* value : {"-1", "2GB", "99999999"}) {
    const EnvironmentVariable bad("CAWE_CUDNN_WORKSPACE_MB", value);
    expect_error(Code::usage, {"CAWE_CUDNN_WORKSPACE_MB", value}, [] { settings_from_environment(); });
  }
  const EnvironmentVariable good("CAWE_CUDNN_WORKSPACE_MB", "12");
  EXPECT_EQ(settings_from_environment().workspace_bytes, size_t{12} << 20);
}

TEST_F(RuntimeTest, ConstantsAreMadeOnceAndStay) {
  Constants& constants = device().runtime().constants;
  const auto first = [](const void* of, auto value, size_t count) {
    std::vector<decltype(value)> values(count, decltype(value)(-1));
    CAWE_CUDA(cudaMemcpy(values.data(), of, count * sizeof value, cudaMemcpyDeviceToHost));
    return values == std::vector<decltype(value)>(count, value);
  };
  const void* ones = constants.of(Constant::ones_f32, 3);
  EXPECT_TRUE(first(ones, 1.0f, 3));
  EXPECT_TRUE(first(constants.of(Constant::ones_f64, 5), 1.0, 5));
  EXPECT_TRUE(first(constants.of(Constant::zeros, 5), 0.0, 5));
  EXPECT_EQ(constants.of(Constant::ones_f32, 512), ones);
  const uint64_t before = driver_allocations();
  EXPECT_TRUE(first(constants.of(Constant::ones_f32, 5000), 1.0f, 5000));
  EXPECT_EQ(driver_allocations(), before + 1);
  EXPECT_TRUE(first(ones, 1.0f, 3)) << "who has it goes on reading it";
}

// --- copies between host and device

class Copies : public RuntimeTest, public ::testing::WithParamInterface<Schedule> {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    emulated::options().schedule = GetParam();
  }
};
INSTANTIATE_TEST_SUITE_P(Schedules, Copies,
                         ::testing::Values(Schedule::lazy, Schedule::lazy_newest_first, Schedule::eager));

std::vector<int32_t> counted(int64_t n, int32_t first) {
  std::vector<int32_t> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), first);
  return values;
}

TEST_P(Copies, GoThereAndBack) {
  // Elements of 4 bytes: none, one, a small slot, one more, a chunk and a bit, more than all pinned slots
  // together.
  for (int64_t n : {0, 1, 16384, 16385, 1048577, 5000001}) {
    const std::vector<int32_t> values = counted(n, 7);
    const Tensor x = Tensor::from(values, {n}).to(Device::emulated);
    EXPECT_TRUE(x.to_vector<int32_t>() == values) << n;
  }
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

TEST_P(Copies, TheHostMayChangeItsMemoryAtOnce) {
  for (int64_t n : {100, 100000}) {
    const Tensor host = Tensor::from(counted(n, 0), {n});
    const Tensor x = host.to(Device::emulated);
    std::fill_n(host.data<int32_t>(), n, -1);
    EXPECT_TRUE(x.to_vector<int32_t>() == counted(n, 0)) << n;
  }
}

TEST_P(Copies, ManyInARowKeepTheirOwnBytes) {
  std::vector<Tensor> small, large;
  for (int32_t i = 0; i < 70; ++i) small.push_back(Tensor::from(counted(10, i), {10}).to(Device::emulated));
  for (int32_t i = 0; i < 8; ++i)
    large.push_back(Tensor::from(counted(2000000, i), {2000000}).to(Device::emulated));
  for (int32_t i = 0; i < 70; ++i) EXPECT_TRUE(small[size_t(i)].to_vector<int32_t>() == counted(10, i)) << i;
  for (int32_t i = 0; i < 8; ++i)
    EXPECT_TRUE(large[size_t(i)].to_vector<int32_t>() == counted(2000000, i)) << i;
}

TEST_P(Copies, KeepTheMemoryOrder) {
  Tensor x = Tensor::empty({2, 3, 2, 2}, DType::f32, Layout::channels_last);
  for (int i = 0; i < 24; ++i) static_cast<float*>(x.raw())[i] = float(i);
  const Tensor back = x.to(Device::emulated).to(Device::cpu);
  EXPECT_TRUE(back.is_channels_last());
  EXPECT_EQ(back.to_vector<float>(), x.to_vector<float>());
}

/// What was released may be given out at once: who comes later queues behind.
TEST_P(Copies, DoNotOvertakeTheWorkOnTheirMemory) {
  constexpr int64_t kCount = 100000;
  Tensor kept = Tensor::empty({kCount}, DType::f32, Layout::contiguous, Device::emulated);
  Tensor source = Tensor::from(std::vector<float>(kCount, 1.f), {kCount}).to(Device::emulated);
  const void* block = source.raw();
  kept.copy_from(source);
  source = Tensor();
  const Tensor next = Tensor::from(std::vector<float>(kCount, 2.f), {kCount}).to(Device::emulated);
  ASSERT_EQ(next.raw(), block) << "the test wants the block back";
  EXPECT_TRUE(kept.to_vector<float>() == std::vector<float>(kCount, 1.f));
  EXPECT_TRUE(next.to_vector<float>() == std::vector<float>(kCount, 2.f));
}

/// The same for the landing buffer; five chunks in four pinned slots make the copy stream run.
TEST_P(Copies, DoNotOvertakeTheWorkOnTheMemoryThatTheyLandIn) {
  constexpr int64_t kCount = 5 << 20;
  Tensor kept = Tensor::empty({kCount}, DType::i32, Layout::contiguous, Device::emulated);
  Tensor source = Tensor::empty({kCount}, DType::i32, Layout::contiguous, Device::emulated);
  Tensor target = Tensor::empty({kCount}, DType::i32, Layout::contiguous, Device::emulated);
  CAWE_CUDA(cudaMemsetAsync(source.raw(), 1, size_t(kCount) * 4, device().stream()));
  CAWE_CUDA(cudaMemcpyAsync(kept.raw(), source.raw(), size_t(kCount) * 4, cudaMemcpyDeviceToDevice,
                            device().stream()));
  source = Tensor();  // the only free block of its size
  const uint64_t before = driver_allocations();
  const Tensor host = Tensor::from(counted(kCount, 0), {kCount});
  device().copy_between_devices(host, target);
  ASSERT_EQ(driver_allocations(), before) << "the test wants the block as landing buffer";
  EXPECT_TRUE(kept.to_vector<int32_t>() == std::vector<int32_t>(size_t(kCount), 0x01010101));
  EXPECT_TRUE(target.to_vector<int32_t>() == counted(kCount, 0));
}

TEST_P(Copies, NeedNoLandingBuffer) {
  Tensor x = Tensor::empty({3000000}, DType::i32, Layout::contiguous, Device::emulated);
  inject(Fault::device_memory, 1, 2);
  Tensor host = Tensor::from(counted(3000000, 5), {3000000});
  device().copy_between_devices(host, x);
  EXPECT_TRUE(x.to_vector<int32_t>() == counted(3000000, 5));
}

/// Both streams and both landing buffers, with kernels watched: TearDown() fails where two uses have no order.
TEST_P(Copies, AreInOrderWithTheWorkAroundThem) {
  simt::options().level = simt::Level::check;
  const int64_t n = 40000;
  for (int round = 0; round < 6; ++round) {
    Tensor x = Tensor::from(std::vector<float>(size_t(n), 1.f), {n, 1}).to(Device::emulated);
    const Tensor y = Tensor::from(std::vector<float>(size_t(n), float(round)), {n, 1}).to(Device::emulated);
    Tensor sum = Tensor::empty({1, 1}, DType::f32, Layout::contiguous, Device::emulated);
    device().matmul(x, true, y, false, sum);
    x.fill(3);
    EXPECT_EQ(sum.to_vector<float>()[0], float(n * round));
    EXPECT_TRUE(x.to_vector<float>() == std::vector<float>(size_t(n), 3.f));
  }
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

/// Touching device memory is a segmentation fault here, as with a GPU.
TEST_F(RuntimeTest, TheHostTouchesNoDeviceMemory) {
  simt::options().guard = true;
  for (int64_t n : {100, 100000}) {
    Tensor x = Tensor::from(counted(n, 3), {n}).to(Device::emulated);
    EXPECT_TRUE(x.to_vector<int32_t>() == counted(n, 3));
  }
  Tensor x = on_device({1, 2}), y = empty_like(x);
  device().linear(x, on_device({3}), on_device({4}).reshape({1}), y);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{7, 10}));
}

/// As on the CPU: nothing to sum, and the losses behind the norm are looked at all the same.
TEST_F(RuntimeTest, TheNormOfNoGradientsIsZero) {
  for (const double loss : {2.0, double(NAN)}) {
    Tensor here = Tensor::from(std::vector<double>{7, 7, 7, loss}, {4}), there = here.to(Device::emulated);
    cpu_reference_backend().gradient_norm({}, 1, 8, here);
    device().gradient_norm({}, 1, 8, there);
    const std::vector<double> expected = here.to_vector<double>(), got = there.to_vector<double>();
    EXPECT_EQ(got[0], 0);
    EXPECT_EQ(got[1], 0);
    EXPECT_EQ(expected[1], 0);
    for (const std::vector<double>& result : {expected, got})
      EXPECT_TRUE(std::isnan(loss) ? std::isnan(result[2]) : result[2] == 1.0 / 8) << result[2];
  }
}

/// What is read later is what was there when the copy began, whatever comes behind it, which is not waited for.
TEST_F(RuntimeTest, AHostCopyIsWaitedForAlone) {
  Tensor x = Tensor::from(counted(100, 0), {4, 25}).to(Device::emulated);
  std::vector<std::unique_ptr<HostCopy>> copies;
  for (int round = 1; round < 40; ++round) {  // more than there are slots for usual copies
    const size_t before = emulated::pending();
    copies.push_back(device().begin_host_copy(x));
    EXPECT_EQ(emulated::pending() > before, before > 0) << "round " << round << ": nothing is waited for";
    x.copy_from(Tensor::from(counted(100, round), {4, 25}));
  }
  copies.erase(copies.begin() + 1);  // nobody waited for it
  EXPECT_GT(emulated::pending(), 0u);
  const Tensor first = copies[0]->wait();
  EXPECT_EQ(first.shape(), (Shape{4, 25}));
  EXPECT_EQ(first.to_vector<int32_t>(), counted(100, 0));
  EXPECT_GT(emulated::pending(), 0u) << "what came behind it";
  for (size_t i = 1; i < copies.size(); ++i)
    EXPECT_EQ(copies[i]->wait().to_vector<int32_t>(), counted(100, int(i) + 1)) << i;
  copies.clear();
  const uint64_t before = emulated::calls("cudaMallocHost");
  EXPECT_EQ(device().begin_host_copy(x)->wait().to_vector<int32_t>(), counted(100, 39));
  EXPECT_EQ(emulated::calls("cudaMallocHost"), before) << "slots are used again";
  const Tensor large = Tensor::from(counted(100000, 7), {100000}).to(Device::emulated);
  EXPECT_TRUE(device().begin_host_copy(large)->wait().to_vector<int32_t>() == counted(100000, 7));
  EXPECT_EQ(device().begin_host_copy(on_device({}))->wait().numel(), 0);
  expect_error(Code::unsupported, {"copy to the host", "captured"},
               [&] { device().capture([&] { device().begin_host_copy(x); }); });
  EXPECT_EQ(backend(Device::cpu).begin_host_copy(Tensor::scalar(3))->wait().item(), 3);
}

TEST_F(RuntimeTest, CopiesToTheDeviceDoNotWaitForIt) {
  Tensor::from(counted(10, 0), {10}).to(Device::emulated);
  Tensor::from(counted(100000, 0), {100000}).to(Device::emulated);
  device().synchronize();
  EXPECT_EQ(emulated::pending(), 0u);
  Tensor busy = Tensor::zeros({10}, DType::f32, Layout::contiguous, Device::emulated);
  const size_t before = emulated::pending();
  EXPECT_GT(before, 0u);
  const Tensor small = Tensor::from(counted(10, 0), {10}).to(Device::emulated);
  const Tensor large = Tensor::from(counted(100000, 0), {100000}).to(Device::emulated);
  EXPECT_GT(emulated::pending(), before) << "nothing of the compute stream ran";
  device().synchronize();
  EXPECT_EQ(emulated::pending(), 0u);
}

TEST_F(RuntimeTest, PinnedMemoryThatIsNotToBeHadIsExplained) {
  inject(Fault::host_memory);
  expect_error(Code::io, {"copy between devices", "MiB of pinned host memory", "ulimit -l"},
               [] { Tensor::from(counted(3, 0), {3}).to(Device::emulated); });
  EXPECT_EQ(Tensor::from(counted(3, 0), {3}).to(Device::emulated).to_vector<int32_t>(), counted(3, 0));
}

// --- devices, and what is refused

TEST_F(RuntimeTest, SaysWhatItIsBuiltOn) {
  EXPECT_STREQ(device().name(), "emulated");
  EXPECT_EQ(device().built_on().find("CUDA 13.0, cuDNN 9.0.0, cuBLASLt "), 0u) << device().built_on();
  EXPECT_NE(device().built_on().find("driver 13.0, emulated by cawe (sm_90, 8 SMs, 4 GiB)"),
            std::string::npos)
      << device().built_on();
  EXPECT_EQ(device().built_on().find("TF32"), std::string::npos);
  const EnvironmentVariable tf32("CAWE_TF32", "1"), winograd("CAWE_WINOGRAD", "1"),
      graph("CAWE_CUDNN", "graph");
  restart();
  EXPECT_NE(device().built_on().find(", TF32, Winograd, graph interface of cuDNN"), std::string::npos)
      << device().built_on();
}

/// A limit of workspaces decides which algorithms compute; the usual one is no news.
TEST_F(RuntimeTest, SaysWhichWorkspacesAreAdmitted) {
  EXPECT_EQ(device().built_on().find("workspaces"), std::string::npos) << device().built_on();
  for (const auto& [megabytes, said] :
       {std::pair("0", ", workspaces up to 0 MiB"), std::pair("12", ", workspaces up to 12 MiB")}) {
    const EnvironmentVariable limit("CAWE_CUDNN_WORKSPACE_MB", megabytes);
    restart();
    EXPECT_NE(device().built_on().find(said), std::string::npos) << device().built_on();
  }
  const EnvironmentVariable usual("CAWE_CUDNN_WORKSPACE_MB", "512");  // an eighth of the device's 4 GiB
  restart();
  EXPECT_EQ(device().built_on().find("workspaces"), std::string::npos) << device().built_on();
}

TEST_F(RuntimeTest, NoDeviceHasAReason) {
  close();
  emulated::options().devices = 0;
  std::string why;
  EXPECT_FALSE(init(&why));
  EXPECT_NE(why.find("no NVIDIA driver is loaded"), std::string::npos) << why;
  EXPECT_FALSE(init(nullptr));
  expect_error(Code::unsupported, {"'emulated' is not available"}, [] { backend(Device::emulated); });
  expect_error(Code::unsupported, {"no NVIDIA driver", "--device cpu"}, [] { Runtime runtime(Settings{}); });
}

TEST_F(RuntimeTest, ReasonsNameTheRemedy) {
  EXPECT_EQ(reason_without_device(cudaErrorInsufficientDriver, 13000, 12040),
            "the driver supports CUDA 12.4, this build needs 13.0. Update the driver, or use --device cpu.");
  EXPECT_NE(reason_without_device(cudaErrorNoDevice, 13000, 13000).find("CUDA_VISIBLE_DEVICES"),
            std::string::npos);
  EXPECT_NE(reason_without_device(cudaErrorNoDevice, 13000, 0).find("no NVIDIA driver"), std::string::npos);
  EXPECT_NE(reason_without_device(cudaErrorInitializationError, 13000, 13000)
                .find("cudaErrorInitializationError (3)"),
            std::string::npos);
}

TEST_F(RuntimeTest, NumbersOfOtherTypesAreRefused) {
  const Tensor x = Tensor::empty({2}, DType::i64, Layout::contiguous, Device::emulated);
  expect_error(Code::dtype, {"softmax: dtype i64 is not computed on emulated", "Tensor::to"},
               [&] { number_of("softmax", x); });
}

/// What fails before its kernel leaves its results as they were, also those that a kernel could not write in place.
TEST_F(RuntimeTest, ARefusedDetectionBringsNoResults) {
  const Tensor x = Tensor::from<float>({3, 1, 2, 0}, {2, 2}).to(Device::emulated);
  Tensor room = Tensor::from(std::vector<int64_t>(12, -7), {2, 6}).to(Device::emulated);
  Tensor chosen = room.slice(1, 0, 3);
  expect_error(Code::shape, {"top_k: 3 of parts with at most 2 numbers"},
               [&] { device().top_k(x, {2}, 3, chosen); });
  EXPECT_EQ(room.to_vector<int64_t>(), std::vector<int64_t>(12, -7));
  chosen = room.slice(1, 0, 2);
  device().top_k(x, {2}, 2, chosen);
  EXPECT_EQ(room.to_vector<int64_t>(), (std::vector<int64_t>{0, 1, -7, -7, -7, -7, 2, 3, -7, -7, -7, -7}));
}

TEST_F(RuntimeTest, CopiesBetweenUnlikeTensorsAreRefused) {
  const Tensor host = Tensor::from<float>({1, 2}, {2});
  Tensor x = Tensor::empty({3}, DType::f32, Layout::contiguous, Device::emulated);
  expect_error(Code::internal, {"[2]", "[3]"}, [&] { device().copy_between_devices(host, x); });
}

TEST(Device, IsTheOneOfTheIndexAmongTheVisible) {
  EXPECT_EQ(visible_device(nullptr, 3).name, "3");
  EXPECT_EQ(visible_device("2,0,GPU-8a3f", 0).name, "2");
  EXPECT_EQ(visible_device("2,0,GPU-8a3f", 2).name, "GPU-8a3f");
  expect_error(Code::usage, {"no GPU 3", "CUDA_VISIBLE_DEVICES=2,0,GPU-8a3f names 3"},
               [] { visible_device("2,0,GPU-8a3f", 3); });
  EXPECT_EQ(visible_device("5", 0).name, "5");
  expect_error(Code::usage, {"names 1 (the first is 0)"}, [] { visible_device("5", 1); });
}

/// Somebody else's GPU is not taken where this program was given none.
TEST(Device, IsNoneWhereNoneIsAllowed) {
  for (const int index : {0, 1})
    expect_error(Code::usage, {"no GPU", "CUDA_VISIBLE_DEVICES is set and empty", "--device cpu"},
                 [&] { visible_device("", index); });
}

/// The numbers in CUDA_VISIBLE_DEVICES mean the GPUs that they meant before.
TEST(Device, IsCountedAsNvidiaSmiDoesWhereNothingElseIsSaid) {
  EXPECT_TRUE(visible_device(nullptr, 0).in_order_of_buses);
  EXPECT_FALSE(visible_device("1,0", 0).in_order_of_buses);
}

}  // namespace
}  // namespace cawe::on_emulator
