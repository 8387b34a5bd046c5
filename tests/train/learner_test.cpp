// SPDX-License-Identifier: Apache-2.0
// A step whose gradients are gathered from parts of the batch is the step of the whole batch.
#include "train/learner.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/train/squares_task.h"

namespace cawe::train {
namespace {

/// Remembers how many films came at once.
class WatchingTask : public SquaresTask {
 public:
  std::vector<Tensor> inputs(const data::Batch& batch) override {
    seen.push_back(batch.images.dim(0));
    EXPECT_EQ(batch.samples.size(), size_t(batch.images.dim(0)));
    return SquaresTask::inputs(batch);
  }
  Loss loss(const std::vector<Tensor>& inputs) override {
    const Variable mean = mean_of_squares(inputs[0]);
    return {mean, {{"loss.squares", mean.value()}}};
  }
  std::vector<float> weights() { return module().parameters()[0].variable->value().to_vector<float>(); }
  std::vector<int64_t> seen;
};

TEST(Learner, PartsOfABatchMakeTheSameStep) {
  OptimizerOptions sgd;
  sgd.kind = OptimizerOptions::Kind::sgd;
  WatchingTask whole_task, parts_task;
  Learner whole(whole_task, sgd, {}, false), parts(parts_task, sgd, {}, false, 3);
  const data::Batch batch = made_up_batch(8);
  for (int step = 0; step < 3; ++step) {
    std::vector<size_t> parts_by_then;  // when what is done meanwhile was done
    const auto meanwhile = [&] { parts_by_then.push_back(parts_task.seen.size() - size_t(3 * step)); };
    const LogLine a = whole.step(batch, 1e-3, {}, {step, nullptr, nullptr}),
                  b = parts.step(batch, 1e-3, {}, {step, nullptr, nullptr}, meanwhile);
    EXPECT_EQ(parts_by_then, std::vector<size_t>{1}) << "once, with the first part";
    for (const char* number : {"loss", "loss.squares", "grad_norm"})
      EXPECT_NEAR(a.at(number), b.at(number), 2e-6 * a.at(number)) << number << ", step " << step;
  }
  EXPECT_EQ(whole_task.seen, (std::vector<int64_t>{8, 8, 8}));
  EXPECT_EQ(parts_task.seen, (std::vector<int64_t>{3, 3, 2, 3, 3, 2, 3, 3, 2}));
  const std::vector<float> a = whole_task.weights(), b = parts_task.weights();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-6f);
}

/// What a step of `batch` in parts of three says where its loss is not finite.
std::string told_of(WatchingTask& task, const data::Batch& batch) {
  Learner learner(task, {}, {}, false, 3);
  try {
    learner.step(batch, 1e-3, {}, {0, nullptr, nullptr});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::numeric);
    return error.what();
  }
  return "nothing";
}

data::Batch batch_with_nan() {
  data::Batch batch = made_up_batch(8);
  batch.images.slice(0, 7, 8).fill(NAN);
  return batch;
}

TEST(Learner, LooksForTheOperatorInThePartsThatItComputes) {
  WatchingTask task;
  const std::vector<float> before = task.weights();
  const std::string what = told_of(task, batch_with_nan());
  EXPECT_EQ(task.weights(), before) << "it is looked for in the network that the loss is of";
  EXPECT_NE(what.find("the loss is not finite: operator 'conv2d'"), std::string::npos) << what;
  EXPECT_EQ(task.seen, (std::vector<int64_t>{3, 3, 2, 3, 3, 2})) << "never all eight";
}

/// Its gradients are finite: they alone would let the step be.
TEST(Learner, NoStepFollowsALossThatIsInfinite) {
  class InfiniteTask : public WatchingTask {
    Loss loss(const std::vector<Tensor>& inputs) override {
      return {affine(mean_of_squares(inputs[0]), 1, INFINITY), {}};
    }
  } task;
  const std::vector<float> before = task.weights();
  const std::string what = told_of(task, made_up_batch(8));
  EXPECT_NE(what.find("the loss is not finite: operator 'affine'"), std::string::npos) << what;
  EXPECT_EQ(task.weights(), before);
}

TEST(Learner, TakesNoOtherErrorForTheCause) {
  class FailingTask : public WatchingTask {
    Loss loss(const std::vector<Tensor>& inputs) override {
      if (seen.size() > 3) fail(Code::internal, "out of memory");
      return WatchingTask::loss(inputs);
    }
  } task;
  const std::string what = told_of(task, batch_with_nan());
  EXPECT_NE(what.find("the operator was not found when the batch was run again (out of memory)"),
            std::string::npos)
      << what;
}

class CountingTask : public WatchingTask {
 public:
  bool trains_boxes() const override { return true; }
};

TEST(Learner, CountsOfBoxesGoOnAfterAResume) {
  CountingTask task;
  Learner learner(task, {}, {}, false);
  data::Batch batch = made_up_batch(2);
  batch.boxes_cut = 3;
  LogLine line = learner.step(batch, 1e-3, {}, {0, nullptr, nullptr});
  EXPECT_EQ(line.at("boxes_cut"), 3);
  EXPECT_EQ(line.at("boxes_dropped"), 0);
  batch.boxes_dropped = 1;
  learner.step(batch, 1e-3, {}, {1, nullptr, nullptr});
  Checkpoint saved;
  learner.save(&saved);
  CountingTask other;
  Learner resumed(other, {}, {}, false);
  resumed.load(saved, "c");
  line = resumed.step(batch, 1e-3, {}, {2, nullptr, nullptr});
  EXPECT_EQ(line.at("boxes_cut"), 9);
  EXPECT_EQ(line.at("boxes_dropped"), 2);
  WatchingTask none;
  Learner plain(none, {}, {}, false);
  EXPECT_EQ(plain.step(made_up_batch(2), 1e-3, {}, {0, nullptr, nullptr}).count("boxes_cut"), 0u);
  Checkpoint untouched;
  plain.save(&untouched);
  EXPECT_EQ(untouched.state.count("boxes_cut"), 0u);
}

}  // namespace
}  // namespace cawe::train
