// SPDX-License-Identifier: Apache-2.0
// How many blocks of a kernel fit on one SM at a time, and what keeps more of them out.
#pragma once

#include <cstdint>
#include <string>

#include "cuda/lab/profile/gpus.h"

namespace cawe::gpu {

/// What one launch asks of an SM.
struct LaunchNeeds {
  int threads_per_block = 0;
  int registers_per_thread = 0;
  int64_t static_shared_bytes = 0, dynamic_shared_bytes = 0;  ///< per block
  int block_barriers = 1;                                     ///< as ptxas reports them
  bool opted_in = false;  ///< the launch raised the kernel's limit of dynamic shared memory beforehand
};

/// A set of these binds: none of the others would admit more blocks.
enum Limit : uint8_t {
  kLimitWarps = 1,  ///< threads per SM, or more than 1024 a block
  kLimitBlocks = 2,
  kLimitRegisters = 4,
  kLimitShared = 8,
  kLimitBarriers = 16
};

struct Occupancy {
  static constexpr int kUnlimited = INT32_MAX;
  int blocks_per_sm = 0;  ///< 0: the launch would fail
  int warps_per_sm = 0;
  double fraction = 0;  ///< of the warps that the SM can hold, 0..1
  uint8_t limited_by = 0;
  /// Blocks per SM that each resource alone would admit.
  int by_warps = 0, by_blocks = 0, by_registers = kUnlimited, by_shared = kUnlimited,
      by_barriers = kUnlimited;
};

/// Assumes the largest split of L1 for shared memory. Throws Error(internal) for a block without threads or a
/// negative need.
Occupancy occupancy(const Gpu& gpu, const LaunchNeeds& needs);

/// "registers, shared": the names of the bits.
std::string limit_names(uint8_t limited_by);

}  // namespace cawe::gpu
