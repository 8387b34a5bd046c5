// SPDX-License-Identifier: Apache-2.0
// The two halves of Faster R-CNN by hand: proposals and their targets, draws, regions on levels, the box head.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "models/roi_heads.h"
#include "models/truths.h"
#include "tensor/parallel.h"
#include "tensor/primitives/detection.h"
#include "tests/models/detector_support.h"

namespace cawe::models {
namespace {

using testing::noise;

/// Proposals of a batch as the network would give them.
Proposals proposals_of(const std::vector<std::vector<Box>>& lists, int64_t slots) {
  const int64_t n = int64_t(lists.size());
  Proposals p{Tensor::zeros({n, slots, 4}), Tensor::full({n, slots}, -1, DType::i64), Tensor::zeros({n})};
  for (int64_t i = 0; i < n; ++i)
    for (size_t k = 0; k < lists[size_t(i)].size(); ++k) {
      const int64_t at = i * slots + int64_t(k);
      std::copy_n(&lists[size_t(i)][k].x1, 4, p.boxes.data<float>() + 4 * at);
      p.kept.data<int64_t>()[at] = at;
    }
  return p;
}

/// The other way round.
std::vector<std::vector<Box>> lists_of(const Proposals& p) {
  std::vector<std::vector<Box>> lists(size_t(p.kept.dim(0)));
  const std::vector<int64_t> kept = p.kept.to_vector<int64_t>();
  const std::vector<float> boxes = p.boxes.to_vector<float>();
  for (size_t k = 0; k < kept.size(); ++k) {
    if (kept[k] < 0) continue;
    const float* b = boxes.data() + 4 * kept[k];
    lists[k / size_t(p.kept.dim(1))].push_back({b[0], b[1], b[2], b[3]});
  }
  return lists;
}

std::vector<int32_t> levels_of(const std::vector<float>& sides, const RoiHeads& heads) {
  std::vector<Box> boxes;
  for (const float side : sides) boxes.push_back({0, 0, side, side});
  const Proposals p = proposals_of({boxes}, int64_t(boxes.size()) + 1);
  const std::vector<int32_t> place = heads.regions(p.boxes, p.kept).place.to_vector<int32_t>();
  std::vector<int32_t> levels;
  for (size_t i = 1; i < place.size(); i += 2) levels.push_back(place[i]);
  return levels;
}

TEST(RoiHeads, RegionsGoToLevelsBySide) {
  const RoiHeads heads(16, 1, {4, 8, 16, 32}, RoiHeadsConfig{});
  // 4 + log2(side / 224), as levels P2 ... P5 counted from 0: 112 is the first of P3, 448 the first of P5.
  EXPECT_EQ(levels_of({10, 111, 112, 223, 224, 448, 2000}, heads),
            (std::vector<int32_t>{0, 0, 1, 1, 2, 3, 3, -1}));
}

TEST(RoiHeads, ASideOfExactlyALevelsLeastIsOnIt) {
  const Tensor boxes = Tensor::from(std::vector<float>{0, 0, 8, 8, 3, 3, 12, 12, 1, 0, 18, 17}, {1, 3, 4});
  Tensor place = Tensor::empty({1, 3, 2}, DType::i32);
  primitives::place_regions(boxes, Tensor::zeros({1, 3}, DType::i64), {9, 17}, place);
  EXPECT_EQ(place.to_vector<int32_t>(), (std::vector<int32_t>{0, 0, 0, 1, 0, 2}));
}

/// Sides as numbers of f32 next to where the level's formula changes: the comparison is the formula.
TEST(RoiHeads, LeastSidesOfLevelsAreTheFormulas) {
  for (const double canonical : {224.0, 28.0, 100.0}) {
    RoiHeadsConfig config;
    config.canonical_size = canonical;
    const std::vector<double> sides = level_sides(config, 4);
    ASSERT_EQ(sides.size(), 3u);
    const auto formula = [&](float side) {
      const float level = std::floor(4.0f + std::log2(side / float(canonical)) + 1e-6f) - 2;
      return int(std::clamp(level, 0.0f, 3.0f));
    };
    for (size_t level = 0; level < 3; ++level) {
      EXPECT_NEAR(sides[level], canonical / 2 * std::pow(2.0, double(level)), 1e-5 * canonical * 4);
      float side = float(sides[level]);
      for (int k = 0; k < 500; ++k, side = std::nextafter(side, 0.0f))
        EXPECT_EQ(formula(side), int(level) + (k == 0));
      side = float(sides[level]);
      for (int k = 0; k < 500; ++k, side = std::nextafter(side, 1e9f))
        EXPECT_EQ(formula(side), int(level) + 1);
    }
  }
}

TEST(Proposals, LearnFromForegroundAndBackgroundAlone) {
  // IoU 1 is foreground, 0 background, and 1/2 (between 0.3 and 0.7) is left out.
  const RegionProposals rpn(4, RpnConfig{});
  const Tensor anchors =
      Tensor::from(std::vector<float>{0, 0, 10, 10, 0, 0, 10, 20, 40, 40, 50, 50, 60, 40, 70, 50}, {4, 4});
  const RegionProposals::Targets t = rpn.targets(anchors, packed(std::vector<Truth>{{{{0, 0, 10, 10}}, {0}}}),
                                                 packed(std::vector<DrawKey>(1)), 64, 64);
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

/// What Ren et al. 2015 say of anchors that cross the edge, in plain loops: of each image which anchors are foreground (the
/// box that they learn) and which background; all others are left out.
std::vector<int64_t> plainly_matched(const std::vector<Box>& anchors, const std::vector<Box>& boxes,
                                     double height, double width, bool ignore_crossing) {
  const auto inside = [&](const Box& a) {
    return !ignore_crossing || (a.x1 >= 0 && a.y1 >= 0 && a.x2 <= width && a.y2 <= height);
  };
  std::vector<float> best_of_box(boxes.size(), 0);
  for (const Box& a : anchors)
    for (size_t g = 0; g < boxes.size() && inside(a); ++g)
      best_of_box[g] = std::max(best_of_box[g], iou(a, boxes[g]));
  std::vector<int64_t> matches;
  for (const Box& a : anchors) {
    float best = 0;
    int64_t favourite = 0;
    bool is_best = false;
    for (size_t g = 0; g < boxes.size(); ++g) {
      const float overlap = iou(a, boxes[g]);
      if (overlap > best) {
        best = overlap;
        favourite = int64_t(g);
      }
      is_best |= overlap > 0 && overlap == best_of_box[g];
    }
    const bool foreground = best >= 0.7f || is_best, background = best < 0.3f;
    matches.push_back(!inside(a) ? -2 : foreground ? favourite : background ? -1 : -2);
  }
  return matches;
}

/// All anchors that may are sampled, so that what is learnt is what is matched.
TEST(Proposals, AnchorsOverTheEdgeTrainNothingWhereTheyAreIgnored) {
  constexpr int64_t kHeight = 96, kWidth = 128;
  const std::vector<Box> boxes{{0, 0, 20, 24}, {60, 50, 127, 96}, {30, 30, 41, 44}, {95, 2, 124, 12}};
  RpnConfig config;
  config.anchors = anchor_pyramid(5, 16, {1}, true);
  config.sampling = {1000000, 1.0};
  const std::vector<GridSize> grids = pyramid_grids(kHeight, kWidth, {4, 8, 16, 32}, 1);
  const Tensor anchors = make_anchors(config.anchors, kHeight, kWidth, grids);
  std::vector<Box> plain;
  for (int64_t a = 0; a < anchors.dim(0); ++a) {
    const float* b = anchors.data<float>() + 4 * a;
    plain.push_back({b[0], b[1], b[2], b[3]});
  }
  int64_t foreground_of_kept = 0;
  for (const CrossBoundary rule : {CrossBoundary::keep, CrossBoundary::ignore}) {
    config.cross_boundary = rule;
    const RegionProposals rpn(4, config);
    const std::vector<Truth> truths{{boxes, {0, 0, 0, 0}}, {}};
    std::vector<float> first;
    for (const int threads : {1, 2}) {
      set_num_threads(threads);
      const RegionProposals::Targets t = rpn.targets(
          anchors, packed(truths), packed(std::vector<DrawKey>{{1, 2, 3}, {1, 2, 4}}), kHeight, kWidth);
      std::vector<float> foreground, sampled;
      for (const std::vector<Box>& of : {boxes, std::vector<Box>()})
        for (const int64_t m : plainly_matched(plain, of, kHeight, kWidth, rule == CrossBoundary::ignore)) {
          foreground.push_back(m >= 0);
          sampled.push_back(m != -2);
        }
      EXPECT_EQ(t.foreground.to_vector<float>(), foreground) << threads;
      EXPECT_EQ(t.sampled.to_vector<float>(), sampled) << threads;
      std::vector<float> all = t.deltas.to_vector<float>();
      all.push_back(float(t.scale.item()));
      if (threads == 1) first = all;
      EXPECT_EQ(all, first) << "the same bits on threads";
      const int64_t count = std::count(foreground.begin(), foreground.end(), 1.0f);
      if (rule == CrossBoundary::keep) foreground_of_kept = count;
      EXPECT_GE(count, 4) << "every box has a best anchor";
      EXPECT_EQ(rule == CrossBoundary::ignore, count < foreground_of_kept);
      EXPECT_NEAR(t.scale.item(), 2 / double(std::count(sampled.begin(), sampled.end(), 1.0f)), 1e-7);
    }
    set_num_threads(1);
  }
}

/// At test they stay: proposals of anchors that cross the edge, clipped, whichever way the network was trained.
TEST(Proposals, AnchorsOverTheEdgeMakeProposals) {
  RpnConfig config;
  config.cross_boundary = CrossBoundary::ignore;
  config.anchors.ratios = {1};
  RegionProposals rpn(4, config);
  rpn.train(false);
  const Tensor anchors = Tensor::from(std::vector<float>{-8, -8, 16, 16, 40, 40, 90, 90}, {2, 4});
  const RegionProposals::Output out{
      Variable(Tensor::from(std::vector<float>{1, 2}, {1, 2})), Variable(Tensor::zeros({1, 2, 4})), {{1, 2}}};
  const std::vector<std::vector<Box>> found = lists_of(rpn.proposals(out, anchors, 64, 64));
  ASSERT_EQ(found[0].size(), 2u);
  EXPECT_EQ(found[0][0].x2, 64);
  EXPECT_EQ(found[0][0].x1, 40);
  EXPECT_EQ(found[0][1].x1, 0);
  EXPECT_EQ(found[0][1].x2, 16);
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
    return to_host(heads->find(levels, proposals_of({proposals}, 5), 64, 64, s), {})[0];
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
  const Detections found =
      to_host(b.heads->find(b.levels, proposals_of({{{10, 10, 30, 50}}}, 3), 64, 64, s), {})[0];
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
      b.heads->loss(b.levels, proposals_of({{{40, 40, 60, 60}}}, 3),
                    packed(std::vector<Truth>{{{{10, 10, 30, 30}}, {1}}}), packed(std::vector<DrawKey>(1)));
  EXPECT_NEAR(losses.classification.value().item(), (std::log(4.0) + std::log(2.0)) / 2, 1e-6);
  EXPECT_NEAR(losses.box.value().item(), (0.5 - 1.0 / 18) / 2, 1e-6);
}

/// One bad number, in an anchor that nothing samples: proposals are made of all.
TEST(Proposals, OutputsThatAreNotFiniteMakeTheLossSo) {
  const RegionProposals rpn(4, RpnConfig{});
  const Tensor anchors = Tensor::from(std::vector<float>{0, 0, 10, 10, 0, 0, 10, 20}, {2, 4});
  const RegionProposals::Targets t = rpn.targets(anchors, packed(std::vector<Truth>{{{{0, 0, 10, 10}}, {0}}}),
                                                 packed(std::vector<DrawKey>(1)), 64, 64);
  ASSERT_EQ(t.sampled.to_vector<float>(), (std::vector<float>{1, 0}));
  for (const float bad : {0.0f, float(NAN), float(INFINITY)})
    for (const bool in_logits : {true, false}) {
      Tensor logits = Tensor::zeros({1, 2}), deltas = Tensor::zeros({1, 2, 4});
      (in_logits ? logits.data<float>()[1] : deltas.data<float>()[7]) = bad;
      const RegionProposals::Losses losses = rpn.loss({Variable(logits), Variable(deltas), {}}, t);
      EXPECT_EQ(std::isfinite(losses.objectness.value().item()), bad == 0);
      EXPECT_EQ(std::isfinite(losses.box.value().item()), bad == 0);
    }
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
  const std::vector<Box> training = lists_of(rpn.proposals(out, anchors, 64, 64))[0];
  EXPECT_EQ(training.size(), 40u);
  rpn.train(false);
  const std::vector<Box> testing = lists_of(rpn.proposals(out, anchors, 64, 64))[0];
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
  EXPECT_EQ(lists_of(rpn.proposals(out, make_anchors(config.anchors, 64, 64, out.grids), 64, 64))[0].size(),
            2u);
}

/// What primitives::sample_matches draws from one image.
struct Sample {
  std::vector<int64_t> foreground, background;
};

Sample sample(const std::vector<int64_t>& matched, const SamplingOptions& options, const DrawKey& key,
              const std::string& purpose) {
  const int64_t n = int64_t(matched.size());
  Tensor drawn = Tensor::empty({1, n}, DType::i64), chosen = Tensor::empty({1, options.count}, DType::i64);
  primitives::sample_matches(Tensor::from(matched, {1, n}), packed(std::vector<DrawKey>{key}),
                             options.params(purpose), drawn, chosen);
  Sample s;
  std::vector<int64_t> expected(matched.size(), -2);
  for (const int64_t i : chosen.to_vector<int64_t>()) {
    if (i < 0) continue;
    EXPECT_TRUE(matched[size_t(i)] == -1 || s.background.empty()) << "foreground comes first";
    (matched[size_t(i)] >= 0 ? s.foreground : s.background).push_back(i);
    expected[size_t(i)] = matched[size_t(i)];
  }
  EXPECT_EQ(drawn.to_vector<int64_t>(), expected);
  return s;
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

}  // namespace
}  // namespace cawe::models
