// SPDX-License-Identifier: Apache-2.0
// Softmax attention and its gradient, in tiles of scores that are never written to global memory.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// q [images, queries, depth], k [images, keys, depth], v [images, keys, channels]; row-major, 16-byte
/// aligned, fewer than 2^31 numbers in each image. keys and depth are at least 1.
struct AttentionSizes {
  int64_t images, queries, keys, depth, channels;
  double scale;
};

/// y [images, queries, channels] = softmax(scale q k^T) v; seen [images, queries, 2], f32 (f64 for f64) = the
/// largest score of a query and the sum of exp(score - largest).
void attention(Number number, const AttentionSizes& sizes, const void* q, const void* k, const void* v,
               void* y, void* seen, DeviceStream stream);

/// y and seen as attention() made them. terms: scratch for 3 images queries numbers, f32 (f64 for f64).
struct AttentionGradient {
  const void *q, *k, *v, *y, *seen, *dy;
  void *terms, *dq, *dk, *dv;
};
void attention_grad(Number number, const AttentionSizes& sizes, const AttentionGradient& g,
                    DeviceStream stream);

/// The same on tensor cores (attention_mma.cu), for f16 and bf16 with depth and channels in multiples of 8 and depth
/// up to 128, where the code that the device runs was compiled for such cores (older code on a newer device was not);
/// attention() and attention_grad() choose. `terms` are inputs here: attention_grad() makes them.
bool attention_mma_takes(Number number, const AttentionSizes& sizes);
void attention_mma(Number number, const AttentionSizes& sizes, const void* q, const void* k, const void* v,
                   void* y, void* seen, DeviceStream stream);
void attention_mma_grad(Number number, const AttentionSizes& sizes, const AttentionGradient& g,
                        DeviceStream stream);

}  // namespace CAWE_DEVICE
