// SPDX-License-Identifier: Apache-2.0
// Roofline: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model".
#include "cuda/lab/profile/roofline.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tensor/error.h"

namespace cawe::gpu {

const char* name(Roof roof) { return roof == Roof::memory ? "memory" : "compute"; }

LowerBound lower_bound(const Gpu& gpu, double unique_bytes, double flops, double tensor_flops) {
  for (const double each : {flops, tensor_flops})
    CAWE_CHECK(std::isfinite(unique_bytes) && std::isfinite(each) && unique_bytes >= 0 && each >= 0,
               Code::internal, "lower_bound: ", unique_bytes, " bytes and ", each,
               " FLOPs; both must be finite and not negative");
  if (gpu.tensor_tflops == 0) flops += std::exchange(tensor_flops, 0);
  LowerBound bound;
  bound.memory_us = unique_bytes / (gpu.bandwidth_gbs * 1e3);  // 1 GB/s moves 1e3 bytes a microsecond
  const double cores_us = flops / (gpu.f32_tflops * 1e6);      // 1 TFLOP/s does 1e6 FLOPs a microsecond
  const double tensor_us = tensor_flops > 0 ? tensor_flops / (gpu.tensor_tflops * 1e6) : 0;
  bound.compute_us = std::max(cores_us, tensor_us);
  bound.us = std::max(bound.memory_us, bound.compute_us);
  bound.binds = bound.compute_us > bound.memory_us ? Roof::compute : Roof::memory;
  const double all = flops + tensor_flops;
  if (all > 0)
    bound.intensity = unique_bytes > 0 ? all / unique_bytes : std::numeric_limits<double>::infinity();
  bound.ridge = (tensor_us > cores_us ? gpu.tensor_tflops : gpu.f32_tflops) * 1e3 / gpu.bandwidth_gbs;
  return bound;
}

}  // namespace cawe::gpu
