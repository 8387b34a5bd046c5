// SPDX-License-Identifier: Apache-2.0
// RetinaNet at narrow width: losses with and without boxes, the last step, errors.
#include "models/retinanet.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/primitives/optimizers.h"
#include "tests/models/detector_support.h"

namespace cawe::models {
namespace {

using testing::kOne;
using testing::kTwo;
using testing::noise;

RetinaNetConfig narrow(int64_t classes = 1) {
  RetinaNetConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 4;
  c.channels = 8;
  c.head_convs = 1;
  c.classes = classes;
  c.anchors = anchor_pyramid(5, 12, {1, 1.26, 1.59}, false);
  return c;
}

TEST(RetinaNet, OutputsCoverAllAnchors) {
  RetinaNet net(narrow(2));
  net.initialise(1);
  const RetinaNet::Raw raw = net.forward(Variable(noise({2, 3, 64, 96})));
  const int64_t cells = 8 * 12 + 4 * 6 + 2 * 3 + 1 * 2 + 1 * 1;
  EXPECT_EQ(raw.anchors.shape(), (Shape{9 * cells, 4}));
  EXPECT_EQ(raw.logits.shape(), (Shape{2, 9 * cells, 2}));
  EXPECT_EQ(raw.deltas.shape(), (Shape{2, 9 * cells, 4}));
  double mean = 0;  // the class bias starts at -ln(99): a prior of 1 %
  for (float v : raw.logits.value().to_vector<float>()) mean += v;
  EXPECT_NEAR(mean / double(raw.logits.numel()), -4.595120, 0.05);
}

TEST(RetinaNet, IgnoredRegionsAreNoBackground) {
  RetinaNet net(narrow());
  net.initialise(1);
  testing::expect_ignored_regions_count(net);
}

TEST(RetinaNet, EmptyRowsOfTruthChangeNoBit) {
  RetinaNet net(narrow());
  net.initialise(1);
  testing::expect_empty_rows_change_nothing(net);
}

TEST(RetinaNet, WhatTheLossLeavesOutShowsInTheGradients) {
  RetinaNet net(narrow());
  net.initialise(1);
  testing::expect_gradients_show(net, "head.regression_head.bbox_reg.weight");
}

TEST(RetinaNet, ImagesWithoutBoxesTrain) {
  RetinaNet net(narrow());
  net.initialise(1);
  testing::expect_trains_without_boxes(net, {"box"});
}

TEST(RetinaNet, LossIsTheMeanOfImagesEachByItsOwnForeground) {
  RetinaNet net(narrow());
  net.initialise(1);
  net.train(false);  // running statistics: images do not meet
  const Tensor x = noise({3, 3, 64, 64});
  const std::vector<Truth> truths{kOne, {}, kTwo};
  const RetinaNet::Losses together = net.loss(Variable(x), truths);
  double classification = 0, box = 0;
  for (int64_t i = 0; i < 3; ++i) {
    const RetinaNet::Losses one = net.loss(Variable(x.slice(0, i, i + 1)), {truths[size_t(i)]});
    classification += one.part("class") / 3;
    box += one.part("box") / 3;
  }
  EXPECT_GT(box, 0);
  EXPECT_NEAR(together.part("class"), classification, 1e-6 * classification);
  EXPECT_NEAR(together.part("box"), box, 1e-6 * box);
  EXPECT_NEAR(together.total.value().item(), classification + box, 1e-5);
}

TEST(RetinaNet, LearnsOneImage) {
  RetinaNet net(narrow());
  net.initialise(1);
  const Tensor x = noise({2, 3, 64, 64});
  const std::vector<Truth> truths{kOne, kTwo};
  double first = 0, last = 0;
  std::vector<Tensor> velocity(net.parameters().size());
  for (int step = 0; step < 80; ++step) {
    const RetinaNet::Losses losses = net.loss(Variable(x), truths);
    (step == 0 ? first : last) = losses.total.value().item();
    net.zero_grad();
    backward(losses.total);
    size_t i = 0;
    for (auto& p : net.parameters()) {
      const Tensor& g = p.variable->grad();
      ASSERT_TRUE(g.defined()) << p.name;
      if (!velocity[i].defined()) velocity[i] = Tensor::zeros(g.shape());
      Tensor value = p.variable->value();
      SgdParams s;
      s.lr = 0.01;
      s.first = step == 0;
      primitives::sgd_step(value, g.contiguous(), velocity[i++], s);
      value.storage().touch();
    }
  }
  EXPECT_LT(last, 0.5 * first);
}

/// Two levels of one cell with three anchors each; scores and offsets as wished.
RetinaNet::Raw raw_of(const std::vector<float>& logits, const std::vector<float>& anchors, int64_t classes) {
  RetinaNet::Raw raw;
  const int64_t count = int64_t(anchors.size() / 4);
  raw.logits = Variable(Tensor::from(logits, {1, count, classes}));
  raw.deltas = Variable(Tensor::zeros({1, count, 4}));
  raw.anchors = Tensor::from(anchors, {count, 4});
  raw.grids = {{1, 1}, {1, 1}};
  return raw;
}

RetinaNetConfig three_anchors(int64_t classes) {
  RetinaNetConfig c = narrow(classes);
  c.anchors = anchor_pyramid(5, 12, {1}, false);
  return c;
}

TEST(Postprocess, ThresholdClipAndSuppression) {
  RetinaNet net(three_anchors(2));
  const std::vector<float> anchors{-5, -5, 10, 10, 0,  0,  10, 10, 50, 50, 70, 80,
                                   0,  0,  10, 10, 20, 20, 30, 30, 20, 20, 30, 30};
  const std::vector<float> logits{2,  -9, 1,  0,  -9, -2.5f,  //
                                  -9, -9, -4, -9, -9, -9};
  const std::vector<Detections> found = to_host(net.postprocess(raw_of(logits, anchors, 2), 60, 64), {});
  ASSERT_EQ(found.size(), 1u);
  // Anchor 0 clipped to (0, 0, 10, 10) beats anchor 1 of class 0; anchor 1 of class 1 stays: another class.
  ASSERT_EQ(found[0].size(), 3u);
  EXPECT_NEAR(found[0][0].score, 1 / (1 + std::exp(-2.0)), 1e-6);
  EXPECT_EQ(found[0][0].label, 0);
  EXPECT_EQ(found[0][0].box.x1, 0);
  EXPECT_EQ(found[0][0].box.x2, 10);
  EXPECT_EQ(found[0][1].label, 1);
  EXPECT_NEAR(found[0][1].score, 0.5, 1e-6);
  EXPECT_NEAR(found[0][2].box.x2, 64, 1e-4);  // width
  EXPECT_NEAR(found[0][2].box.y2, 60, 1e-4);  // height
  net.postprocess_settings().score_threshold = 0.001;
  EXPECT_EQ(to_host(net.postprocess(raw_of(logits, anchors, 2), 60, 64), {})[0].size(), 4u);
  net.postprocess_settings().max_detections = 2;
  EXPECT_EQ(to_host(net.postprocess(raw_of(logits, anchors, 2), 60, 64), {})[0].size(), 2u);
}

TEST(Postprocess, EqualScoresKeepTheLowerIndex) {
  RetinaNet net(three_anchors(1));
  const std::vector<float> anchors{0, 0, 10, 10, 0,  0,  10, 11, 40, 40, 50, 50,
                                   0, 0, 10, 9,  40, 40, 50, 51, 20, 20, 30, 30};
  const std::vector<float> equal(6, 1.0f);
  const Detections found = to_host(net.postprocess(raw_of(equal, anchors, 1), 64, 64), {})[0];
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].box.y2, 10);
  EXPECT_EQ(found[1].box.y2, 50);
  EXPECT_EQ(found[2].box.y2, 30);
}

TEST(Postprocess, AScoreOfExactlyTheThresholdIsOut) {
  // The logit 0 is the score 1/2; torchvision keeps scores > threshold.
  RetinaNet net(three_anchors(1));
  const std::vector<float> anchors{0, 0,  10, 10, 20, 0,  30, 10, 40, 0,  50, 10,
                                   0, 20, 10, 30, 20, 20, 30, 30, 40, 20, 50, 30};
  const std::vector<float> logits{0, 0.01f, -0.01f, 3, 0, -3};
  net.postprocess_settings().score_threshold = 0.5;
  const Detections found = to_host(net.postprocess(raw_of(logits, anchors, 1), 64, 64), {})[0];
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].box.y1, 20);
  EXPECT_EQ(found[1].box.x1, 20);
  net.postprocess_settings().score_threshold = 0.4999;
  EXPECT_EQ(to_host(net.postprocess(raw_of(logits, anchors, 1), 64, 64), {})[0].size(), 4u);
}

TEST(Postprocess, TheBestOfMaxDetectionsAreKept) {
  RetinaNet net(three_anchors(1));
  const std::vector<float> anchors{0, 0,  10, 10, 20, 0,  30, 10, 40, 0,  50, 10,
                                   0, 20, 10, 30, 20, 20, 30, 30, 40, 20, 50, 30};
  const std::vector<float> logits{1, 6, 2, 5, 3, 4};  // best: anchors 1, 3, 5, 4, 2, 0
  const std::vector<std::pair<float, float>> corners{{20, 0}, {0, 20}, {40, 20}, {20, 20}, {40, 0}, {0, 0}};
  for (size_t most = 1; most <= 7; ++most) {
    net.postprocess_settings().max_detections = int64_t(most);
    const Detections found = to_host(net.postprocess(raw_of(logits, anchors, 1), 64, 64), {})[0];
    ASSERT_EQ(found.size(), std::min<size_t>(most, 6));
    for (size_t k = 0; k < found.size(); ++k)
      EXPECT_EQ(std::pair(found[k].box.x1, found[k].box.y1), corners[k]) << most << ", " << k;
  }
}

TEST(Postprocess, BoxesOfExactlyTheSuppressionsOverlapStay) {
  // IoU 1/2: 10 x 10 and its lower half; torchvision's nms suppresses IoU > threshold.
  RetinaNet net(three_anchors(1));
  const std::vector<float> anchors{0,  0, 10, 10, 0,  5,  10, 10, 40, 0,  50, 10,
                                   40, 4, 50, 10, 20, 20, 30, 30, 20, 20, 30, 30};
  const std::vector<float> logits{3, 2, 3, 2, -9, -9};  // the second pair overlaps by 6 / 10
  const Detections found = to_host(net.postprocess(raw_of(logits, anchors, 1), 64, 64), {})[0];
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[2].box.y1, 5);
}

TEST(Postprocess, NoBoxGrowsMoreThanTorchvisionsLimit) {
  // dw and dh stop at ln(1000 / 16): 62.5 times 4 pixels are 250, around (500, 500); below it a factor is exp(dw).
  RetinaNet net(three_anchors(1));
  std::vector<float> anchors, deltas(24, 0);
  for (int k = 0; k < 6; ++k) anchors.insert(anchors.end(), {498, 498, 502, 502});
  deltas[2] = deltas[3] = 10;
  RetinaNet::Raw raw = raw_of({3, -9, -9, -9, -9, -9}, anchors, 1);
  raw.deltas = Variable(Tensor::from(deltas, {1, 6, 4}));
  const Detections found = to_host(net.postprocess(raw, 1000, 1000), {})[0];
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NEAR(found[0].box.x1, 375, 1e-3);
  EXPECT_NEAR(found[0].box.y2, 625, 1e-3);
  deltas[2] = std::log(50.0f);
  raw.deltas = Variable(Tensor::from(deltas, {1, 6, 4}));
  EXPECT_NEAR(to_host(net.postprocess(raw, 1000, 1000), {})[0][0].box.x2, 600, 1e-2);
}

TEST(Postprocess, TopKIsByLevel) {
  RetinaNet net(three_anchors(1));
  net.postprocess_settings().top_k_per_level = 1;
  const std::vector<float> anchors{0, 0,  10, 10, 20, 0,  30, 10, 40, 0,  50, 10,
                                   0, 20, 10, 30, 20, 20, 30, 30, 40, 20, 50, 30};
  const Detections found = to_host(net.postprocess(raw_of({3, 2, 1, -1, 0, -2}, anchors, 1), 64, 64), {})[0];
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].box.x1, 0);
  EXPECT_EQ(found[1].box.x1, 20);
}

TEST(Postprocess, NonFiniteOutputsNameTheImage) {
  RetinaNet net(narrow());
  net.initialise(1);
  testing::expect_bad_image_is_named(net);
}

TEST(RetinaNet, RefusesWhatDoesNotFit) {
  RetinaNetConfig c = narrow();
  c.extra_levels = 1;
  EXPECT_THROW(RetinaNet{c}, Error);  // anchors for five levels
  RetinaNet net(narrow());
  net.initialise(1);
  EXPECT_THROW(net.loss(Variable(noise({2, 3, 64, 64})), {kOne}), Error);
  EXPECT_THROW(net.forward(Variable(noise({1, 3, 16, 64}))), Error);
}

}  // namespace
}  // namespace cawe::models
