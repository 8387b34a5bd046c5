// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data/loader.h"
#include "tensor/random.h"

namespace cawe::train {

/// Images of 8 x 8 pixels in three channels, uniform in [0, 1); another batch for every step.
inline data::Batch made_up_batch(int64_t items, int step = 0) {
  data::Batch batch;
  batch.images = Tensor::empty({items, 3, 8, 8}, DType::f32, Layout::channels_last);
  const Random random(1, "learner", uint64_t(step));
  for (int64_t i = 0; i < batch.images.numel(); ++i)
    batch.images.data<float>()[i] = random.uniform(uint64_t(i));
  for (int64_t i = 0; i < items; ++i) batch.samples.push_back(i);
  return batch;
}

}  // namespace cawe::train
