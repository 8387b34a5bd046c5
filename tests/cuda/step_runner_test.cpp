// SPDX-License-Identifier: Apache-2.0
// A captured training step gives the losses, gradients and counters of the same step run operator by
// operator.
#include "train/step_runner.h"

#include <map>
#include <memory>
#include <utility>

#include "autograd/operator_table.h"
#include "models/classifier.h"
#include "models/faster_rcnn.h"
#include "models/retinanet.h"
#include "tensor/primitives/optimizers.h"
#include "tensor/random.h"
#include "tests/cuda/device.h"
#include "tests/cuda/narrow_detectors.h"
#if !defined(CAWE_ON_CUDA)
#include "cuda/emulator/vendor/control.h"
#endif

namespace cawe::train {
namespace {

models::ClassifierConfig narrow() {
  models::ClassifierConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 4;
  c.labels = 2;
  return c;
}

class NarrowTask : public Task {
 public:
  NarrowTask() : net_(narrow()) {
    net_.initialise(7);
    net_.to(kDevice);
  }
  nn::Module& module() override { return net_; }
  std::vector<Tensor> inputs(const data::Batch&) override { return {}; }
  std::vector<nn::Module*> networks() override {
    return each_alone ? std::vector<nn::Module*>{} : std::vector<nn::Module*>{&net_};
  }
  Loss loss(const std::vector<Tensor>& in) override {
    ++runs;
    return {models::multilabel_loss_scaled(net_.forward(Variable(in[0])).logits, in[1], in[2], in[3]), {}};
  }
  int runs = 0;
  bool each_alone = false;  ///< parameters are converted one by one

 private:
  models::Classifier net_;
};

/// Trains a detector; where it lies is up to the computing device.
class DetectorTask : public Task {
 public:
  explicit DetectorTask(std::unique_ptr<models::DetectionModel> net) : net_(std::move(net)) {
    net_->initialise(7);
    net_->to(kDevice);
  }
  nn::Module& module() override { return *net_; }
  std::vector<Tensor> inputs(const data::Batch&) override { return {}; }
  Loss loss(const std::vector<Tensor>& in) override {
    ++runs;
    return {net_->loss_of(Variable(in[0]), {in.begin() + 1, in.end()}).total, {}};
  }
  /// Another picture, other boxes and other draws for each step; one of the images has an ignored region.
  std::vector<Tensor> batch(int step, int64_t least_rows = 0) {
    const Random random(9, "detector step", uint64_t(step));
    std::vector<float> x(size_t(2 * 3 * 64 * 64));
    for (size_t i = 0; i < x.size(); ++i) x[i] = random.uniform(i) - 0.5f;
    const auto shift = float(3 * step);
    const std::vector<models::Truth> truths{
        {{{4 + shift, 6, 30 + shift, 28}}, {0}, {{20, 30 + shift, 44, 60}}},
        step % 3 == 0 ? models::Truth{}
                      : models::Truth{{{10, 12, 40, 30 + shift}, {30, shift, 60, 33}}, {0, 0}}};
    const std::vector<models::DrawKey> draws{{1, uint64_t(step), 5}, {1, uint64_t(step), 9}};
    std::vector<Tensor> all{Tensor::from(x, {2, 3, 64, 64}).channels_last().to(kDevice)};
    for (const Tensor& t : net_->targets(64, 64, truths, draws, kDevice, {}, least_rows)) all.push_back(t);
    return all;
  }
  int runs = 0;

 private:
  std::unique_ptr<models::DetectionModel> net_;
};

/// Another batch for each step.
std::vector<Tensor> batch(int step, int64_t n, DType dtype = DType::f32) {
  const Random random(9, "step", uint64_t(step));
  std::vector<float> x(size_t(n * 3 * 32 * 32)), t;
  for (size_t i = 0; i < x.size(); ++i) x[i] = random.uniform(i) - 0.5f;
  for (int64_t i = 0; i < 2 * n; ++i) t.push_back(float(random.bits(uint64_t(i)) & 1));
  return {Tensor::from(x, {n, 3, 32, 32}).channels_last().to(dtype).to(kDevice),
          Tensor::from(t, {n, 2}).to(kDevice), Tensor::full({n, 2}, 1).to(kDevice),
          Tensor::full({1}, 0.5).to(kDevice)};
}

void descend(nn::Module& net) {
  for (const auto& p : net.parameters()) {
    Tensor value = p.variable->value(), velocity = Tensor::like(value);
    velocity.fill(0);
    primitives::sgd_step(value, p.variable->grad(), velocity, {0.05, 0, 0, true});
    p.variable->zero_grad();
  }
}

class StepRunnerTest : public OnDeviceTest {};

/// Both have the same gradients, to the byte, and go one step down.
void expect_same_descent(nn::Module& a, nn::Module& b, int step) {
  const auto p = a.parameters(), q = b.parameters();
  for (size_t i = 0; i < p.size(); ++i)
    EXPECT_TRUE(same_bytes(p[i].variable->grad(), q[i].variable->grad())) << p[i].name << ", step " << step;
  descend(a);
  descend(b);
}

TEST_F(StepRunnerTest, ACapturedStepIsThePlainOne) {
  NarrowTask plain_task, captured_task;
  StepRunner plain(plain_task, false), captured(captured_task, true);
  for (int step = 0; step < 5; ++step) {
    const double scale = step < 3 ? 1 : 8;
    const double a = plain.run(batch(step, 4), scale).total.value().item();
    const double b = captured.run(batch(step, 4), scale).total.value().item();
    EXPECT_EQ(a, b) << "step " << step;
    EXPECT_EQ(captured.captured(), step > 0);
    expect_same_descent(plain_task.module(), captured_task.module(), step);
  }
  EXPECT_EQ(plain_task.runs, 5);
  EXPECT_EQ(captured_task.runs, 2);  // one as it is, one while it was captured
  const auto a = plain_task.module().state(), b = captured_task.module().state();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same_bytes(a[i].second, b[i].second)) << a[i].first;
}

/// What a captured detector step computes of several batches is what the plain one does, to the byte: nothing of the batch
/// that was captured is kept in it.
void expect_captured_detector_steps(DetectorTask& plain_task, DetectorTask& captured_task) {
  StepRunner plain(plain_task, false), captured(captured_task, true);
  double first = 0;
  for (int step = 0; step < 6; ++step) {
    const double a = plain.run(plain_task.batch(step), 1).total.value().item();
    const double b = captured.run(captured_task.batch(step), 1).total.value().item();
    EXPECT_EQ(a, b) << "step " << step;
    EXPECT_GT(a, 0);
    EXPECT_NE(a, first) << "another batch has another loss";
    first = a;
    EXPECT_EQ(captured.captured(), step > 0);
    expect_same_descent(plain_task.module(), captured_task.module(), step);
  }
  EXPECT_EQ(captured_task.runs, 2);
}

TEST_F(StepRunnerTest, ACapturedRetinaNetStepIsThePlainOne) {
  DetectorTask plain(std::make_unique<models::RetinaNet>(testing::narrow_retinanet())),
      captured(std::make_unique<models::RetinaNet>(testing::narrow_retinanet()));
  expect_captured_detector_steps(plain, captured);
}

TEST_F(StepRunnerTest, ACapturedFasterRcnnStepIsThePlainOne) {
  DetectorTask plain(std::make_unique<models::FasterRcnn>(testing::narrow_faster_rcnn())),
      captured(std::make_unique<models::FasterRcnn>(testing::narrow_faster_rcnn()));
  expect_captured_detector_steps(plain, captured);
}

TEST_F(StepRunnerTest, ACapturedStepWithoutAnchorsOverTheEdgeIsThePlainOne) {
  models::FasterRcnnConfig config = testing::narrow_faster_rcnn();
  config.rpn.cross_boundary = models::CrossBoundary::ignore;
  DetectorTask plain(std::make_unique<models::FasterRcnn>(config)),
      captured(std::make_unique<models::FasterRcnn>(config));
  expect_captured_detector_steps(plain, captured);
}

/// Rows of truth that hold no box change no bit of a step.
void expect_empty_rows_change_nothing(DetectorTask& few_task, DetectorTask& many_task) {
  StepRunner few(few_task, false), many(many_task, false);
  for (int step = 0; step < 3; ++step) {
    const std::vector<Tensor> short_batch = few_task.batch(step), long_batch = many_task.batch(step, 32);
    EXPECT_EQ(short_batch[1].dim(1), 8);
    EXPECT_EQ(long_batch[1].dim(1), 32);
    EXPECT_EQ(few.run(short_batch, 1).total.value().item(), many.run(long_batch, 1).total.value().item());
    expect_same_descent(few_task.module(), many_task.module(), step);
  }
}

TEST_F(StepRunnerTest, EmptyRowsChangeNothingInRetinaNetsStep) {
  DetectorTask few(std::make_unique<models::RetinaNet>(testing::narrow_retinanet())),
      many(std::make_unique<models::RetinaNet>(testing::narrow_retinanet()));
  expect_empty_rows_change_nothing(few, many);
}

TEST_F(StepRunnerTest, EmptyRowsChangeNothingInFasterRcnnsStep) {
  DetectorTask few(std::make_unique<models::FasterRcnn>(testing::narrow_faster_rcnn())),
      many(std::make_unique<models::FasterRcnn>(testing::narrow_faster_rcnn()));
  expect_empty_rows_change_nothing(few, many);
}

TEST_F(StepRunnerTest, ParametersConvertedTogetherGiveTheSameBits) {
  for (const DType narrow : {DType::f16, DType::bf16}) {
    NarrowTask alone_task, together_task;
    alone_task.each_alone = true;
    StepRunner alone(alone_task, false), together(together_task, true);
    for (int step = 0; step < 4; ++step) {
      const double a = alone.run(batch(step, 4, narrow), 1).total.value().item();
      EXPECT_EQ(together.run(batch(step, 4, narrow), 1).total.value().item(), a) << "step " << step;
      EXPECT_EQ(together.captured(), step > 0);
      expect_same_descent(alone_task.module(), together_task.module(), step);
    }
  }
}

#if !defined(CAWE_ON_CUDA)
// 20 convolutions and the linear layer's two parameters are 22 tensors, the batch norms' gradients 40: a list each.
TEST_F(StepRunnerTest, ConvertsAllParametersInOneLaunchAndAllGradientsInAnother) {
  for (const bool narrow : {false, true}) {
    NarrowTask task;
    StepRunner runner(task, false);
    const std::vector<Tensor> inputs = batch(0, 4, narrow ? DType::bf16 : DType::f32);
    emulated::take_traffic();
    runner.run(inputs, 1);
    std::map<std::string, uint64_t> launches = emulated::take_traffic().launches;
    EXPECT_EQ(launches["(for_list<kPack, Entry, Rule>)"], narrow ? 3u : 1u);
    // The mean loss is made in f64, there and back, and so is its gradient; logits in 16 bits go to f32 and back.
    EXPECT_EQ(launches["(convert_flat<From, To>)"], narrow ? 6u : 4u);
  }
}
#endif

TEST_F(StepRunnerTest, AnotherShapeIsCapturedAnew) {
  NarrowTask task;
  StepRunner runner(task, true);
  const auto run = [&](int step, int64_t n) {
    runner.run(batch(step, n), 1);
    descend(task.module());
  };
  run(0, 4);
  run(1, 4);
  EXPECT_TRUE(runner.captured());
  run(2, 3);  // the last batch of an epoch
  EXPECT_FALSE(runner.captured());
  run(3, 4);
  EXPECT_FALSE(runner.captured());
  run(4, 4);
  EXPECT_TRUE(runner.captured());
  EXPECT_EQ(task.runs, 5);
}

TEST_F(StepRunnerTest, NothingIsCapturedWhereItMayNot) {
  NarrowTask task;
  StepRunner runner(task, false);
  for (int step = 0; step < 3; ++step) {
    runner.run(batch(step, 4), 1);
    descend(task.module());
  }
  EXPECT_FALSE(runner.captured());
}

}  // namespace
}  // namespace cawe::train
