// SPDX-License-Identifier: Apache-2.0
// The figures of the kernel profiler: GPUs, occupancy (against NVIDIA's calculator too), roofline.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "cuda/lab/profile/gpus.h"
#include "cuda/lab/profile/occupancy.h"
#include "cuda/lab/profile/roofline.h"
#include "tensor/error.h"
#include "tests/data/text_file.h"

#if __has_include(<cuda_occupancy.h>)
#include <cuda_occupancy.h>
#define HAVE_CUDA_OCCUPANCY 1
#endif

namespace cawe::gpu {
namespace {

using cawe::testing::expect_error;

// --- GPUs

TEST(Gpus, AreFoundByNameAndArchitecture) {
  for (const Gpu& gpu : gpus()) {
    EXPECT_EQ(&find_gpu(gpu.name), &gpu);
    EXPECT_STREQ(find_gpu(gpu.arch).arch, gpu.arch);
    EXPECT_EQ(gpu.arch, "sm_" + std::to_string(gpu.major) + std::to_string(gpu.minor));
  }
  EXPECT_STREQ(find_gpu("sm_90").name, "H100") << "the first of an architecture";
  expect_error(Code::usage, {"P40 (sm_61), V100 (sm_70)"}, [] { find_gpu("sm_52"); });
  expect_error(Code::usage, {"no GPU called ''"}, [] { find_gpu(""); });
}

TEST(Gpus, PeakFollowsFromLanesAndClock) {
  // SMs x f32 lanes an SM x 2 x boost clock in GHz; the table rounds to 0.1 TFLOP/s.
  EXPECT_NEAR(find_gpu("P40").f32_tflops, 30 * 128 * 2 * 1.531e-3, 0.05);
  EXPECT_NEAR(find_gpu("V100").f32_tflops, 80 * 64 * 2 * 1.530e-3, 0.05);
  EXPECT_NEAR(find_gpu("T4").f32_tflops, 40 * 64 * 2 * 1.590e-3, 0.05);
  EXPECT_NEAR(find_gpu("A100-80").f32_tflops, 108 * 64 * 2 * 1.410e-3, 0.05);
  EXPECT_NEAR(find_gpu("H100").f32_tflops, 132 * 128 * 2 * 1.980e-3, 0.05);
  EXPECT_NEAR(find_gpu("H200").f32_tflops, 132 * 128 * 2 * 1.980e-3, 0.05);
  // Tensor cores: SMs x multiply-adds an SM and clock (512, 512, 1024, 2048) x 2 x boost clock; H100 at 1.830 GHz.
  EXPECT_NEAR(find_gpu("V100").tensor_tflops, 80 * 512 * 2 * 1.530e-3, 0.5);
  EXPECT_NEAR(find_gpu("T4").tensor_tflops, 40 * 512 * 2 * 1.590e-3, 0.5);
  EXPECT_NEAR(find_gpu("A100-80").tensor_tflops, 108 * 1024 * 2 * 1.410e-3, 0.5);
  EXPECT_NEAR(find_gpu("H100").tensor_tflops, 132 * 2048 * 2 * 1.830e-3, 1);
}

// --- occupancy

LaunchNeeds needs(int threads, int registers, int64_t static_shared = 0, int64_t dynamic_shared = 0) {
  LaunchNeeds launch;
  launch.threads_per_block = threads;
  launch.registers_per_thread = registers;
  launch.static_shared_bytes = static_shared;
  launch.dynamic_shared_bytes = dynamic_shared;
  return launch;
}

TEST(Occupancy, MatchesHandComputedCases) {
  // 32 registers x 2048 threads are all 64 K registers: warps and registers bind together.
  Occupancy o = occupancy(find_gpu("P40"), needs(256, 32));
  EXPECT_EQ(o.blocks_per_sm, 8);
  EXPECT_EQ(o.fraction, 1.0);
  EXPECT_EQ(limit_names(o.limited_by), "warps, registers");
  // 33 registers count as 40: 1280 a warp, 12 warps in each quarter of 16384, so one block of 32 warps.
  o = occupancy(find_gpu("H100"), needs(1024, 33));
  EXPECT_EQ(o.blocks_per_sm, 1);
  EXPECT_EQ(o.fraction, 0.5);
  EXPECT_EQ(limit_names(o.limited_by), "registers");
  // One warp a block: 32 blocks fill half of 64 warps, 16 blocks half of the T4's 32.
  for (const char* name : {"H100", "T4"}) {
    o = occupancy(find_gpu(name), needs(32, 32));
    EXPECT_EQ(o.fraction, 0.5) << name;
    EXPECT_EQ(limit_names(o.limited_by), "blocks") << name;
  }
  // 40 KiB + 1 KiB reserved: 164 / 41 = 4 on the A100; 64 / 40 = 1 on the T4, which reserves nothing.
  EXPECT_EQ(occupancy(find_gpu("A100-80"), needs(128, 32, 40960)).blocks_per_sm, 4);
  EXPECT_EQ(occupancy(find_gpu("A100-80"), needs(128, 32, 40960, 1)).blocks_per_sm, 3);
  EXPECT_EQ(occupancy(find_gpu("T4"), needs(128, 32, 40960)).blocks_per_sm, 1);
  // Three named barriers a block: 64 / 3 = 21 blocks of two warps, less than the 32 that warps admit.
  LaunchNeeds barriers = needs(64, 32);
  barriers.block_barriers = 3;
  o = occupancy(find_gpu("H100"), barriers);
  EXPECT_EQ(o.blocks_per_sm, 21);
  EXPECT_EQ(limit_names(o.limited_by), "barriers");
}

TEST(Occupancy, IsZeroWhereTheLaunchFails) {
  const Gpu& v100 = find_gpu("V100");
  EXPECT_EQ(limit_names(occupancy(v100, needs(1025, 8)).limited_by), "warps");
  EXPECT_EQ(occupancy(v100, needs(1025, 8)).blocks_per_sm, 0);
  EXPECT_EQ(limit_names(occupancy(v100, needs(1024, 65)).limited_by), "registers");
  EXPECT_EQ(occupancy(v100, needs(1024, 65)).blocks_per_sm, 0);
  LaunchNeeds large = needs(128, 8, 0, 64 * 1024);
  EXPECT_EQ(occupancy(v100, large).blocks_per_sm, 0) << "more than 48 KiB must be asked for";
  large.opted_in = true;
  EXPECT_EQ(occupancy(v100, large).blocks_per_sm, 1);
  EXPECT_EQ(occupancy(find_gpu("P40"), large).blocks_per_sm, 0) << "Pascal has 48 KiB a block at most";
  large.dynamic_shared_bytes = std::numeric_limits<int64_t>::max();
  large.static_shared_bytes = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(occupancy(v100, large).blocks_per_sm, 0);
  expect_error(Code::internal, {"a block of 0 threads"}, [&] { occupancy(v100, needs(0, 8)); });
  expect_error(Code::internal, {"-8 registers"}, [&] { occupancy(v100, needs(32, -8)); });
  expect_error(Code::internal, {"-1 bytes shared"}, [&] { occupancy(v100, needs(32, 8, 0, -1)); });
}

#ifdef HAVE_CUDA_OCCUPANCY
cudaOccDeviceProp properties(const Gpu& gpu) {
  cudaOccDeviceProp p;
  p.computeMajor = gpu.major;
  p.computeMinor = gpu.minor;
  p.maxThreadsPerBlock = Gpu::kThreadsPerBlock;
  p.maxThreadsPerMultiprocessor = gpu.threads_per_sm;
  p.regsPerBlock = Gpu::kRegistersPerSm;
  p.regsPerMultiprocessor = Gpu::kRegistersPerSm;
  p.warpSize = Gpu::kWarp;
  p.sharedMemPerBlock = gpu.shared_per_block;
  p.sharedMemPerMultiprocessor = gpu.shared_per_sm;
  p.numSms = gpu.sms;
  p.sharedMemPerBlockOptin = gpu.shared_per_block_opt_in;
  p.reservedSharedMemPerBlock = gpu.shared_reserved_per_block;
  return p;
}

void expect_as_nvidia(const Gpu& gpu, const LaunchNeeds& launch) {
  cudaOccFuncAttributes attributes;
  attributes.maxThreadsPerBlock = Gpu::kThreadsPerBlock;
  attributes.numRegs = launch.registers_per_thread;
  attributes.sharedSizeBytes = launch.static_shared_bytes;
  attributes.shmemLimitConfig = launch.opted_in ? FUNC_SHMEM_LIMIT_OPTIN : FUNC_SHMEM_LIMIT_DEFAULT;
  attributes.maxDynamicSharedSizeBytes = launch.dynamic_shared_bytes;
  attributes.numBlockBarriers = launch.block_barriers;
  const cudaOccDeviceProp device = properties(gpu);
  const cudaOccDeviceState state;
  cudaOccResult theirs{};
  ASSERT_EQ(cudaOccMaxActiveBlocksPerMultiprocessor(&theirs, &device, &attributes, &state,
                                                    launch.threads_per_block, launch.dynamic_shared_bytes),
            CUDA_OCC_SUCCESS);
  const Occupancy ours = occupancy(gpu, launch);
  uint8_t limits = 0;
  if (theirs.limitingFactors & OCC_LIMIT_WARPS) limits |= kLimitWarps;
  if (theirs.limitingFactors & OCC_LIMIT_BLOCKS) limits |= kLimitBlocks;
  if (theirs.limitingFactors & OCC_LIMIT_REGISTERS) limits |= kLimitRegisters;
  if (theirs.limitingFactors & OCC_LIMIT_SHARED_MEMORY) limits |= kLimitShared;
  // They look at barriers last and leave the bits of what bound before standing.
  const bool barriers = theirs.limitingFactors & OCC_LIMIT_BARRIERS;
  const int others = std::min(std::min(theirs.blockLimitRegs, theirs.blockLimitSharedMem),
                              std::min(theirs.blockLimitWarps, theirs.blockLimitBlocks));
  if (barriers)
    limits = static_cast<uint8_t>((theirs.blockLimitBarriers < others ? 0 : limits) | kLimitBarriers);
  EXPECT_TRUE(ours.blocks_per_sm == theirs.activeBlocksPerMultiprocessor &&
              ours.by_warps == theirs.blockLimitWarps && ours.by_blocks == theirs.blockLimitBlocks &&
              ours.by_registers == theirs.blockLimitRegs && ours.by_shared == theirs.blockLimitSharedMem &&
              ours.by_barriers == theirs.blockLimitBarriers && ours.limited_by == limits)
      << gpu.name << ": " << launch.threads_per_block << " threads, " << launch.registers_per_thread
      << " registers, " << launch.static_shared_bytes << " + " << launch.dynamic_shared_bytes << " bytes, "
      << launch.block_barriers << " barriers, opted in " << launch.opted_in << ": " << ours.blocks_per_sm
      << " (" << limit_names(ours.limited_by) << "), NVIDIA " << theirs.activeBlocksPerMultiprocessor << " ("
      << limit_names(limits) << ")";
}
#endif

#ifdef HAVE_CUDA_OCCUPANCY
TEST(Occupancy, EqualsNvidiasCalculator) {
  int compared = 0;
  for (const Gpu& gpu : gpus())
    for (const int threads : {1, 32, 33, 64, 96, 128, 192, 256, 416, 512, 640, 768, 1000, 1024, 1025})
      for (const int registers :
           {0, 1, 16, 24, 32, 33, 40, 41, 63, 64, 65, 72, 96, 128, 129, 152, 255, 256, 257})
        for (const int fixed : {0, 1, 512, 4097, 49152})
          for (const int dynamic :
               {0, 128, 12288, 40000, 49153, 65536, 98304, 102400, 166912, 231424, 232448, 300000})
            for (const int barriers : {0, 1, 3, 16}) {
              LaunchNeeds launch = needs(threads, registers, fixed, dynamic);
              launch.block_barriers = barriers;
              for (const bool opted_in : {false, true}) {
                launch.opted_in = opted_in;
                expect_as_nvidia(gpu, launch);
                ++compared;
              }
              if (HasFailure()) return;
            }
  EXPECT_EQ(compared, 6 * 15 * 19 * 5 * 12 * 4 * 2);
}
#endif

// --- roofline

TEST(Roofline, TakesTheHigherOfBothRoofs) {
  // 3 x 512 x 512 fuse on the H100: 7 340 032 bytes / 3350e3 bytes/us = 2.19105 us.
  LowerBound bound = lower_bound(find_gpu("H100"), 7340032, 0);
  EXPECT_NEAR(bound.us, 2.19105, 1e-5);
  EXPECT_EQ(bound.binds, Roof::memory);
  EXPECT_EQ(bound.intensity, 0);
  // 256^3 matrix product: 33 554 432 FLOPs / 66.9e6 a us = 0.50156; 786 432 bytes / 3350e3 = 0.23476.
  bound = lower_bound(find_gpu("H100"), 786432, 33554432);
  EXPECT_NEAR(bound.us, 0.50156, 1e-5);
  EXPECT_NEAR(bound.compute_us, 0.50156, 1e-5);
  EXPECT_NEAR(bound.memory_us, 0.23476, 1e-5);
  EXPECT_STREQ(name(bound.binds), "compute");
  EXPECT_NEAR(bound.intensity, 42.6667, 1e-4);  // 128 / 3
  EXPECT_NEAR(bound.ridge, 19.9701, 1e-4);      // 66.9e3 / 3350
  // 1 GB and 1 GFLOP on the P40: 1e9 / 346e3 = 2890.17 us against 1e9 / 11.8e6 = 84.75 us.
  bound = lower_bound(find_gpu("P40"), 1e9, 1e9);
  EXPECT_NEAR(bound.us, 2890.17, 0.01);
  EXPECT_NEAR(bound.compute_us, 84.746, 0.001);
  EXPECT_STREQ(name(bound.binds), "memory");
}

TEST(Roofline, KnowsTensorCores) {
  // 8 x 4096 x 4096 scores, 576 FLOPs each on tensor cores: 7.7309e10 / 989.4e6 a us = 78.14; 40 MiB / 3350e3 = 12.5.
  LowerBound bound = lower_bound(find_gpu("H100"), 40 << 20, 0, 8. * 4096 * 4096 * 576);
  EXPECT_NEAR(bound.us, 78.138, 1e-3);
  EXPECT_EQ(bound.binds, Roof::compute);
  EXPECT_NEAR(bound.ridge, 295.34, 0.01);  // 989.4e3 / 3350
  // Side by side with 1e9 FLOPs on CUDA cores, 14.9 us: the longer of both.
  EXPECT_NEAR(lower_bound(find_gpu("H100"), 0, 1e9, 8. * 4096 * 4096 * 576).us, 78.138, 1e-3);
  // The P40 has none: 2e9 / 11.8e6.
  EXPECT_NEAR(lower_bound(find_gpu("P40"), 0, 1e9, 1e9).us, 169.49, 0.01);
}

TEST(Roofline, HasItsEdges) {
  const Gpu& v100 = find_gpu("V100");
  EXPECT_EQ(lower_bound(v100, 0, 0).us, 0);
  EXPECT_EQ(lower_bound(v100, 0, 0).intensity, 0);
  EXPECT_TRUE(std::isinf(lower_bound(v100, 0, 1e6).intensity));
  EXPECT_EQ(lower_bound(v100, 0, 1e6).binds, Roof::compute);
  expect_error(Code::internal, {"-1 bytes"}, [&] { lower_bound(v100, -1, 0); });
  expect_error(Code::internal, {"nan FLOPs"}, [&] { lower_bound(v100, 0, std::nan("")); });
  expect_error(Code::internal, {"-1 FLOPs"}, [&] { lower_bound(v100, 0, 0, -1); });
  expect_error(Code::internal, {"inf bytes"}, [&] { lower_bound(v100, HUGE_VAL, 0); });
}

}  // namespace
}  // namespace cawe::gpu
