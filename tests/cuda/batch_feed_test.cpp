// SPDX-License-Identifier: Apache-2.0
// Films go to the device as they are, each batch while the step before it is computed, and training has the numbers of
// batches that are uploaded when they are needed.
#include "train/batch_feed.h"

#include <algorithm>
#include <vector>

#include "models/classifier.h"
#include "tensor/random.h"
#include "tests/cuda/device.h"
#include "train/classifier_task.h"
#include "train/learner.h"

namespace cawe::train {
namespace {

constexpr int kSide = 80;  // a batch is more than Staging::kSmall, so it goes by the copy stream
constexpr int64_t kBatch = 4, kSteps = 4;

data::Dataset made_up() {
  data::Dataset dataset;
  dataset.label_names = {"a"};
  for (int i = 0; i < 9; ++i) {
    data::Sample s;
    s.image_id = s.patient_id = s.path = std::to_string(i);
    s.labels = {float(i % 2)};
    dataset.samples.push_back(s);
  }
  return dataset;
}

class BatchFeedTest : public OnDeviceTest {
 protected:
  BatchFeedTest() : dataset_(made_up()) {
    options_.batch = kBatch;
    options_.width = options_.height = kSide;
    options_.workers = 0;
    options_.cache_bytes = 0;
    options_.decode = [this](const data::Sample& s) {
      queued_.push_back(emulated::pending());
      if (s.image_id == bad_) fail(Code::data, s.path, ": is bad");
      data::FloatImage film(kSide, kSide, 1);
      Random random(5, s.image_id);
      for (float& v : film.pixels) v = random.next_uniform();
      return film;
    };
  }
  static std::shared_ptr<models::Classifier> network() {
    models::ClassifierConfig c;
    c.backbone.depth = 18;
    c.backbone.width = 4;
    c.labels = 1;
    auto net = std::make_shared<models::Classifier>(c);
    net->initialise(7);
    net->to(kDevice);
    return net;
  }
  std::vector<int64_t> everything() const { return {0, 1, 2, 3, 4, 5, 6, 7, 8}; }

  /// Losses of kSteps steps; where `ahead`, the trainer's way, else each batch is fetched when it is needed.
  std::vector<double> losses(bool ahead, const Precision& precision, bool graph, int64_t micro_batch = 0) {
    const auto net = network();
    ClassifierTask task(*net, dataset_, {}, options_, {});
    data::Loader loader(dataset_, everything(), options_);
    std::vector<double> all;
    if (ahead) {
      TrainerOptions o;
      o.batch = kBatch;
      o.precision = precision;
      o.graph = graph;
      o.micro_batch = micro_batch;
      o.quiet = true;
      Schedule schedule;
      schedule.steps = kSteps;
      schedule.lr = 0.01;
      schedule.decay = Decay::constant;
      all.push_back(train(task, loader, dataset_, nullptr, {}, schedule, {}, o).last_loss);
      return all;
    }
    Learner learner(task, {}, precision, graph, micro_batch);
    for (int64_t step = 0; step < kSteps; ++step)
      all.push_back(learner.step(loader.next(), 0.01, {}, {step, nullptr, nullptr}).at("loss"));
    return all;
  }

  data::Dataset dataset_;
  data::LoaderOptions options_;
  std::string bad_;
  std::vector<size_t> queued_;  ///< work that waits on the device's streams while a film is decoded
};

// Nothing has waited for a step while the next one's films are decoded, so its work is still in the queues; their upload
// follows it there. Fetched after the loss has come, they would find the queues empty.
TEST_F(BatchFeedTest, TheNextFilmsAreFetchedWhileAStepIsQueued) {
  for (const bool graph : {false, true}) {
    queued_.clear();
    losses(true, {}, graph);
    ASSERT_EQ(queued_.size(), size_t(kBatch * kSteps));
    for (size_t i = size_t(kBatch); i < queued_.size(); ++i) EXPECT_GT(queued_[i], 0u) << "film " << i;
  }
}

TEST_F(BatchFeedTest, TheUploadItselfWaitsForNothingAndIsQueuedBeforeTheLossIsAskedFor) {
  const auto net = network();
  ClassifierTask task(*net, dataset_, {}, options_, {});
  data::Loader loader(dataset_, everything(), options_);
  BatchFeed feed(loader);
  Learner learner(task, {}, {}, false);
  int calls = 0;
  for (int64_t step = 0; step < 4; ++step) {
    const data::Batch batch = feed.next();
    EXPECT_EQ(batch.images.device(), kDevice);
    learner.step(batch, 0.01, {}, {step, nullptr, nullptr}, [&] {
      emulated::take_traffic();
      const size_t before = emulated::pending();
      feed.fetch_ahead();
      const emulated::Traffic queued = emulated::take_traffic();
      EXPECT_EQ(queued.to_device.bytes, uint64_t(kBatch * kSide * kSide * 4))
          << "gray films as they are, once";
      EXPECT_EQ(queued.to_host.count, 0u);
      EXPECT_GT(before, 0u) << "the step is queued";
      EXPECT_GT(emulated::pending(), before) << "and still is, with the films behind it";
      ++calls;
    });
    const emulated::Traffic rest = emulated::take_traffic();
    EXPECT_LT(rest.to_device.bytes, 4096u) << "no film is uploaded besides";
  }
  EXPECT_EQ(calls, 4);
}

TEST_F(BatchFeedTest, SoAreThoseThatAClassifierLooksAtNext) {
  const auto net = network();
  std::vector<int64_t> films;
  for (int64_t i = 0; i < 40; ++i) films.push_back(i % 9);
  const std::vector<double> scores = classifier_scores(*net, dataset_, films, options_).at(0);
  ASSERT_EQ(queued_.size(), films.size());
  for (size_t i = 32; i < queued_.size(); ++i)
    EXPECT_GT(queued_[i], 0u) << "film " << i << ", batches are of 32";
  ASSERT_EQ(scores.size(), films.size());
  for (size_t i = 9; i < scores.size(); ++i) EXPECT_NEAR(scores[i], scores[i - 9], 1e-5) << "film " << i;
}

/// Notes what has gone to the device before each part, and with it.
class PartsTask : public ClassifierTask {
 public:
  using ClassifierTask::ClassifierTask;
  std::vector<Tensor> inputs(const data::Batch& part) override {
    EXPECT_EQ(part.images.device(), Device::cpu);
    before.push_back(emulated::take_traffic().to_device.bytes);
    std::vector<Tensor> all = ClassifierTask::inputs(part);
    with.push_back(emulated::take_traffic().to_device.bytes);
    return all;
  }
  std::vector<uint64_t> before, with;
};

// The device holds the films of one part, neither the batch's nor the next one's.
TEST_F(BatchFeedTest, PartsOfABatchAreUploadedWhenTheyAreDue) {
  const auto net = network();
  PartsTask task(*net, dataset_, {}, options_, ClassifierGoal{});
  data::Loader loader(dataset_, everything(), options_);
  TrainerOptions o;
  o.batch = kBatch;
  o.micro_batch = 2;
  o.quiet = true;
  Schedule schedule;
  schedule.steps = kSteps;
  schedule.lr = 0.01;
  schedule.decay = Decay::constant;
  emulated::take_traffic();
  train(task, loader, dataset_, nullptr, {}, schedule, {}, o);
  ASSERT_EQ(task.with.size(), size_t(2 * kSteps));
  constexpr uint64_t kFilms = 2 * kSide * kSide * 4;
  for (size_t i = 0; i < task.with.size(); ++i) {
    EXPECT_LT(task.before[i], 4096u) << "part " << i;
    EXPECT_GE(task.with[i], kFilms) << "part " << i;
    EXPECT_LT(task.with[i], kFilms + 4096) << "part " << i;
  }
}

TEST_F(BatchFeedTest, TrainingHasTheSameNumbers) {
  Precision half;
  half.dtype = DType::bf16;
  for (const Precision& precision : {Precision{}, half})
    for (const bool graph : {false, true})
      EXPECT_EQ(losses(true, precision, graph).back(), losses(false, precision, graph).back());
  EXPECT_EQ(losses(true, {}, false, 3).back(), losses(false, {}, false, 3).back());
}

TEST_F(BatchFeedTest, WhatGoesWrongAheadIsToldWhenItsStepComes) {
  options_.shuffle = false;
  options_.batch = 3;
  bad_ = "4";
  data::Loader loader(dataset_, everything(), options_);
  BatchFeed feed(loader);
  EXPECT_EQ(feed.next().samples[0], 0);
  feed.fetch_ahead();
  feed.fetch_ahead();
  EXPECT_THROW(feed.next(), Error);
  feed.seek(2);
  feed.fetch_ahead();
  EXPECT_EQ(feed.next().samples[0], 6);
  feed.seek(0);
  feed.fetch_ahead();
  feed.seek(2);
  EXPECT_EQ(feed.next().samples[0], 6) << "what was fetched ahead is forgotten";
}

}  // namespace
}  // namespace cawe::train
