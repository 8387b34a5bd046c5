// SPDX-License-Identifier: Apache-2.0
// Dropout2d: whole channels of an image are dropped (Tompson et al. 2015, arXiv 1411.4280). It has no state;
// it only makes masks, which the caller keeps beside the batch.
#pragma once

#include <string>

#include "tensor/tensor.h"

namespace cawe::nn {

struct Dropout2d {
  /// Fraction of channels that are dropped; the others are multiplied by 1 / (1 - share).
  double share = 0.5;
  int64_t channels = 1;
  std::string purpose = "dropout";

  /// [items, channels, 1, 1], f32, on the CPU: for images `first`, first + 1, ... of the batch of all ranks.
  /// A pure function of seed, purpose, step, layer and the image's place in the batch.
  Tensor mask(uint64_t seed, int64_t step, int64_t layer, int64_t first, int64_t items) const;
};

}  // namespace cawe::nn
