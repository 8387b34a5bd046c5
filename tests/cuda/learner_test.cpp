// SPDX-License-Identifier: Apache-2.0
// What a step tells the host comes in one copy, and is what each tensor holds.
#include "train/learner.h"

#include <cmath>

#include "cuda/emulator/vendor/control.h"
#include "tensor/primitives/backend.h"
#include "tests/cuda/device.h"
#include "tests/train/squares_task.h"

namespace cawe::train {
namespace {

class LearnerTest : public OnDeviceTest {};

/// Stands before the device and writes down in which order it was asked for what a step ends with.
class Watched final : public PrimitiveBackend {
 public:
  Watched() : real_(primitive_backend(Device::emulated)) { register_backend(Device::emulated, this); }
  ~Watched() override { register_backend(Device::emulated, &real_); }
  std::vector<std::string> order;

  const char* name() const override { return real_.name(); }
  Device device() const override { return Device::emulated; }
  Layout convolution_layout(DType dtype) const override { return real_.convolution_layout(dtype); }
  void* allocate(size_t bytes) override { return real_.allocate(bytes); }
  void release(void* block, size_t bytes) noexcept override { real_.release(block, bytes); }
  void copy_between_devices(const Tensor& x, Tensor& y) override { real_.copy_between_devices(x, y); }
  std::unique_ptr<HostCopy> begin_host_copy(const Tensor& x) override {
    order.emplace_back("copy");
    return std::make_unique<WatchedCopy>(real_.begin_host_copy(x), order);
  }
#define CAWE_OP(op, parameters, names)                                                \
  void op parameters override {                                                       \
    const std::string called = #op;                                                   \
    if (called == "gradient_norm" || called == "adam_steps") order.push_back(called); \
    real_.op names;                                                                   \
  }
#include "tensor/primitives/all.inc"
#undef CAWE_OP

 private:
  class WatchedCopy final : public HostCopy {
   public:
    WatchedCopy(std::unique_ptr<HostCopy> real, std::vector<std::string>& order)
        : real_(std::move(real)), order_(order) {}
    Tensor wait() override {
      order_.emplace_back("wait");
      return real_->wait();
    }

   private:
    const std::unique_ptr<HostCopy> real_;
    std::vector<std::string>& order_;
  };
  PrimitiveBackend& real_;
};

/// The log also has a term in 16 bits and one that lies on the host.
class LoggingTask : public SquaresTask {
 public:
  Loss loss(const std::vector<Tensor>& inputs) override {
    const Variable mean = mean_of_squares(inputs[0]);
    made.push_back(
        {mean, {{"loss.narrow", mean.value().to(DType::bf16)}, {"loss.host", Tensor::scalar(0.375)}}});
    return made.back();
  }
  std::vector<Loss> made;
};

TEST_F(LearnerTest, TellsTheHostInOneCopy) {
  OptimizerOptions sgd;
  sgd.kind = OptimizerOptions::Kind::sgd;
  for (const int64_t micro_batch : {0, 3}) {
    LoggingTask task;
    Learner learner(task, sgd, {}, false, micro_batch);
    for (int step = 0; step < 2; ++step) {
      task.made.clear();
      emulated::take_traffic();
      const LogLine line = learner.step(made_up_batch(8, step), 1e-3, {}, {step, nullptr, nullptr});
      EXPECT_EQ(emulated::take_traffic().to_host.count, 1u) << "micro batch " << micro_batch;
      double loss = 0, narrow = 0;
      for (size_t i = 0; i < task.made.size(); ++i) {
        const double share = task.made.size() == 1 ? 1 : (i < 2 ? 3 : 2) / 8.0;
        loss += share * task.made[i].total.value().item();
        narrow += share * task.made[i].parts[0].second.item();
      }
      EXPECT_EQ(line.at("loss"), loss);
      EXPECT_EQ(line.at("loss.narrow"), narrow);
      EXPECT_EQ(line.at("loss.host"), 0.375);
      EXPECT_NE(loss, narrow);
    }
  }
}

TEST_F(LearnerTest, ACapturedStepTellsItsOwnNumbers) {
  OptimizerOptions sgd;
  sgd.kind = OptimizerOptions::Kind::sgd;
  class Task : public LoggingTask {
    Loss loss(const std::vector<Tensor>& inputs) override {
      Loss all = LoggingTask::loss(inputs);
      all.parts.resize(1);  // the other comes from the host
      return all;
    }
  } plain_task, captured_task;
  Learner plain(plain_task, sgd, {}, false), captured(captured_task, sgd, {}, true);
  for (int step = 0; step < 4; ++step) {
    const LogLine a = plain.step(made_up_batch(4, step), 1e-3, {}, {step, nullptr, nullptr});
    emulated::take_traffic();
    const LogLine b = captured.step(made_up_batch(4, step), 1e-3, {}, {step, nullptr, nullptr});
    EXPECT_EQ(emulated::take_traffic().to_host.count, 1u) << "step " << step;
    EXPECT_EQ(a, b) << "step " << step;
  }
  EXPECT_EQ(captured_task.made.size(), 2u);
}

/// The host has its numbers while the optimizer's step is still to be done, and goes on to the next batch.
TEST_F(LearnerTest, NeitherWaitsForTheOther) {
  LoggingTask task;
  Learner learner(task, {}, {}, false);
  for (int step = 0; step < 2; ++step) {
    Watched watched;
    learner.step(made_up_batch(4, step), 1e-3, {}, {step, nullptr, nullptr});
    EXPECT_EQ(watched.order, (std::vector<std::string>{"gradient_norm", "copy", "adam_steps", "wait"}));
    EXPECT_GT(emulated::pending(), 0u) << "step " << step;
  }
}

/// Steps whose gradients overflow in f16 are left out on the device, and count neither there nor in the checkpoint.
TEST_F(LearnerTest, OverflowingStepsChangeNothing) {
  Precision f16;
  f16.dtype = DType::f16;
  f16.loss_scale = 0x1p24;
  LoggingTask task;
  Learner learner(task, {}, f16, false);
  const auto state_of = [&] {
    Checkpoint c;
    learner.save(&c);
    std::vector<std::vector<float>> all;
    for (const auto& [name, tensor] : c.tensors) all.push_back(tensor.to_vector<float>());
    for (const auto& p : task.module().parameters()) all.push_back(p.variable->value().to_vector<float>());
    return std::make_pair(all, c.state.at("optimizer_steps"));
  };
  int left_out = 0, taken = 0;
  for (int step = 0; step < 20; ++step) {
    const auto before = state_of();
    const LogLine line = learner.step(made_up_batch(4, step), 1e-3, {}, {step, nullptr, nullptr});
    const bool good = std::isfinite(line.at("grad_norm"));
    ++(good ? taken : left_out);
    EXPECT_EQ(state_of() == before, !good) << "step " << step;
    EXPECT_EQ(state_of().second, std::to_string(taken));
  }
  EXPECT_GT(left_out, 2);
  EXPECT_GT(taken, 2);
}

/// Its gradients are finite: the device must look at the loss as well, behind the first part's, too.
TEST_F(LearnerTest, ALossThatIsInfiniteChangesNothing) {
  class InfiniteTask : public LoggingTask {
    Loss loss(const std::vector<Tensor>& inputs) override {
      const Loss all = LoggingTask::loss(inputs);
      return {made.size() % 2 == 0 ? affine(all.total, 1, INFINITY) : all.total, all.parts};
    }
  };
  for (const auto kind : {OptimizerOptions::Kind::sgd, OptimizerOptions::Kind::adamw}) {
    OptimizerOptions options;
    options.kind = kind;
    InfiniteTask task;
    Learner learner(task, options, {}, false, 4);
    const auto weights = [&] { return task.module().parameters()[0].variable->value().to_vector<float>(); };
    const std::vector<float> before = weights();
    EXPECT_THROW(learner.step(made_up_batch(8), 1e-3, {}, {0, nullptr, nullptr}), Error);
    EXPECT_EQ(weights(), before);
  }
}

/// Gradients that reach norm and step in 16 bits give the bits of their f32 copies.
TEST_F(LearnerTest, SixteenBitGradientsNeedNoCopies) {
  for (const auto kind : {OptimizerOptions::Kind::sgd, OptimizerOptions::Kind::adamw})
    for (const int64_t micro_batch : {0, 3}) {
      OptimizerOptions options;
      options.kind = kind;
      options.clip = 0.01;
      Precision bf16;
      bf16.dtype = DType::bf16;
      LoggingTask direct_task, copying_task;
      Learner direct(direct_task, options, bf16, false, micro_batch),
          copying(copying_task, options, bf16, false, micro_batch);
      for (const auto& p : copying_task.module().parameters()) p.variable->slot()->may_stay_narrow = false;
      uint64_t launches[2] = {0, 0};
      for (int step = 0; step < 3; ++step) {
        const auto run = [&](Learner& learner, uint64_t* count) {
          emulated::take_traffic();
          LogLine line = learner.step(made_up_batch(8, step), 1e-3, {}, {step, nullptr, nullptr});
          for (const auto& [kernel, times] : emulated::take_traffic().launches) *count += times;
          return line;
        };
        EXPECT_EQ(run(direct, &launches[0]), run(copying, &launches[1])) << "step " << step;
      }
      if (micro_batch == 0) {
        EXPECT_LT(launches[0], launches[1]);
      }
      const auto a = direct_task.module().parameters(), b = copying_task.module().parameters();
      for (size_t i = 0; i < a.size(); ++i)
        EXPECT_EQ(a[i].variable->value().to_vector<float>(), b[i].variable->value().to_vector<float>())
            << a[i].name;
    }
}

}  // namespace
}  // namespace cawe::train
