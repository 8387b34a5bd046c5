// SPDX-License-Identifier: Apache-2.0
// The least microseconds that a kernel's bytes and FLOPs need: a lower bound, never a time.
#pragma once

#include "cuda/lab/profile/gpus.h"

namespace cawe::gpu {

enum class Roof { memory, compute };
const char* name(Roof roof);

struct LowerBound {
  double memory_us = 0;       ///< each byte once at the sheet's bandwidth
  double compute_us = 0;      ///< every FLOP at the sheet's peak, CUDA cores and tensor cores side by side
  double us = 0;              ///< the larger of both
  Roof binds = Roof::memory;  ///< which one is larger; memory where they are equal
  double intensity = 0;       ///< FLOP per byte; infinite where nothing is moved, 0 where nothing is done
  double ridge = 0;  ///< FLOP per byte at which this GPU's roof of memory meets that of the busier cores
};

/// unique_bytes: distinct DRAM bytes read plus distinct bytes written. flops: on CUDA cores, tensor_flops: on
/// tensor cores (where a GPU has none, on its CUDA cores too); a fused multiply-add is two. Launch cost, caches, latency and occupancy are not in it: a GPU may need any multiple of it.
/// Throws Error(internal) for a negative or non-finite count.
LowerBound lower_bound(const Gpu& gpu, double unique_bytes, double flops, double tensor_flops = 0);

}  // namespace cawe::gpu
