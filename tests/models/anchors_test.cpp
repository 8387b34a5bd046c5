// SPDX-License-Identifier: Apache-2.0
// Anchors, box coding and targets against the definitions of Faster R-CNN and RetinaNet, by hand.
#include "models/anchors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/matcher.h"
#include "models/truths.h"
#include "tensor/primitives/detection.h"

namespace cawe::models {
namespace {

using Row = std::vector<float>;

Row row(const Tensor& t, int64_t i) { return t.slice(0, i, i + 1).reshape({-1}).to_vector<float>(); }

TEST(Anchors, BasesAreRoundedHalfToEven) {
  const Tensor small = base_anchors({32}, {0.5, 1, 2});
  EXPECT_EQ(row(small, 0), (Row{-23, -11, 23, 11}));
  EXPECT_EQ(row(small, 1), (Row{-16, -16, 16, 16}));
  EXPECT_EQ(row(small, 2), (Row{-11, -23, 11, 23}));
  EXPECT_EQ(row(base_anchors({64}, {0.5}), 0), (Row{-45, -23, 45, 23}));
  EXPECT_EQ(row(base_anchors({512}, {0.5}), 0), (Row{-362, -181, 362, 181}));
  EXPECT_EQ(row(base_anchors({5}, {1}), 0), (Row{-2, -2, 2, 2}));  // 2.5 is halfway: even wins
  EXPECT_EQ(row(base_anchors({7}, {1}), 0), (Row{-4, -4, 4, 4}));  // 3.5
}

TEST(Anchors, RetinaNetAt512) {
  const AnchorSettings settings = retinanet_anchors();
  EXPECT_EQ(settings.sizes[0], (std::vector<double>{32, 40, 50}));
  EXPECT_EQ(settings.sizes[2], (std::vector<double>{128, 161, 203}));
  EXPECT_EQ(settings.sizes[4], (std::vector<double>{512, 645, 812}));
  const Tensor all = make_anchors(settings, 512, 512, {{64, 64}, {32, 32}, {16, 16}, {8, 8}, {4, 4}});
  EXPECT_EQ(all.shape(), (Shape{49104, 4}));
  EXPECT_EQ(row(all, 0), (Row{-23, -11, 23, 11}));
  EXPECT_EQ(row(all, 1), (Row{-28, -14, 28, 14}));            // the same ratio, the next size (40)
  EXPECT_EQ(row(all, 9), (Row{-15, -11, 31, 11}));            // the next column
  EXPECT_EQ(row(all, 9 * 64), (Row{-23, -3, 23, 19}));        // the next row
  EXPECT_EQ(row(all, 64 * 64 * 9), (Row{-45, -23, 45, 23}));  // the next level
}

TEST(Anchors, SidesKeepTheirAxes) {
  AnchorSettings settings;
  settings.sizes = {{8}};
  settings.ratios = {1};
  const Tensor all = make_anchors(settings, 100, 60, {{2, 3}});  // strides 50 and 20
  EXPECT_EQ(row(all, 1), (Row{16, -4, 24, 4}));
  EXPECT_EQ(row(all, 3), (Row{-4, 46, 4, 54}));
}

TEST(Anchors, RefuseUnevenLevels) {
  AnchorSettings settings;
  settings.sizes = {{8, 10}, {16}};
  EXPECT_THROW(settings.per_cell(), Error);
}

/// What an anchor learns of the box that it is matched with.
std::vector<float> encoded(const Box& box, const Box& anchor, const BoxCoding& coding = {}) {
  Tensor foreground = Tensor::empty({1, 1}), deltas = Tensor::empty({1, 1, 4}), none;
  primitives::match_targets(Tensor::from(std::vector<int64_t>{0}, {1, 1}), {},
                            Tensor::from(Row{anchor.x1, anchor.y1, anchor.x2, anchor.y2}, {1, 4}),
                            packed(std::vector<Truth>{{{box}, {0}}}), coding, 0, foreground, deltas, none,
                            none, none);
  return deltas.to_vector<float>();
}

TEST(BoxCoding, GoldenOfTheSpec) {
  const auto plain = encoded({2, 4, 12, 14}, {0, 0, 10, 20});
  EXPECT_NEAR(plain[0], 0.2, 1e-6);
  EXPECT_NEAR(plain[1], -0.05, 1e-6);
  EXPECT_NEAR(plain[2], 0, 1e-6);
  EXPECT_NEAR(plain[3], -0.693147, 1e-6);
  const auto weighted = encoded({2, 4, 12, 14}, {0, 0, 10, 20}, {10, 10, 5, 5});
  EXPECT_NEAR(weighted[0], 2, 1e-5);
  EXPECT_NEAR(weighted[1], -0.5, 1e-5);
  EXPECT_NEAR(weighted[3], -3.465736, 1e-5);
}

TEST(BoxCoding, OffsetsAreInSidesOfTheAnchor) {
  // Half as wide and half as high again as the anchor; centres (5, 10) and (6.5, 20).
  const auto code = encoded({4, 5, 9, 35}, {0, 0, 10, 20});
  EXPECT_NEAR(code[0], 1.5 / 10, 1e-6);
  EXPECT_NEAR(code[1], 10.0 / 20, 1e-6);
  EXPECT_NEAR(code[2], std::log(0.5), 1e-6);
  EXPECT_NEAR(code[3], std::log(1.5), 1e-6);
}

/// What a batch of images learns, and how many anchors of each are foreground.
struct AnchorTargets {
  Tensor classes, deltas, foreground;
  std::vector<int64_t> counts;
};

AnchorTargets make_targets(const Tensor& anchors, const std::vector<Truth>& truths, int64_t classes,
                           const MatchParams& match) {
  const int64_t n = int64_t(truths.size()), count = anchors.dim(0);
  AnchorTargets t{
      Tensor::empty({n, count, classes}), Tensor::empty({n, count, 4}), Tensor::empty({n, count}), {}};
  Tensor none;
  const Tensor truth = packed(truths);
  primitives::match_targets(matched(anchors, {}, truth, match), {}, anchors, truth, {}, 0, t.foreground,
                            t.deltas, none, t.classes, none);
  const std::vector<float> marks = t.foreground.to_vector<float>();
  for (int64_t i = 0; i < n; ++i)
    t.counts.push_back(std::count(marks.begin() + i * count, marks.begin() + (i + 1) * count, 1.0f));
  return t;
}

const Tensor kAnchors = Tensor::from(
    std::vector<float>{0, 0, 10, 10, 0, 0, 10, 12, 0, 4.5, 10, 14.5, 50, 50, 60, 60, 200, 200, 210, 210},
    {5, 4});

TEST(Targets, ForegroundBackgroundAndLeftOut) {
  const std::vector<Truth> truths{{{{0, 0, 10, 10}}, {1}}, {}};
  const AnchorTargets t = make_targets(kAnchors, truths, 2, {0.5, 0.4, true});
  const std::vector<float> classes = t.classes.to_vector<float>();
  // IoU 1, 0.83, 0.379: two foreground; the third is background; the rest touches nothing.
  EXPECT_EQ(Row(classes.begin(), classes.begin() + 10), (Row{0, 1, 0, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(t.counts, (std::vector<int64_t>{2, 0}));
  for (size_t i = 10; i < 20; ++i) EXPECT_EQ(classes[i], 0) << "an image without boxes is all background";
  EXPECT_NEAR(t.deltas.to_vector<float>()[4 + 3], std::log(10.0 / 12.0), 1e-6);
  EXPECT_EQ(t.foreground.to_vector<float>(), (Row{1, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Targets, BetweenTheThresholdsIsLeftOut) {
  const AnchorTargets t = make_targets(Tensor::from(Row{0, 0, 10, 10, 0, 0, 10, 22}, {2, 4}),
                                       {{{{0, 0, 10, 10}}, {0}}}, 1, {0.5, 0.4, true});
  EXPECT_EQ(t.classes.to_vector<float>(), (Row{1, -1}));  // IoU 1 and 0.4545
}

TEST(Targets, OverlapsOfExactlyTheThresholds) {
  // 100 / 200 is foreground, 100 / 250 no longer background (torchvision: IoU < low is, IoU >= high is).
  for (const bool low_quality : {false, true}) {
    const AnchorTargets t = make_targets(Tensor::from(Row{0, 0, 10, 20, 0, 0, 10, 25, 0, 0, 10, 26}, {3, 4}),
                                         {{{{0, 0, 10, 10}}, {0}}}, 1, {0.5, 0.4, low_quality});
    EXPECT_EQ(t.classes.to_vector<float>(), (Row{1, -1, 0}));
  }
}

TEST(Targets, ABestAnchorIsGivenItsOwnBestBox) {
  // The first anchor is the best of the first box (50 / 150), but overlaps the second one more (70 / 130): it learns
  // the second, as torchvision's matcher has it. The second anchor is the second box.
  const std::vector<Truth> truths{{{{0, 0, 10, 10}, {8, 0, 18, 10}}, {0, 1}}};
  const AnchorTargets t =
      make_targets(Tensor::from(Row{5, 0, 15, 10, 8, 0, 18, 10}, {2, 4}), truths, 2, {0.9, 0.8, true});
  EXPECT_EQ(t.classes.to_vector<float>(), (Row{0, 1, 0, 1}));
  EXPECT_NEAR(t.deltas.to_vector<float>()[0], 0.3, 1e-6);
}

TEST(Targets, ABoxThatNoAnchorTouchesIsNobodys) {
  const AnchorTargets t = make_targets(kAnchors, {{{{100, 100, 110, 110}}, {0}}}, 1, {0.5, 0.4, true});
  EXPECT_EQ(t.counts[0], 0);
  EXPECT_EQ(t.classes.to_vector<float>(), (Row{0, 0, 0, 0, 0}));
}

TEST(Targets, LowQualityGivesEveryBoxItsBest) {
  const std::vector<Truth> truths{{{{52, 52, 57, 57}}, {0}}};  // IoU 0.25 with the fourth anchor
  EXPECT_EQ(make_targets(kAnchors, truths, 1, {0.5, 0.4, true}).counts[0], 1);
  EXPECT_EQ(make_targets(kAnchors, truths, 1, {0.5, 0.4, false}).counts[0], 0);
}

// By hand, thresholds 0.5 and 0.4. Anchors: on the region (IoU 1), half of it inside a large region, a
// quarter inside, far away, and the one that overlaps a small region most (IoU 0.25).
TEST(Targets, IgnoredRegionsAreNoBackground) {
  const auto of = [](const Truth& truth) {
    return matched(kAnchors, {}, packed(std::vector<Truth>{truth}), {0.5, 0.4, true}).to_vector<int64_t>();
  };
  using Matched = std::vector<int64_t>;
  EXPECT_EQ(of({{}, {}, {{0, 0, 10, 10}}}), (Matched{-2, -2, -2, -1, -1}))
      << "IoU 1, 0.83, and 0.55 of the third inside";
  EXPECT_EQ(of({{}, {}, {{0, 0, 10, 9}}}), (Matched{-2, -2, -1, -1, -1}))
      << "0.45 of the third inside, IoU 0.31";
  EXPECT_EQ(of({{}, {}, {{55, 0, 300, 300}}}), (Matched{-1, -1, -1, -2, -2}))
      << "exactly half, and all of it";
  EXPECT_EQ(of({{}, {}, {{56, 0, 300, 300}}}), (Matched{-1, -1, -1, -1, -2}));
  EXPECT_EQ(of({{}, {}, {{52, 52, 57, 57}}}), (Matched{-1, -1, -1, -2, -1})) << "the best of a small region";
  EXPECT_EQ(of({{{0, 0, 10, 10}}, {0}, {{0, 0, 10, 10}}}), (Matched{0, 0, -2, -1, -1}))
      << "a lesion stays one";
  const AnchorTargets t = make_targets(kAnchors, {{{}, {}, {{0, 0, 10, 10}}}}, 1, {0.5, 0.4, true});
  EXPECT_EQ(t.classes.to_vector<float>(), (Row{-1, -1, -1, 0, 0}));
  EXPECT_EQ(t.counts[0], 0);
}

TEST(Targets, AnchorsBehindTheCountAreLeftOut) {
  const std::vector<Truth> truths{{{{0, 0, 10, 10}}, {0}}, {}};
  const Tensor own = Tensor::empty({2, 5, 4});
  for (int64_t i = 0; i < 2; ++i) own.slice(0, i, i + 1).copy_from(kAnchors.unsqueeze(0));
  const Tensor counts = Tensor::from(std::vector<int64_t>{1, 4}, {2});
  EXPECT_EQ(matched(own, counts, packed(truths), {0.5, 0.4, true}).to_vector<int64_t>(),
            (std::vector<int64_t>{0, -2, -2, -2, -2, -1, -1, -1, -1, -2}));
}

TEST(Targets, AnImageHasNothingToLearnWhereLimitsLeaveOutAll) {
  // low 0 and high 1: no background, and foreground only where an anchor is a box.
  const Tensor two = kAnchors.slice(0, 1, 3);
  const Truth box{{{0, 0, 10, 10}}, {0}};
  EXPECT_FALSE(any_learns(two, box, {1, 0, false}, true));
  EXPECT_TRUE(any_learns(kAnchors, box, {1, 0, false}, true)) << "the first anchor is the box";
  EXPECT_FALSE(any_learns(kAnchors, box, {1, 0, false}, false)) << "matched anchors are not drawn";
  EXPECT_TRUE(any_learns(two, box, {1, 0, true}, true)) << "the best anchor of the box";
  EXPECT_TRUE(any_learns(two, box, {1, 0.4, false}, true)) << "0.379 is background";
  EXPECT_TRUE(any_learns(two, {}, {1, 0, false}, true)) << "no box: all background";
  EXPECT_FALSE(any_learns(two, {{{300, 300, 310, 310}}, {0}}, {1, 0, true}, true)) << "nothing overlaps";
}

TEST(Targets, TheSameAsWhatIsDrawn) {
  for (const MatchParams& match :
       {MatchParams{1, 0, false}, MatchParams{1, 0, true}, MatchParams{0.9, 0.3, false},
        MatchParams{0.5, 0.38, false}, MatchParams{0.84, 0, false}, MatchParams{1, 0, true, 20, 11},
        MatchParams{0.5, 0.38, true, 60, 14}})
    for (int64_t begin = 0; begin < 5; ++begin)
      for (int64_t end = begin + 1; end <= 5; ++end)
        for (const Truth& truth :
             {Truth{{{0, 0, 10, 10}}, {0}}, Truth{{{300, 300, 310, 310}}, {0}}, Truth{}}) {
          const Tensor some = kAnchors.slice(0, begin, end).contiguous();
          const std::vector<int64_t> m =
              matched(some, {}, packed(std::vector<Truth>{truth}), match).to_vector<int64_t>();
          const bool any = std::any_of(m.begin(), m.end(), [](int64_t g) { return g != -2; });
          EXPECT_EQ(any_learns(some, truth, match, true), any)
              << match.high << " " << match.low << " " << begin;
        }
}

// A picture of 50 x 14: of kAnchors the first two lie inside (edges may touch), the third reaches below, the others beside.
TEST(Targets, AnchorsOverTheEdgeAreLeftOut) {
  const MatchParams inside{0.5, 0.4, true, 50, 14};
  using Matched = std::vector<int64_t>;
  const auto of = [&](const Truth& truth, const MatchParams& match) {
    return matched(kAnchors, {}, packed(std::vector<Truth>{truth}), match).to_vector<int64_t>();
  };
  EXPECT_EQ(of({}, inside), (Matched{-1, -1, -2, -2, -2}));
  EXPECT_EQ(of({{{0, 4.5, 10, 14}}, {0}}, {0.9, 0.4, true}), (Matched{-1, -2, 0, -1, -1}))
      << "IoU 0.38, 0.54 and 0.95: the third is the best";
  EXPECT_EQ(of({{{0, 4.5, 10, 14}}, {0}}, {0.9, 0.4, true, 50, 14}), (Matched{-1, 0, -2, -2, -2}))
      << "the best of those inside";
  EXPECT_EQ(of({{}, {}, {{0, 0, 10, 10}}}, inside), (Matched{-2, -2, -2, -2, -2}));
  const struct {
    double width, height;
    Matched expected;
  } edges[] = {{10, 10, {-1, -2, -2, -2, -2}},
               {9.9, 10, {-2, -2, -2, -2, -2}},
               {60, 60, {-1, -1, -1, -1, -2}},
               {60, 59.9, {-1, -1, -1, -2, -2}}};
  for (const auto& e : edges) EXPECT_EQ(of({}, {0.5, 0.4, true, e.width, e.height}), e.expected) << e.width;
  const Tensor before = Tensor::from(Row{-1, 0, 5, 5, 0, -1, 5, 5, 0, 0, 5, 5}, {3, 4});
  EXPECT_EQ(matched(before, {}, packed(std::vector<Truth>{{}}), inside).to_vector<int64_t>(),
            (Matched{-2, -2, -1}));
  EXPECT_TRUE(any_takes_part(before, inside));
  EXPECT_FALSE(any_takes_part(before.slice(0, 0, 2).contiguous(), inside));
  EXPECT_TRUE(any_takes_part(before.slice(0, 0, 2).contiguous(), {0.5, 0.4, true}));
}

TEST(Truths, RowsAreFilledUpToAPowerOfTwo) {
  const Tensor t = packed(std::vector<Truth>{{{{1, 2, 3, 4}}, {5}, {{6, 7, 8, 9}}}, {}});
  EXPECT_EQ(t.shape(), (Shape{2, 8, 5}));
  EXPECT_EQ(row(t.slice(0, 0, 1).reshape({8, 5}), 0), (Row{1, 2, 3, 4, 5}));
  EXPECT_EQ(row(t.slice(0, 0, 1).reshape({8, 5}), 1), (Row{6, 7, 8, 9, -2}));
  EXPECT_EQ(row(t.slice(0, 0, 1).reshape({8, 5}), 2)[4], -1);
  EXPECT_EQ(row(t.slice(0, 1, 2).reshape({8, 5}), 0)[4], -1);
  const std::vector<Box> nine(9, {0, 0, 1, 1});
  EXPECT_EQ(packed(std::vector<Truth>{{nine, std::vector<int64_t>(9, 0)}}).dim(1), 16);
  const std::vector<Box> five(5, {0, 0, 1, 1});
  EXPECT_EQ(packed(std::vector<Truth>{{five, std::vector<int64_t>(5, 0), five}}).dim(1), 16);
  EXPECT_EQ(packed(std::vector<Truth>{{nine, std::vector<int64_t>(9, 0)}}, 8).dim(1), 16);
  EXPECT_EQ(packed(std::vector<Truth>{{five, std::vector<int64_t>(5, 0)}}, 32).shape(), (Shape{1, 32, 5}));
}

TEST(Targets, BadBoxesNameTheImage) {
  for (const Truth& bad :
       {Truth{{{5, 5, 5, 9}}, {0}}, Truth{{{0, 0, 5, NAN}}, {0}}, Truth{{{0, 0, 5, 5}}, {1}}}) {
    try {
      check_truth(bad, 1, "film-7");
      FAIL() << "a bad box went through";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::data);
      EXPECT_EQ(std::string(e.what()).rfind("film-7", 0), 0u) << e.what();
    }
  }
}

}  // namespace
}  // namespace cawe::models
