// SPDX-License-Identifier: Apache-2.0
// Limits: the table of compute capabilities in NVIDIA's CUDA programming guide. Rates: NVIDIA's data sheets
// of P40, V100 SXM2, T4, A100 SXM 80 GB, H100 SXM and H200 SXM; those of P40 and H100 round the f32 peak to 12 and 67,
// here it is SMs x 128 lanes x 2 x boost clock (1.531 and 1.980 GHz).
#include "cuda/lab/profile/gpus.h"

#include "tensor/error.h"

namespace cawe::gpu {

const std::vector<Gpu>& gpus() {
  constexpr int K = 1024;
  // clang-format off
  static const std::vector<Gpu> table{
      // members in the order of struct Gpu
      {"P40",     "sm_61", 6, 1,  30, 2048, 32,  96 * K, 48 * K,  48 * K, 0,     256, 255,  0,  346, 11.8,     0},
      {"V100",    "sm_70", 7, 0,  80, 2048, 32,  96 * K, 48 * K,  96 * K, 0,     256, 256,  0,  900, 15.7,   125},
      {"T4",      "sm_75", 7, 5,  40, 1024, 16,  64 * K, 48 * K,  64 * K, 0,     256, 256,  0,  320,  8.1,    65},
      {"A100-80", "sm_80", 8, 0, 108, 2048, 32, 164 * K, 48 * K, 163 * K, 1 * K, 128, 256,  0, 2039, 19.5,   312},
      {"H100",    "sm_90", 9, 0, 132, 2048, 32, 228 * K, 48 * K, 227 * K, 1 * K, 128, 256, 64, 3350, 66.9, 989.4},
      {"H200",    "sm_90", 9, 0, 132, 2048, 32, 228 * K, 48 * K, 227 * K, 1 * K, 128, 256, 64, 4800, 66.9, 989.4},
  };
  // clang-format on
  return table;
}

const Gpu& find_gpu(std::string_view name_or_arch) {
  std::string known;
  for (const Gpu& gpu : gpus()) {
    if (name_or_arch == gpu.name || name_or_arch == gpu.arch) return gpu;
    known += std::string(known.empty() ? "" : ", ") + gpu.name + " (" + gpu.arch + ")";
  }
  fail(Code::usage, "no GPU called '", name_or_arch, "' in the table; choose one of ", known);
}

}  // namespace cawe::gpu
