// SPDX-License-Identifier: Apache-2.0
// Boxes of several folds in one order: by hand, against thresholds of each fold, and under scores of another scale.
#include "study/fold_scores.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "eval/evaluate.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::study {
namespace {

using eval::Detection;
using eval::TruthImage;

Detection box_on(int64_t image, double score) {
  Detection d;
  d.image = image;
  d.box = {10, 10, 20, 20};
  d.score = score;
  return d;
}

std::vector<double> scores_of(const std::vector<Detection>& detections) {
  std::vector<double> scores;
  for (const Detection& d : detections) scores.push_back(d.score);
  return scores;
}

TEST(FoldScores, ByHand) {
  // Fold 0: two films, scores .9 .9 .1; fold 1: one film, .2 .05.
  const std::vector<Detection> d{box_on(0, 0.9), box_on(2, 0.2), box_on(1, 0.9), box_on(0, 0.1),
                                 box_on(2, 0.05)};
  // Boxes per film: two of 2, the tie counted as one step; one of 1; two of 2; three of 2; two of 1.
  EXPECT_EQ(scores_of(ranked_in_folds(d, {0, 0, 1})),
            (std::vector<double>{1 / 2.0, 1 / 2.0, 1 / 2.0, 1 / 2.5, 1 / 3.0}));
  const std::vector<Detection> same = ranked_in_folds(d, {0, 0, 0});
  EXPECT_EQ(scores_of(same), (std::vector<double>{1 / (1 + 2 / 3.0), 1 / 2.0, 1 / (1 + 2 / 3.0),
                                                  1 / (1 + 4 / 3.0), 1 / (1 + 5 / 3.0)}));
  EXPECT_TRUE(ranked_in_folds({}, {0, 1}).empty());
  EXPECT_THROW(ranked_in_folds({box_on(3, 0.5)}, {0, 0, 1}), Error);
  EXPECT_THROW(ranked_in_folds({box_on(0, NAN)}, {0}), Error);
}

/// Films in three folds of unequal size, most with lesions; boxes on lesions and beside them, scores with ties.
struct Scene {
  std::vector<TruthImage> truth;
  std::vector<size_t> fold_of;
  std::vector<Detection> detections;
};

Scene scene(uint64_t seed) {
  Random random(seed, "scene");
  Scene s;
  for (int64_t i = 0; i < 45; ++i) {
    TruthImage image;
    image.id = "film" + std::to_string(i);
    image.patient = "p" + std::to_string(i / 2);
    image.width = image.height = 100;
    for (int64_t k = int64_t(random.next_below(3)); k > 0; --k) {
      eval::TruthBox box;
      box.box = {double(30 * k), 10, double(30 * k + 20), 30};
      box.area = 400;
      image.boxes.push_back(box);
    }
    for (int64_t k = 0; k < 6; ++k) {
      Detection d;
      d.image = i;
      const double x = double(30 * random.next_below(3)), y = random.next_below(2) == 0 ? 11 : 60;
      d.box = {x, y, x + 20, y + 20};
      d.score = double(1 + random.next_below(40)) / 40;
      s.detections.push_back(d);
    }
    s.truth.push_back(image);
    s.fold_of.push_back(size_t(i < 24 ? 0 : i < 39 ? 1 : 2));
  }
  return s;
}

/// Lesions found at a common threshold, or with NaN for it at the highest threshold of each fold at which it gives at
/// least `boxes` per film: plain loops over films and boxes.
int64_t found(const Scene& s, const std::vector<Detection>& detections, double threshold, double boxes,
              double* given) {
  std::vector<double> limits(3, threshold), films(3, 0);
  for (const size_t fold : s.fold_of) ++films[fold];
  for (size_t fold = 0; fold < 3 && std::isnan(threshold); ++fold) {
    limits[fold] = -INFINITY;
    std::set<double, std::greater<>> steps;
    for (const Detection& d : detections)
      if (s.fold_of[size_t(d.image)] == fold) steps.insert(d.score);
    for (const double step : steps) {
      double count = 0;
      for (const Detection& d : detections) count += s.fold_of[size_t(d.image)] == fold && d.score >= step;
      if (count / films[fold] > boxes + 1e-12) break;
      limits[fold] = step;
    }
    if (limits[fold] == -INFINITY) limits[fold] = INFINITY;  // not even its first step
  }
  int64_t lesions = 0;
  *given = 0;
  for (size_t i = 0; i < s.truth.size(); ++i)
    for (const eval::TruthBox& lesion : s.truth[i].boxes)
      lesions += std::any_of(detections.begin(), detections.end(), [&](const Detection& d) {
        return size_t(d.image) == i && d.score >= limits[s.fold_of[i]] && d.box.x1 == lesion.box.x1 &&
               d.box.y1 == 11;
      });
  for (const Detection& d : detections) *given += d.score >= limits[s.fold_of[size_t(d.image)]];
  return lesions;
}

TEST(FoldScores, ACommonThresholdIsOneOfEachFoldAtEquallyManyBoxes) {
  for (const uint64_t seed : {1, 2, 3}) {
    const Scene s = scene(seed);
    const std::vector<Detection> ranked = ranked_in_folds(s.detections, s.fold_of);
    for (const double boxes : {0.25, 0.5, 1.0, 2.0, 3.5, 5.0}) {
      double of_folds = 0, of_all = 0;
      const int64_t apart = found(s, s.detections, NAN, boxes, &of_folds),
                    together = found(s, ranked, 1 / (1 + boxes) - 1e-12, boxes, &of_all);
      EXPECT_EQ(apart, together) << seed << " " << boxes;
      EXPECT_EQ(of_folds, of_all) << seed << " " << boxes;
      EXPECT_GT(of_all, 0);
    }
  }
}

TEST(FoldScores, AnotherScaleOfAFoldChangesNothing) {
  const Scene s = scene(4);
  std::vector<Detection> other = s.detections;
  for (Detection& d : other)
    if (s.fold_of[size_t(d.image)] == 1)
      d.score = 0.3 + 0.01 * d.score * d.score;  // sure of itself by its own lights
  EXPECT_EQ(scores_of(ranked_in_folds(other, s.fold_of)),
            scores_of(ranked_in_folds(s.detections, s.fold_of)));
  eval::EvaluateOptions options;
  options.draws = 20;
  const auto mean = [&](const std::vector<Detection>& d) {
    return eval::evaluate(s.truth, d, options).mean_paper.value;
  };
  EXPECT_NE(mean(other), mean(s.detections)) << "pooled scores do depend on it";
  EXPECT_EQ(mean(ranked_in_folds(other, s.fold_of)), mean(ranked_in_folds(s.detections, s.fold_of)));
}

TEST(FoldScores, OneFoldKeepsEveryFigure) {
  const Scene s = scene(5);
  const std::vector<size_t> one(s.truth.size(), 0);
  eval::EvaluateOptions options;
  options.draws = 50;
  const eval::Evaluation plain = eval::evaluate(s.truth, s.detections, options),
                         ranked = eval::evaluate(s.truth, ranked_in_folds(s.detections, one), options);
  EXPECT_EQ(plain.mean_paper.value, ranked.mean_paper.value);
  EXPECT_EQ(plain.mean_paper.low, ranked.mean_paper.low);
  EXPECT_EQ(plain.map50.value, ranked.map50.value);
  EXPECT_EQ(plain.drawn, ranked.drawn);
}

}  // namespace
}  // namespace cawe::study
