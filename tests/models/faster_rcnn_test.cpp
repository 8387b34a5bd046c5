// SPDX-License-Identifier: Apache-2.0
// Faster R-CNN: counts, levels, sampling, losses with and without boxes, learning.
#include "models/faster_rcnn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

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
  EXPECT_EQ(make_anchors(rpn_anchors(), 512, 512, grids).dim(0), 65472);
}

TEST(FasterRcnn, ProposalsGoToLevelsBySide) {
  const RoiHeads heads(16, 1, {4, 8, 16, 32}, RoiHeadsConfig{});
  // 4 + log2(side / 224), as levels P2 ... P5 counted from 0: 112 is the first of P3, 448 the first of P5.
  const auto square = [](float side) { return Box{0, 0, side, side}; };
  const Regions r = heads.regions(
      {{square(10), square(111), square(112), square(223), square(224), square(448), square(2000)}}, 8,
      Device::cpu);
  const std::vector<int32_t> place = r.place.to_vector<int32_t>();
  std::vector<int32_t> levels;
  for (size_t i = 1; i < place.size(); i += 2) levels.push_back(place[i]);
  EXPECT_EQ(levels, (std::vector<int32_t>{0, 0, 1, 1, 2, 3, 3, -1}));
}

TEST(Proposals, LearnFromForegroundAndBackgroundAlone) {
  // IoU 1 is foreground, 0 background, and 1/2 (between 0.3 and 0.7) is left out.
  const RegionProposals rpn(4, RpnConfig{});
  const Tensor anchors =
      Tensor::from(std::vector<float>{0, 0, 10, 10, 0, 0, 10, 20, 40, 40, 50, 50, 60, 40, 70, 50}, {4, 4});
  const RegionProposals::Targets t = rpn.targets(anchors, {{{{0, 0, 10, 10}}, {0}}}, {{}}, {});
  EXPECT_EQ(t.foreground.to_vector<float>(), (std::vector<float>{1, 0, 0, 0}));
  EXPECT_EQ(t.sampled.to_vector<float>(), (std::vector<float>{1, 0, 1, 1}));
  EXPECT_FLOAT_EQ(t.scale.to_vector<float>()[0], 1.0f / 3) << "one image, three sampled";
  // Chances 3/4, 1/2, 1/2, 1/4 for objects: the mean of -ln(3/4), -ln(1/2), -ln(3/4).
  const float three = std::log(3.0f);
  const RegionProposals::Output out{Variable(Tensor::from(std::vector<float>{three, 0, 0, -three}, {1, 4})),
                                    Variable(Tensor::zeros({1, 4, 4})),
                                    {}};
  EXPECT_NEAR(rpn.loss(out, t).objectness.value().item(), (2 * std::log(4.0 / 3) + std::log(2.0)) / 3, 1e-6);
}

/// A box head whose weights are all 0: both classes have logit 0, so every proposal is a lesion with score 1/2.
struct Undecided {
  RoiHeadsConfig config;
  std::unique_ptr<RoiHeads> heads;
  std::vector<Variable> levels{Variable(Tensor::zeros({1, 4, 16, 16}).channels_last())};
  Undecided() {
    config.hidden = 8;
    heads = std::make_unique<RoiHeads>(4, 1, std::vector<int64_t>{4}, config);
    for (auto& p : heads->parameters()) p.variable->set_value(Tensor::zeros(p.variable->shape()));
  }
  Detections of(const std::vector<Box>& proposals, const PostprocessSettings& s) {
    return heads->detect(levels, {proposals}, 64, 64, s, {})[0];
  }
};

TEST(RoiHeads, AScoreOfExactlyTheThresholdIsOut) {
  Undecided u;
  PostprocessSettings s;
  s.score_threshold = 0.5;  // torchvision keeps scores > threshold
  EXPECT_EQ(u.of({{10, 10, 30, 30}}, s).size(), 0u);
  s.score_threshold = 0.4999;
  const Detections found = u.of({{10, 10, 30, 30}}, s);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].score, 0.5f);
  EXPECT_EQ(found[0].label, 0);
  EXPECT_EQ(found[0].box.x2, 30);
}

TEST(RoiHeads, OfEqualScoresTheFirstMaxDetectionsAreKept) {
  Undecided u;
  PostprocessSettings s;
  const std::vector<Box> apart{{0, 0, 10, 10}, {20, 0, 30, 10}, {40, 0, 50, 10}};
  for (size_t most = 1; most <= 4; ++most) {
    s.max_detections = int64_t(most);
    const Detections found = u.of(apart, s);
    ASSERT_EQ(found.size(), std::min<size_t>(most, 3));
    for (size_t k = 0; k < found.size(); ++k) EXPECT_EQ(found[k].box.x1, apart[k].x1);
  }
}

TEST(RoiHeads, BoxesBelowTheLeastSideAreDropped) {
  Undecided u;
  const auto count = [&](const Box& box) { return u.of({box}, {}).size(); };
  EXPECT_EQ(u.config.least_side, 1e-2);
  EXPECT_EQ(count({10, 10, 10.005f, 30}), 0u);
  EXPECT_EQ(count({10, 10, 30, 10.005f}), 0u);
  EXPECT_EQ(count({10, 10, 10.05f, 30}), 1u);
  EXPECT_EQ(count({-20, 10, 0.5f, 30}), 1u) << "half a pixel of it is in the image";
  EXPECT_EQ(count({-20, 10, 0.005f, 30}), 0u);
}

/// A box head of two classes whose outputs are its biases alone: probabilities 1/4, 1/4 and 1/2.
struct Biased {
  RoiHeadsConfig config;
  std::unique_ptr<RoiHeads> heads;
  std::vector<Variable> levels{Variable(Tensor::zeros({1, 4, 16, 16}).channels_last())};
  explicit Biased(const std::vector<float>& offsets) {
    config.hidden = 8;
    heads = std::make_unique<RoiHeads>(4, 2, std::vector<int64_t>{4}, config);
    for (auto& p : heads->parameters()) {
      Tensor value = Tensor::zeros(p.variable->shape());
      if (p.name == "box_predictor.cls_score.bias")
        value = Tensor::from(std::vector<float>{0, 0, std::log(2.0f)}, {3});
      if (p.name == "box_predictor.bbox_pred.bias") value = Tensor::from(offsets, {12});
      p.variable->set_value(value);
    }
  }
};

TEST(RoiHeads, OffsetsAreDividedByTheirWeights) {
  // 20 x 40 around (20, 30), weights 10, 10, 5, 5: moved by (2, -8), half as wide again, half as high.
  const std::vector<float> offsets{1, -2, 5 * std::log(1.5f), 5 * std::log(0.5f)};
  std::vector<float> all(12, 0);
  std::copy(offsets.begin(), offsets.end(), all.begin() + 8);
  Biased b(all);
  PostprocessSettings s;
  s.score_threshold = 0.4;
  const Detections found = b.heads->detect(b.levels, {{{10, 10, 30, 50}}}, 64, 64, s, {})[0];
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].label, 1);
  EXPECT_NEAR(found[0].box.x1, 7, 1e-4);
  EXPECT_NEAR(found[0].box.y1, 12, 1e-4);
  EXPECT_NEAR(found[0].box.x2, 37, 1e-4);
  EXPECT_NEAR(found[0].box.y2, 32, 1e-4);
}

TEST(RoiHeads, TrueBoxesAreProposalsTooAndTheBoxOfTheOwnClassIsLearnt) {
  // The one proposal is background. The true box is its own target, all offsets 0: of what its class says the first
  // is 1/2 away, above beta = 1/9; what other classes say does not count.
  Biased b({7, 7, 7, 7, 5, 5, 5, 5, 0.5f, 0, 0, 0});
  const RoiHeads::Losses losses =
      b.heads->loss(b.levels, {{{40, 40, 60, 60}}}, {{{{10, 10, 30, 30}}, {1}}}, {{}});
  EXPECT_NEAR(losses.classification.value().item(), (std::log(4.0) + std::log(2.0)) / 2, 1e-6);
  EXPECT_NEAR(losses.box.value().item(), (0.5 - 1.0 / 18) / 2, 1e-6);
}

TEST(Proposals, TrainingAndTestingHaveTheirOwnNumbers) {
  // NMS at 1 suppresses nothing (no IoU is above it), so the numbers of proposals are those that are kept.
  RpnConfig config;
  config.anchors = anchor_pyramid(2, 16, {1}, false);
  config.nms_iou = 1;
  config.train = {30, 40};  // 30 of each of the two levels, 40 of both
  config.test = {4, 7};
  RegionProposals rpn(4, config);
  rpn.initialise(3);
  const std::vector<Variable> levels{Variable(noise({1, 4, 8, 8}, "fine")),
                                     Variable(noise({1, 4, 4, 4}, "coarse"))};
  const RegionProposals::Output out = rpn.forward(levels);
  const Tensor anchors = make_anchors(config.anchors, 64, 64, out.grids);
  rpn.train(true);
  const std::vector<Box> training = rpn.proposals(out, anchors, 64, 64, {})[0];
  EXPECT_EQ(training.size(), 40u);
  rpn.train(false);
  const std::vector<Box> testing = rpn.proposals(out, anchors, 64, 64, {})[0];
  EXPECT_EQ(testing.size(), 7u);
  // The best of all is kept either way, and it is the first.
  EXPECT_EQ(testing[0].x1, training[0].x1);
  EXPECT_EQ(testing[0].y2, training[0].y2);
}

TEST(Proposals, BoxesOfDifferentLevelsDoNotSuppressEachOther) {
  // Two levels of one cell with the same anchor: all weights 0, so both propose it with the same score.
  RpnConfig config;
  config.anchors.sizes = {{16}, {16}};
  config.anchors.ratios = {1};
  RegionProposals rpn(4, config);
  for (auto& p : rpn.parameters()) p.variable->set_value(Tensor::zeros(p.variable->shape()));
  const std::vector<Variable> levels(2, Variable(Tensor::zeros({1, 4, 1, 1}).channels_last()));
  const RegionProposals::Output out = rpn.forward(levels);
  EXPECT_EQ(rpn.proposals(out, make_anchors(config.anchors, 64, 64, out.grids), 64, 64, {})[0].size(), 2u);
}

TEST(Sampling, CountsSharesAndKeys) {
  std::vector<int64_t> matched(1000, -1);
  for (size_t i = 0; i < 200; ++i) matched[5 * i] = int64_t(i % 3);
  for (size_t i = 0; i < 100; ++i) matched[5 * i + 1] = -2;
  const Sample s = sample(matched, {256, 0.5}, {1, 2, 3}, "test");
  EXPECT_EQ(s.foreground.size(), 128u);
  EXPECT_EQ(s.background.size(), 128u);
  EXPECT_TRUE(std::is_sorted(s.background.begin(), s.background.end()));
  for (const int64_t i : s.foreground) EXPECT_GE(matched[size_t(i)], 0);
  for (const int64_t i : s.background) EXPECT_EQ(matched[size_t(i)], -1);
  EXPECT_EQ(std::set<int64_t>(s.background.begin(), s.background.end()).size(), 128u);
  EXPECT_EQ(sample(matched, {256, 0.5}, {1, 2, 3}, "test").foreground, s.foreground);
  for (const DrawKey& other : {DrawKey{2, 2, 3}, DrawKey{1, 3, 3}, DrawKey{1, 2, 4}})
    EXPECT_NE(sample(matched, {256, 0.5}, other, "test").foreground, s.foreground);
  // Few foreground: background fills up; too few of both: all of them.
  const Sample few = sample({0, -1, -1, -2, -1}, {4, 0.5}, {}, "test");
  EXPECT_EQ(few.foreground, (std::vector<int64_t>{0}));
  EXPECT_EQ(few.background, (std::vector<int64_t>{1, 2, 4}));
}

TEST(Sampling, IsUniform) {
  const std::vector<int64_t> matched(40, -1);
  std::vector<double> taken(40, 0);
  for (uint64_t step = 0; step < 4000; ++step)
    for (const int64_t i : sample(matched, {10, 0.5}, {1, step, 0}, "uniform").background) ++taken[size_t(i)];
  // 1,000 expected each, standard deviation sqrt(4000 * 0.25 * 0.75) = 27.4; five of them either way.
  for (const double k : taken) EXPECT_NEAR(k, 1000, 137);
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
