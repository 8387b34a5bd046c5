// SPDX-License-Identifier: Apache-2.0
// What tasks hand to a step lies as the step wants it: scenes in the memory order of their type.
#include "tensor/random.h"
#include "tests/cuda/device.h"
#include "train/gan_course.h"

namespace cawe::train {
namespace {

class TaskInputsTest : public OnDeviceTest {};

Tensor uniform(const Shape& shape) {
  Tensor t = Tensor::empty(shape, DType::f32, Layout::channels_last);
  const Random random(2, "task inputs");
  for (int64_t i = 0; i < t.numel(); ++i) t.data<float>()[i] = random.uniform(uint64_t(i));
  return t;
}

TEST_F(TaskInputsTest, ScenesLieAsTheConvolutionsOfTheirTypeWant) {
  models::Generator generator{{18, 8}};
  models::Critic critic{{8, 0.15}};
  models::ContentLoss content{models::content_config(models::Phi::none)};
  GeneratorTask learns(generator, critic, content);
  CriticTask judges(generator, critic);
  data::Batch batch;
  batch.images = uniform({2, 3, 64, 64});
  batch.samples = {0, 1};
  for (const DType dtype : {DType::f32, DType::bf16})
    for (Task* task : {static_cast<Task*>(&learns), static_cast<Task*>(&judges)}) {
      task->compute_in(dtype);
      const std::vector<Tensor> inputs = task->inputs(batch);
      for (size_t i = 0; i < 2; ++i) {  // gray, colour
        EXPECT_EQ(inputs[i].dtype(), dtype);
        EXPECT_EQ(inputs[i].device(), kDevice);
        EXPECT_EQ(inputs[i].is_channels_last(), dtype == DType::bf16) << name(dtype) << " " << i;
        EXPECT_EQ(inputs[i].is_contiguous(), dtype == DType::f32) << name(dtype) << " " << i;
      }
    }
}

}  // namespace
}  // namespace cawe::train
