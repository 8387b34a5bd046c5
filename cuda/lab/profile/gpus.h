// SPDX-License-Identifier: Apache-2.0
// What the profiler knows of each GPU: the limits that decide occupancy, and the rates of the roofline.
#pragma once

#include <string_view>
#include <vector>

namespace cawe::gpu {

/// One GPU. Sizes in bytes, limits per SM (streaming multiprocessor) unless the name says otherwise.
struct Gpu {
  const char* name;  ///< short, as in reports: "A100-80"
  const char* arch;  ///< "sm_80"
  int major, minor;  ///< compute capability
  int sms;
  int threads_per_sm, blocks_per_sm;
  int shared_per_sm;
  int shared_per_block;           ///< without asking: static plus dynamic
  int shared_per_block_opt_in;    ///< after cudaFuncSetAttribute(MaxDynamicSharedMemorySize)
  int shared_reserved_per_block;  ///< taken by the driver, on top of what the kernel asks for
  int shared_unit;                ///< a block's shared memory is rounded up to this
  int registers_per_thread;       ///< the most that a launch accepts
  int barriers_per_sm;            ///< hardware barriers shared by the blocks of an SM; 0: never the limit
  double bandwidth_gbs;           ///< DRAM, 1e9 bytes/s, vendor's sheet
  double f32_tflops;              ///< CUDA cores, 1e12 FLOP/s, a fused multiply-add is two; vendor's sheet
  double tensor_tflops;           ///< the same of tensor cores: f16, dense, sums in f32; 0: it has none

  // The same on all of them.
  static constexpr int kWarp = 32;
  static constexpr int kThreadsPerBlock = 1024;
  static constexpr int kRegistersPerSm = 65536;  ///< one block may have them all
  static constexpr int kRegisterUnit = 256;      ///< registers of a warp are rounded up to this (8 a thread)
  static constexpr int kPartitions = 4;          ///< of an SM; each holds a quarter of the registers
};

/// In the order of their compute capability: P40, V100, T4, A100-80, H100, H200.
const std::vector<Gpu>& gpus();

/// By name or architecture, e.g. "H100" or "sm_90". Throws Error(usage) where there is none, listing all.
const Gpu& find_gpu(std::string_view name_or_arch);

}  // namespace cawe::gpu
