// SPDX-License-Identifier: Apache-2.0
// A small task for tests of steps, and its batches.
#pragma once

#include "autograd/ops/elementwise.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reductions.h"
#include "data/loader.h"
#include "nn/conv2d.h"
#include "nn/precision.h"
#include "tensor/backend.h"
#include "tensor/random.h"
#include "train/trainer.h"

namespace cawe::train {

/// A convolution on compute_device(); tests add the loss's terms.
class SquaresTask : public Task {
 public:
  SquaresTask() : conv_(nn::same_conv(3, 4, 3)) {
    conv_.initialise(7);
    conv_.to(compute_device());
  }
  nn::Module& module() override { return conv_; }
  std::vector<Tensor> inputs(const data::Batch& batch) override {
    return {batch.images.to(compute_device())};
  }

 protected:
  /// Mean over the films of their squared features.
  Variable mean_of_squares(const Tensor& films) {
    return batch_mean(
        sum(square(nn::at_least_f32(conv_.forward(Variable(network_input(films))))), {1, 2, 3}));
  }

 private:
  nn::Conv2d conv_;
};

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
