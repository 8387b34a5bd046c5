// SPDX-License-Identifier: Apache-2.0
// Steps on the way to cuda/kernels/content_loss.cu; docs/lessons/content_loss.md climbs them.
#pragma once

#include "cuda/kernels/content_loss.h"

namespace CAWE_DEVICE {

/// Numbers that one block takes in every step, and doubles of scratch memory for n numbers.
constexpr int kContentLadderBlock = 1024;
constexpr int64_t content_ladder_blocks(int64_t n) {
  return (n + kContentLadderBlock - 1) / kContentLadderBlock;
}

/// loss[0] and the gradients of f32 maps with the weights as slopes, as content_loss() gives them. sums: a
/// double for each block of the largest map; difference: as many numbers as the largest map. n > 0; for
/// vectors a multiple of 4.
void content_loss_in_parts(const ContentMaps& maps, float* loss, double* sums, float* difference,
                           DeviceStream stream);
void content_loss_by_maps(const ContentMaps& maps, float* loss, double* sums, DeviceStream stream);
void content_loss_by_vectors(const ContentMaps& maps, float* loss, double* sums, DeviceStream stream);

}  // namespace CAWE_DEVICE
