// SPDX-License-Identifier: Apache-2.0
// Steps on the way to cuda/kernels/attention.cu; docs/lessons/attention.md climbs them.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// y [queries, channels] = softmax(q k^T) v for one image, f32: q [queries, depth], k [keys, depth], v [keys,
/// channels]. By scores in memory: `scores` is scratch for 2 queries keys numbers. Up to 1,024 keys.
void attention_by_scores(const float* q, const float* k, const float* v, float* scores, float* y, int queries,
                         int keys, int depth, int channels, DeviceStream stream);
/// The same with no scores in memory; 32 channels.
void attention_by_warps(const float* q, const float* k, const float* v, float* y, int queries, int keys,
                        int depth, DeviceStream stream);

}  // namespace CAWE_DEVICE
