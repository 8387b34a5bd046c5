// SPDX-License-Identifier: Apache-2.0
// Roofline: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model".
#include "cuda/lab/profile/roofline.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/error.h"

namespace cawe::gpu {

const char* name(Roof roof) { return roof == Roof::memory ? "memory" : "compute"; }

LowerBound lower_bound(const Gpu& gpu, double unique_bytes, double flops) {
  CAWE_CHECK(std::isfinite(unique_bytes) && std::isfinite(flops) && unique_bytes >= 0 && flops >= 0,
             Code::internal, "lower_bound: ", unique_bytes, " bytes and ", flops,
             " FLOPs; both must be finite and not negative");
  LowerBound bound;
  bound.memory_us = unique_bytes / (gpu.bandwidth_gbs * 1e3);  // 1 GB/s moves 1e3 bytes a microsecond
  bound.compute_us = flops / (gpu.f32_tflops * 1e6);           // 1 TFLOP/s does 1e6 FLOPs a microsecond
  bound.us = std::max(bound.memory_us, bound.compute_us);
  bound.binds = bound.compute_us > bound.memory_us ? Roof::compute : Roof::memory;
  if (flops > 0)
    bound.intensity = unique_bytes > 0 ? flops / unique_bytes : std::numeric_limits<double>::infinity();
  bound.ridge = gpu.f32_tflops * 1e3 / gpu.bandwidth_gbs;
  return bound;
}

}  // namespace cawe::gpu
