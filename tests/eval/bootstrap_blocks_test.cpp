// SPDX-License-Identifier: Apache-2.0
// Draws by blocks against one draw after another: the same bits, under every rule and on any number of threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "eval/auroc.h"
#include "eval/bootstrap.h"
#include "eval/evaluate.h"
#include "eval/froc_draws.h"
#include "eval/mean_ap.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tests/eval/made_up_runs.h"

namespace cawe::eval {
namespace {

constexpr int64_t kSome = 150;  // not a multiple of a block
const std::vector<double> kFps = {0, .125, .3, 1, 1, 2.5, 8};

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof(a)) == 0 || (a != a && b != b); }

/// Films with crowd regions, of which boxes are neither found nor false, and lesion-free ones at the end of a person.
std::vector<TruthImage> films_with_crowds() {
  std::vector<TruthImage> truth = testing::run_truth();
  for (size_t i = 0; i < truth.size(); i += 7) truth[i].boxes.push_back({{0, 0, 120, 256}, 0, true, 30720});
  return truth;
}

Clusters clusters_of(const std::vector<TruthImage>& truth) {
  Clusters clusters;
  clusters.of_item = patient_index(truth, &clusters.count);
  return clusters;
}

/// Sens@N as the definition has it: the whole curve of a draw, read at each N.
std::vector<double> by_definition(const FrocData& data, const std::vector<int32_t>& weights) {
  const FrocCurve curve = froc_curve(data, &weights);
  std::vector<double> out;
  for (const double fp : kFps) out.push_back(sens_at(curve, fp).sensitivity);
  return out;
}

/// Every draw of the blocks against the definition and against weighted_sens().
void expect_same_sens(const FrocData& data, const Clusters& clusters, const std::string& what) {
  const FrocDraws froc(data, kFps);
  const auto drawn = bootstrap_blocks(
      clusters, int64_t(kFps.size()), [&](const DrawBlock& block, double* v) { froc.sens(block, v); }, kSome,
      5);
  std::vector<int32_t> weights;
  std::vector<double> one(kFps.size());
  for (int64_t b = 0; b < kSome; ++b) {
    draw_weights(clusters, 5, uint64_t(b), &weights);
    weighted_sens(data, weights, kFps, one.data());
    const std::vector<double> defined = by_definition(data, weights);
    for (size_t k = 0; k < kFps.size(); ++k) {
      ASSERT_TRUE(same_bits(drawn[k][size_t(b)], one[k])) << what << ", draw " << b << " at " << kFps[k];
      ASSERT_TRUE(same_bits(one[k], defined[k])) << what << ", draw " << b << " at " << kFps[k];
    }
  }
}

TEST(BootstrapBlocks, SensitivitiesHaveTheBitsOfOneDrawUnderEveryRule) {
  const auto truth = films_with_crowds();
  const auto detections = testing::run_detections(truth, 0, 1);
  const Clusters clusters = clusters_of(truth);
  for (const char* rule : {"iou", "centre", "iobb", "deeplesion"})
    for (const Duplicates duplicates : {Duplicates::ignore, Duplicates::fp})
      for (const SensMode mode : {SensMode::step, SensMode::linear, SensMode::raw}) {
        FrocOptions options = froc_preset(rule);
        options.duplicates = duplicates;
        options.mode = mode;
        expect_same_sens(judge(truth, detections, options), clusters, describe(options));
      }
}

TEST(BootstrapBlocks, ScoresThatAreAllEqualOrAllDifferent) {
  const auto truth = testing::run_truth();
  auto detections = testing::run_detections(truth, 0, 1);
  for (Detection& d : detections) d.score = .5;
  expect_same_sens(judge(truth, detections), clusters_of(truth), "one point");
  for (size_t i = 0; i < detections.size(); ++i) detections[i].score = double((i * 7919) % 10007) / 10007;
  expect_same_sens(judge(truth, detections), clusters_of(truth), "a point for each");
  expect_same_sens(judge(truth, {}), clusters_of(truth), "no detection");
}

// 29 false boxes on 100 films are a rate of .29, though .29 x 100 is less than 29 in binary.
TEST(BootstrapBlocks, ARateOfExactlyTheAskedOneIsReadThere) {
  std::vector<TruthImage> truth(100);
  truth[0].boxes.push_back({{10, 10, 42, 42}, 0, false, 1024});
  std::vector<Detection> detections = {{0, {10, 10, 42, 42}, .5, 0}};
  for (int64_t i = 1; i < 60; ++i) detections.push_back({i, {90, 90, 99, 99}, i < 30 ? .9 : .1, 0});
  const Clusters clusters = clusters_of(truth);
  const FrocDraws froc(judge(truth, detections), {.28, .29});
  const auto sens =
      of_whole_set(clusters, 2, [&](const DrawBlock& block, double* v) { froc.sens(block, v); });
  EXPECT_EQ(sens[0], 0);
  EXPECT_EQ(sens[1], 1);
}

TEST(BootstrapBlocks, DrawsWithoutALesionAreUndefinedInTheirLaneAlone) {
  std::vector<TruthImage> truth(4);  // the lesion is on one of four films: a third of the draws lack it
  truth[2].boxes.push_back({{10, 10, 42, 42}, 0, false, 1024});
  const std::vector<Detection> detections = {
      {2, {10, 10, 42, 42}, .5, 0}, {0, {90, 90, 99, 99}, .9, 0}, {1, {90, 90, 99, 99}, .2, 0}};
  const Clusters clusters = clusters_of(truth);
  const FrocData data = judge(truth, detections);
  expect_same_sens(data, clusters, "one lesion");
  const Ap50 ap50(truth, detections);
  const auto drawn = bootstrap_blocks(
      clusters, 1, [&](const DrawBlock& block, double* v) { ap50.values(block, v); }, kSome, 5);
  int64_t undefined = 0;
  std::vector<int32_t> weights;
  for (int64_t b = 0; b < kSome; ++b) {
    draw_weights(clusters, 5, uint64_t(b), &weights);
    EXPECT_EQ(std::isnan(drawn[0][size_t(b)]), weights[2] == 0);
    undefined += weights[2] == 0;
  }
  EXPECT_GT(undefined, 20);
  EXPECT_LT(undefined, kSome - 20);
}

/// COCO's average precision of a weighted set, from the matches of single films: every detection is a point.
double plain_ap(const std::vector<TruthImage>& truth, std::vector<Detection> detections,
                const std::vector<int32_t>& weights) {
  struct Point {
    double score;
    int64_t image;
    bool hit;
  };
  std::vector<Point> points;
  double positives = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    positives += weights[i] * double(truth[i].boxes.size());
    std::vector<Detection> here;
    for (const Detection& d : detections)
      if (d.image == int64_t(i)) here.push_back(d);
    std::stable_sort(here.begin(), here.end(),
                     [](const Detection& a, const Detection& b) { return a.score > b.score; });
    std::vector<bool> taken(truth[i].boxes.size(), false);
    for (const Detection& d : here) {
      double best = 0.5;
      size_t match = taken.size();
      for (size_t g = 0; g < taken.size(); ++g)
        if (!taken[g] && iou(d.box, truth[i].boxes[g].box) >= best) {
          best = iou(d.box, truth[i].boxes[g].box);
          match = g;
        }
      if (match < taken.size()) taken[match] = true;
      points.push_back({d.score, int64_t(i), match < taken.size()});
    }
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.score > b.score; });
  std::vector<double> recall, precision;
  double hits = 0, seen = 0;
  for (const Point& p : points)
    if (const double w = weights[size_t(p.image)]; w > 0) {
      hits += p.hit ? w : 0;
      seen += w;
      recall.push_back(hits / positives);
      precision.push_back(hits / seen);
    }
  double sum = 0;
  for (int r = 0; r <= 100; ++r) {
    double best = 0;
    for (size_t i = 0; i < recall.size(); ++i)
      if (recall[i] >= 0.01 * r) best = std::max(best, precision[i]);
    sum += best;
  }
  return sum / 101;
}

TEST(BootstrapBlocks, AveragePrecisionHasTheBitsOfOneDraw) {
  const auto truth = testing::run_truth();
  const Clusters clusters = clusters_of(truth);
  for (const uint64_t seed : {0, 1, 2}) {
    const auto detections = testing::run_detections(truth, 1, seed);
    const Ap50 ap50(truth, detections);
    const auto drawn = bootstrap_blocks(
        clusters, 1, [&](const DrawBlock& block, double* v) { ap50.values(block, v); }, kSome, 5);
    std::vector<int32_t> weights;
    for (int64_t b = 0; b < kSome; ++b) {
      draw_weights(clusters, 5, uint64_t(b), &weights);
      ASSERT_TRUE(same_bits(drawn[0][size_t(b)], ap50.value(weights))) << "draw " << b;
      ASSERT_TRUE(same_bits(drawn[0][size_t(b)], plain_ap(truth, detections, weights))) << "draw " << b;
    }
  }
}

// With ties, unknown labels and a label that some draws have of one class only.
TEST(BootstrapBlocks, AurocsHaveTheBitsOfOneDraw) {
  const Clusters clusters = clusters_of(testing::run_truth());
  Random random(8, "test.blocks.auroc");
  std::vector<std::vector<double>> scores(2);
  std::vector<std::vector<int>> labels(2);
  for (size_t i = 0; i < clusters.of_item.size(); ++i) {
    for (auto& s : scores) s.push_back(testing::whole(&random, 12) / 12);
    labels[0].push_back(int(testing::whole(&random, 3)) - 1);
    labels[1].push_back(i == 59 ? 1 : 0);
  }
  const Statistic one = [&](const std::vector<int32_t>& weights, double* v) {
    v[0] = weighted_auroc(scores[0], labels[0], weights);
    v[1] = weighted_auroc(scores[1], labels[1], weights);
    v[2] = std::isnan(v[1]) ? v[0] : (v[0] + v[1]) / 2;
  };
  const auto drawn = bootstrap(clusters, 3, one, kSome, 5);
  const AurocTable table = auroc_table({"a", "b"}, scores, labels, clusters, kSome, 5);
  const Interval* ours[] = {&table.labels[0].auroc, &table.labels[1].auroc, &table.mean};
  for (size_t k = 0; k < 3; ++k) {
    const Interval expected = percentile_interval(0, drawn[k]);
    EXPECT_TRUE(same_bits(ours[k]->low, expected.low)) << k;
    EXPECT_TRUE(same_bits(ours[k]->high, expected.high)) << k;
    EXPECT_EQ(ours[k]->skipped, expected.skipped) << k;
  }
  EXPECT_GT(table.labels[1].auroc.skipped, 30);
  EXPECT_DOUBLE_EQ(table.labels[0].auroc.value, auroc(scores[0], labels[0]));
}

// Counters of a block have 32 bits. A set whose counts need more is computed draw by draw.
TEST(BootstrapBlocks, CountsBeyond32BitsAreRight) {
  std::vector<TruthImage> truth(2);
  truth[0].boxes.push_back({{10, 10, 42, 42}, 0, false, 1024});
  std::vector<Detection> detections;
  for (int k = 0; k < 3; ++k) detections.push_back({1, {90, 90, 99, 99}, .9 - .1 * k, 0});
  detections.push_back({0, {10, 10, 42, 42}, .75, 0});
  const Clusters clusters = clusters_of(truth);
  const FrocData data = judge(truth, detections);
  const Ap50 ap50(truth, detections);
  DrawBlock block{0, 2, &clusters, std::vector<int32_t>(2 * kDrawBlock, 0)};
  for (size_t lane : {0, 1}) {
    block.times[lane] = 7;
    block.times[kDrawBlock + lane] = lane == 0 ? 1 << 30 : 5;
  }
  const std::vector<double> fps = {1, 2, 3};
  std::vector<double> out(4 * kDrawBlock), one(3);
  FrocDraws(data, fps).sens(block, out.data());
  ap50.values(block, out.data() + 3 * kDrawBlock);
  for (size_t lane : {0, 1}) {
    const std::vector<int32_t> weights = {7, lane == 0 ? 1 << 30 : 5};
    weighted_sens(data, weights, fps, one.data());
    for (size_t k = 0; k < fps.size(); ++k)
      EXPECT_TRUE(same_bits(out[k * kDrawBlock + lane], one[k])) << lane;
    EXPECT_TRUE(same_bits(out[3 * kDrawBlock + lane], ap50.value(weights))) << lane;
  }
  EXPECT_EQ(out[0], 0);
  EXPECT_EQ(out[kDrawBlock], 1) << "the lesion is found behind two false boxes on nearly every film";
}

TEST(BootstrapBlocks, EvaluationHasTheSameBitsOnOneAndTwoThreads) {
  const auto truth = testing::run_truth();
  const auto detections = testing::run_detections(truth, 0, 2);
  EvaluateOptions options;
  options.draws = 1000;
  const int before = num_threads();
  set_num_threads(1);
  const Evaluation one = evaluate(truth, detections, options);
  set_num_threads(2);
  const Evaluation two = evaluate(truth, detections, options);
  set_num_threads(before);
  EXPECT_EQ(one.drawn, two.drawn);
  EXPECT_EQ(one.band_low, two.band_low);
  EXPECT_EQ(one.band_high, two.band_high);
  ASSERT_EQ(one.drawn.size(), kCompared);
  ASSERT_EQ(one.drawn[0].size(), 1000u);
  options.draws = kSome;  // fewer draws are the first ones
  const Evaluation fewer = evaluate(truth, detections, options);
  for (size_t k = 0; k < kCompared; ++k)
    EXPECT_TRUE(std::equal(fewer.drawn[k].begin(), fewer.drawn[k].end(), one.drawn[k].begin())) << k;
}

TEST(BootstrapBlocks, ABlockHoldsTheDrawsOfItsNumbers) {
  const Clusters clusters{{0, 0, 1, 2, 2, 2, 3}, 4};
  int64_t seen = 0;
  const int before = num_threads();
  set_num_threads(1);
  bootstrap_blocks(
      clusters, 1,
      [&](const DrawBlock& block, double*) {
        std::vector<int32_t> weights;
        for (int64_t lane = 0; lane < kDrawBlock; ++lane) {
          draw_weights(clusters, 9, uint64_t(block.first + lane), &weights);
          if (lane >= block.count) weights.assign(weights.size(), 0);
          for (size_t i = 0; i < weights.size(); ++i) EXPECT_EQ(block.of_item(int64_t(i))[lane], weights[i]);
        }
        EXPECT_EQ(block.total({1, 1, 0, 0, 0, 0, 3})[0], 2 * block.of_item(0)[0] + 3 * block.of_item(6)[0]);
        seen += block.count;
      },
      kSome, 9);
  set_num_threads(before);
  EXPECT_EQ(seen, kSome);
}

TEST(BootstrapBlocks, HolmsFloor) {
  EXPECT_DOUBLE_EQ(holm_floor(2000, 11), 22.0 / 2001);
  EXPECT_DOUBLE_EQ(holm_floor(20000, 11), 22.0 / 20001);
  EXPECT_DOUBLE_EQ(holm_floor(10, 100), 1);
  // It is what the smallest p of a family comes to: no draw on the other side.
  const std::vector<double> always(50, 1.0);
  const double p = difference_of_draws(1, always).p;
  EXPECT_DOUBLE_EQ(holm({p, .9, .8})[0], holm_floor(50, 3));
}

// Equal counts in another order of summation are a tie, on both sides of p.
TEST(BootstrapBlocks, RoundingIsNoDifference) {
  const double third = .1 + .2 - .3;  // 5.6e-17
  EXPECT_DOUBLE_EQ(difference_of_draws(.1, {.1, third, .2, .1}).p, 2.0 * 2 / 5);
  EXPECT_DOUBLE_EQ(difference_of_draws(-.1, {-.1, -third, -.2, -.1}).p, 2.0 * 2 / 5);
}

}  // namespace
}  // namespace cawe::eval
