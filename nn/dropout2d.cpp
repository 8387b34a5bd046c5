// SPDX-License-Identifier: Apache-2.0
#include "nn/dropout2d.h"

#include "tensor/random.h"

namespace cawe::nn {

Tensor Dropout2d::mask(uint64_t seed, int64_t step, int64_t layer, int64_t first, int64_t items) const {
  CAWE_CHECK(share >= 0 && share < 1 && channels > 0, Code::usage, "Dropout2d: ", share, " of ", channels,
             " channels (expected 0 to below 1, of one or more)");
  Tensor mask = Tensor::empty({items, channels, 1, 1});
  float* m = mask.data<float>();
  const float kept = float(1 / (1 - share));
  for (int64_t i = 0; i < items; ++i) {
    const Random random(seed, purpose, uint64_t(step), uint64_t(layer), uint64_t(first + i));
    for (int64_t c = 0; c < channels; ++c)
      m[i * channels + c] = random.uniform_double(uint64_t(c)) < share ? 0.0f : kept;
  }
  return mask;
}

}  // namespace cawe::nn
