// SPDX-License-Identifier: Apache-2.0
// What tasks hand to a step lies as the step wants it: scenes in the memory order of their type, true boxes in a shape that
// repeats; and a film that is coloured is normalised on the device.
#include "models/colorizer/colorize.h"
#include "tensor/random.h"
#include "tests/cuda/device.h"
#include "tests/cuda/narrow_detectors.h"
#include "train/detector_task.h"
#include "train/gan_course.h"
#include "train/step_runner.h"

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

// A film goes to the device in its one channel and is normalised there, into the order that the network wants.
TEST_F(TaskInputsTest, AFilmIsColouredOnTheDeviceAsOnTheCpu) {
  models::Generator generator{{18, 8}};
  generator.initialise(3);
  models::ColorSettings settings;
  settings.render_factor = 4;
  const Tensor film = uniform({1, 1, 40, 40});
  const std::vector<float> on_cpu = colorize(generator, film, settings).to_vector<float>();
  generator.to(kDevice);
  emulated::take_traffic();
  const std::vector<float> on_device = colorize(generator, film, settings).to_vector<float>();
  EXPECT_LT(emulated::take_traffic().to_device.bytes, 2u * 64 * 64 * 4);
  ASSERT_EQ(on_device.size(), on_cpu.size());
  for (size_t i = 0; i < on_cpu.size(); ++i) ASSERT_NEAR(on_device[i], on_cpu[i], 1e-4) << i;
}

/// Two films, one of them with so many boxes.
data::Batch films_with(int64_t step, int boxes) {
  data::Batch batch;
  batch.step = step;
  batch.images = uniform({2, 1, 64, 64});
  batch.samples = {0, 1};
  batch.boxes.resize(2);
  for (int i = 0; i < boxes; ++i) batch.boxes[0].push_back({float(4 * i), 8, float(4 * i + 20), 40});
  return batch;
}

// 7 boxes fill 8 rows and 9 fill 16: if they came in turns, no step would have the shape of the one before.
TEST_F(TaskInputsTest, RowsOfTruthOnlyGrowSoThatStepsAreCaptured) {
  const auto net = std::make_shared<models::RetinaNet>(testing::narrow_retinanet());
  net->initialise(7);
  net->to(kDevice);
  data::Dataset dataset;
  dataset.samples.resize(2);
  DetectorTask task(net, dataset, {}, Chain{}, data::LoaderOptions{});
  StepRunner runner(task, true);
  std::vector<int64_t> rows;
  for (int step = 0; step < 6; ++step) {
    const std::vector<Tensor> inputs = task.inputs(films_with(step, step % 2 == 0 ? 7 : 9));
    rows.push_back(inputs[1].dim(1));
    net->zero_grad();
    runner.run(inputs, 1);
    EXPECT_EQ(runner.captured(), step >= 2) << "step " << step;
  }
  EXPECT_EQ(rows, (std::vector<int64_t>{8, 16, 16, 16, 16, 16}));
}

}  // namespace
}  // namespace cawe::train
