// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

constexpr int kMaxContentMaps = 8;

/// One pair of feature maps of n numbers; all maps of a call have one type.
struct ContentMap {
  const void* a;  ///< of the generated image
  const void* b;  ///< of the real one
  /// Receives slope * sign(a - b); nullptr: no gradient. No map's grad may overlap an input.
  void* grad;
  int64_t n;
  double weight;  ///< lambda_i / n_i
  double slope;   ///< weight times the factor of the loss
};
struct ContentMaps {
  int count;
  ContentMap map[kMaxContentMaps];
};

/// Bytes of scratch memory that content_loss needs.
size_t content_loss_scratch(Number number, const ContentMaps& maps);

/// loss[0] = sum over maps of weight * sum |a - b|, and grad = slope * sign(a - b) with sign(0) = 0. loss:
/// f32 (f64 for f64). ticket: one number, 0 before the first launch; every launch leaves it 0. count must be
/// at most kMaxContentMaps; nothing is thrown.
void content_loss(Number number, const ContentMaps& maps, void* loss, void* scratch, uint32_t* ticket,
                  DeviceStream stream);

}  // namespace CAWE_DEVICE
