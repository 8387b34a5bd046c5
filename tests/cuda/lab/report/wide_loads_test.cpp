// SPDX-License-Identifier: Apache-2.0
// Where a kernel promises 128-bit loads or stores, nvcc's PTX has them. Built where nvcc is.
#include <gtest/gtest.h>

#include "cuda/lab/profile/nvcc.h"
#include "cuda/lab/report/collect.h"

namespace cawe::kernel_report {
namespace {

struct Promise {
  const char* file;
  const char* kernel;  ///< as short_kernel_name() gives it
  int loads, stores;   ///< at least
};

class WideLoads : public testing::TestWithParam<Promise> {};

TEST_P(WideLoads, AreInThePtx) {
  ASSERT_TRUE(gpu::find_nvcc()) << "the build had one";
  const Promise& p = GetParam();
  const auto wide = wide_accesses(p.file, "sm_80", ".");
  const auto found = wide.find(p.kernel);
  ASSERT_NE(found, wide.end()) << p.file << " has no kernel " << p.kernel;
  EXPECT_GE(found->second.first, p.loads) << p.kernel;
  EXPECT_GE(found->second.second, p.stores) << p.kernel;
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, WideLoads,
    testing::Values(Promise{"cuda/kernels/attention_mma.cu", "attention_mma_tiles<bf16, (Kind)0, 1>", 14, 16},
                    Promise{"cuda/kernels/cawe_weights.cu", "block_per_row<float, 4>", 1, 0},
                    Promise{"cuda/kernels/cawe_weights.cu", "warp_per_row<half, 8>", 1, 0},
                    Promise{"cuda/kernels/content_loss.cu", "all_maps<float, 4>", 2, 1},
                    Promise{"cuda/kernels/detection_nms.cu", "mask_of_tile<float, false>", 1, 0},
                    Promise{"tests/cuda/emulator/patterns.cu", "cawe::patterns::vectors_kernel", 1, 1}));

}  // namespace
}  // namespace cawe::kernel_report
