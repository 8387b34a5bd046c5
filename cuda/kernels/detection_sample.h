// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// SampleParams on the device; `purpose` is the text's fnv_text() (tensor/philox.h).
struct SampleLimits {
  int64_t count, foreground;
  uint64_t purpose;
};
/// Of matched [N, A] (>= 0: foreground, -1: background, else neither; A below 2^31, 16-byte aligned) draws at most
/// `foreground` foreground and then up to `count` in all of the background, those with the smallest numbers of the
/// Philox stream of (purpose, draws[n]: seed, step, image) at their own indices, ties by index. drawn [N, A], 16-byte
/// aligned: matched where drawn, else -2. chosen [N, count]: positions in matched, foreground first, ascending, then
/// -1. Either may be nullptr. The CPU's draws; nothing is copied to the host.
void sample_matches(const int64_t* matched, const int64_t* draws, int64_t images, int64_t anchors,
                    const SampleLimits& limits, int64_t* drawn, int64_t* chosen, DeviceStream stream);

}  // namespace CAWE_DEVICE
