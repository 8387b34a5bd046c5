// SPDX-License-Identifier: Apache-2.0
// Faster R-CNN as a whole: counts, losses with and without boxes, ranks, learning.
#include "models/faster_rcnn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/matcher.h"
#include "models/truths.h"
#include "tensor/communicator.h"
#include "tensor/parallel.h"
#include "tests/models/detector_support.h"
#include "train/optimizer.h"

namespace cawe::models {
namespace {

using testing::kOne;
using testing::kTwo;
using testing::noise;

FasterRcnnConfig narrow(int64_t classes = 1) {
  FasterRcnnConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 8;
  c.channels = 16;
  c.classes = classes;
  c.rpn.anchors = anchor_pyramid(5, 8, {1}, false);
  c.rpn.sampling.count = 64;
  c.rpn.train = c.rpn.test = {100, 30};
  c.roi.sampling.count = 16;
  c.roi.hidden = 32;
  c.roi.canonical_size = 28;
  c.postprocess.score_threshold = 0.001;
  return c;
}

int64_t full_parameters(int64_t classes) {
  FasterRcnnConfig c;
  c.backbone.norm.kind = nn::NormKind::frozen;
  c.classes = classes;
  FasterRcnn net(c);
  return net.parameter_count();
}

TEST(FasterRcnn, ParametersAsTorchvisions) {
  EXPECT_EQ(full_parameters(90), 41755286);
  EXPECT_EQ(full_parameters(1), 41299161);
}

TEST(FasterRcnn, AnchorsOf512) {
  const std::vector<GridSize> grids = pyramid_grids(512, 512, {4, 8, 16, 32}, 1);
  const Tensor anchors = make_anchors(rpn_anchors(), 512, 512, grids);
  EXPECT_EQ(anchors.dim(0), 65472);
  // As counted by NumPy: 43,423, 9,503, 1,759, 191 and 1 of P2 to P6 lie inside.
  RpnConfig config;
  config.cross_boundary = CrossBoundary::ignore;
  const std::vector<int64_t> m =
      matched(anchors, {}, packed(std::vector<Truth>{{}}), config.match_on(512, 512)).to_vector<int64_t>();
  EXPECT_EQ(std::count(m.begin(), m.end(), -1), 54877);
  EXPECT_EQ(std::count(m.end() - 192, m.end(), -1), 1);
}

TEST(FasterRcnn, EmptyRowsOfTruthChangeNoBit) {
  FasterRcnn net(narrow());
  net.initialise(1);
  testing::expect_empty_rows_change_nothing(net);
}

TEST(FasterRcnn, WhatTheLossLeavesOutShowsInTheGradients) {
  FasterRcnn net(narrow());
  net.initialise(1);
  testing::expect_gradients_show(net, "roi_heads.box_predictor.bbox_pred.weight");
}

TEST(FasterRcnn, ImagesWithoutBoxesTrain) {
  FasterRcnn net(narrow());
  net.initialise(1);
  testing::expect_trains_without_boxes(net, {"proposal", "box"});
}

TEST(FasterRcnn, LossOfABatchWeighsSampledRegionsAlike) {
  FasterRcnn net(narrow());
  net.initialise(1);
  net.train(false);  // running statistics: images do not meet
  const Tensor x = noise({2, 3, 64, 64});
  const std::vector<Truth> truths{kOne, kTwo};
  const DetectionModel::Losses both = net.loss(Variable(x), truths);
  // Every image samples as many anchors and regions, so the mean over all is the mean of the images' means.
  const std::vector<DrawKey> keys{{0, 0, 0}, {0, 0, 1}};
  for (const std::string part : {"objectness", "proposal", "class", "box"}) {
    double mean = 0;
    for (size_t i = 0; i < 2; ++i) {
      const Variable one(x.slice(0, int64_t(i), int64_t(i) + 1));
      mean += net.loss_of(one, net.targets(64, 64, {truths[i]}, {keys[i]}, Device::cpu)).part(part) / 2;
    }
    EXPECT_NEAR(both.part(part), mean, 2e-6 * mean) << part;
  }
}

TEST(FasterRcnn, IgnoredRegionsAreNoBackground) {
  FasterRcnn net(narrow());
  net.initialise(1);
  testing::expect_ignored_regions_count(net);
}

/// Losses and gradients of a batch of 8 on ranks that share it.
std::vector<float> step_on(int ranks, int threads) {
  std::vector<float> result;
  const Tensor x = noise({8, 3, 64, 64});
  run_in_process_ranks(ranks, threads, [&](int rank) {
    const LaneScope lanes(8 / ranks);
    FasterRcnn net(narrow());
    net.initialise(1);
    train::Optimizer optimizer(net, {});  // has gradients summed over the ranks
    const int64_t share = 8 / ranks, begin = rank * share;
    std::vector<Truth> truths;
    std::vector<DrawKey> keys;
    for (int64_t i = begin; i < begin + share; ++i) {
      truths.push_back(i % 3 == 0 ? Truth{} : i % 3 == 1 ? kOne : kTwo);
      keys.push_back({9, 4, uint64_t(i)});
    }
    const Variable mine(x.slice(0, begin, begin + share).clone());
    const DetectionModel::Losses losses = net.loss_of(mine, net.targets(64, 64, truths, keys, Device::cpu));
    backward(losses.total);
    if (rank != 0) return;
    result.push_back(float(losses.total.value().item()));
    for (auto& p : net.parameters()) {
      const std::vector<float> g = p.variable->grad().contiguous().to_vector<float>();
      result.insert(result.end(), g.begin(), g.end());
    }
  });
  return result;
}

TEST(FasterRcnn, SameBitsOnThreadsAndRanks) {
  const std::vector<float> one = step_on(1, 1);
  EXPECT_EQ(step_on(1, 2), one);
  EXPECT_EQ(step_on(2, 1), one);
  EXPECT_EQ(step_on(4, 1), one);
}

TEST(FasterRcnn, LearnsTwoImages) {
  FasterRcnn net(narrow());
  net.initialise(1);
  const Tensor x = noise({2, 3, 64, 64});
  const std::vector<Truth> truths{kOne, kTwo};
  train::OptimizerOptions options;
  options.clip = 10;
  train::Optimizer optimizer(net, options);
  double first = 0, last = 0;
  for (int step = 0; step < 120; ++step) {
    const DetectionModel::Losses losses = net.loss(Variable(x), truths);
    (step == 0 ? first : last) = losses.total.value().item();
    backward(losses.total);
    optimizer.clip_gradients();
    optimizer.step(2e-3);
  }
  EXPECT_LT(last, 0.4 * first);
  const std::vector<Detections> found = net.detect(x);
  for (size_t i = 0; i < 2; ++i)
    for (const Box& truth : truths[i].boxes) {
      float best = 0;
      for (size_t k = 0; k < std::min<size_t>(5, found[i].size()); ++k)
        best = std::max(best, iou(truth, found[i][k].box));
      EXPECT_GT(best, 0.5f) << "image " << i;
    }
}

TEST(FasterRcnn, DetectionsOfAnImageDoNotDependOnItsBatch) {
  FasterRcnn net(narrow(2));
  net.initialise(5);
  const Tensor x = noise({3, 3, 64, 64});
  const std::vector<Detections> together = net.detect(x);
  for (int64_t i = 0; i < 3; ++i) {
    const Detections alone = net.detect(x.slice(0, i, i + 1))[0];
    ASSERT_EQ(alone.size(), together[size_t(i)].size());
    ASSERT_GT(alone.size(), 0u);
    for (size_t k = 0; k < alone.size(); ++k) {
      EXPECT_EQ(alone[k].score, together[size_t(i)][k].score);
      EXPECT_EQ(alone[k].box.x1, together[size_t(i)][k].box.x1);
    }
  }
}

TEST(FasterRcnn, NonFiniteOutputsNameTheImage) {
  FasterRcnn net(narrow());
  net.initialise(1);
  testing::expect_bad_image_is_named(net);
}

TEST(FasterRcnn, AnImageWithNothingToLearnIsNamed) {
  FasterRcnnConfig c = narrow();
  c.rpn.match = {1, 0, false};
  FasterRcnn net(c);
  try {
    net.targets(64, 64, {kOne, {}}, {{}, {}}, Device::cpu, {"boxes.png", "none.png"});
    FAIL() << "no anchor is foreground or background";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::data);
    EXPECT_EQ(std::string(e.what()).rfind("boxes.png: no anchor to learn from", 0), 0u) << e.what();
  }
  Truth on_region = kOne;
  on_region.ignored = {{0, 0, 64, 64}};
  net.targets(64, 64, {on_region}, {{}}, Device::cpu);  // may be left out as a whole
}

TEST(FasterRcnn, OutputsThatAreNotFiniteMakeTheLossSo) {
  FasterRcnn net(narrow());
  net.initialise(1);
  const Tensor x = noise({2, 3, 64, 64});
  x.slice(0, 1, 2).fill(NAN);
  net.train(false);  // images do not meet
  EXPECT_FALSE(std::isfinite(net.loss(Variable(x), {kOne, kTwo}).total.value().item()));
}

TEST(FasterRcnn, RefusesWhatDoesNotFit) {
  FasterRcnnConfig c = narrow();
  c.rpn.anchors.sizes.pop_back();
  EXPECT_THROW(FasterRcnn{c}, Error);
  FasterRcnn net(narrow());
  net.initialise(1);
  EXPECT_THROW(net.loss(Variable(noise({2, 3, 64, 64})), {kOne}), Error);
  EXPECT_THROW(net.loss(Variable(noise({1, 3, 64, 64})), {Truth{{{5, 5, 5, 9}}, {0}}}), Error);
  EXPECT_THROW(net.forward(Variable(noise({1, 3, 16, 64}))), Error);
}

}  // namespace
}  // namespace cawe::models
