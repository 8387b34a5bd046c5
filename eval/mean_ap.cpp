// SPDX-License-Identifier: Apache-2.0
// COCO's average precision and recall, step by step in pycocotools' order, so that ties have the same result.
#include "eval/mean_ap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "tensor/error.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kThresholds = 10, kRecalls = 101, kMaxDetections = 100;
using PerThreshold = std::array<double, kThresholds>;

struct AreaRange {
  double low, high;
};
constexpr double kAll = 1e10;
constexpr std::array<AreaRange, 4> kAreas = {
    {{0, kAll}, {0, 32.0 * 32.0}, {32.0 * 32.0, 96.0 * 96.0}, {96.0 * 96.0, kAll}}};

double threshold(int t) { return 0.5 + 0.05 * t; }

/// IoU as in COCO: with a crowd region, the detection's area takes the place of the union.
double coco_iou(const BoxD& detection, const TruthBox& truth) {
  const double inter = intersection(detection, truth.box);
  const double total = truth.crowd ? detection.area() : detection.area() + truth.box.area() - inter;
  return inter > 0 ? inter / total : 0;
}

/// One image and label: true boxes, detections by falling score (at most 100) and their overlaps.
struct Cell {
  std::vector<const TruthBox*> truth;
  std::vector<const Detection*> detections;
};

/// Whether a detection is a hit, a miss or ignored at each threshold, within one area range.
struct Fate {
  double score = 0;
  size_t rank = 0;  ///< position within its image and label
  std::array<bool, kThresholds> matched{}, ignored{};
};

void match_cell(const Cell& cell, const AreaRange& area, std::vector<Fate>* fates, int64_t* positives) {
  const size_t truths = cell.truth.size();
  std::vector<size_t> order(truths);
  std::iota(order.begin(), order.end(), size_t{0});
  const auto ignored = [&](size_t g) {
    return cell.truth[g]->crowd || cell.truth[g]->area < area.low || cell.truth[g]->area > area.high;
  };
  std::stable_partition(order.begin(), order.end(), [&](size_t g) { return !ignored(g); });
  for (size_t g : order) *positives += ignored(g) ? 0 : 1;

  const size_t first = fates->size();
  for (size_t d = 0; d < cell.detections.size(); ++d)
    fates->push_back({cell.detections[d]->score, d, {}, {}});
  for (int t = 0; t < kThresholds; ++t) {
    std::vector<bool> taken(truths, false);
    for (size_t d = 0; d < cell.detections.size(); ++d) {
      double best = std::min(threshold(t), 1 - 1e-10);
      long match = -1;
      for (size_t g : order) {
        if (taken[g] && !cell.truth[g]->crowd) continue;
        if (match >= 0 && !ignored(size_t(match)) && ignored(g)) break;
        const double overlap = coco_iou(cell.detections[d]->box, *cell.truth[g]);
        if (overlap < best) continue;
        best = overlap;
        match = long(g);
      }
      Fate& fate = (*fates)[first + d];
      const double size = cell.detections[d]->box.area();
      fate.matched[size_t(t)] = match >= 0;
      fate.ignored[size_t(t)] = match >= 0 ? ignored(size_t(match)) : size < area.low || size > area.high;
      if (match >= 0) taken[size_t(match)] = true;
    }
  }
}

/// Mean over 101 recalls of the highest precision at that recall or above.
double average_precision(const std::vector<double>& recall, std::vector<double> precision) {
  for (size_t i = precision.size(); i > 1; --i)
    precision[i - 2] = std::max(precision[i - 2], precision[i - 1]);
  double sum = 0;
  for (int r = 0; r < kRecalls; ++r) {
    const auto at = std::lower_bound(recall.begin(), recall.end(), 0.01 * r);
    if (at != recall.end()) sum += precision[size_t(at - recall.begin())];
  }
  return sum / kRecalls;
}

struct LabelResult {
  PerThreshold precision{}, recall{};
};

LabelResult accumulate(const std::vector<Fate>& fates, int64_t positives, int max_detections) {
  std::vector<const Fate*> pooled;
  for (const Fate& fate : fates)
    if (fate.rank < size_t(max_detections)) pooled.push_back(&fate);
  std::stable_sort(pooled.begin(), pooled.end(),
                   [](const Fate* a, const Fate* b) { return a->score > b->score; });
  LabelResult result;
  for (size_t t = 0; t < kThresholds; ++t) {
    std::vector<double> recall, precision;
    double hits = 0, misses = 0;
    for (const Fate* fate : pooled) {
      if (!fate->ignored[t]) (fate->matched[t] ? hits : misses) += 1;
      recall.push_back(hits / double(positives));
      precision.push_back(hits / (hits + misses + std::numeric_limits<double>::epsilon()));
    }
    result.recall[t] = recall.empty() ? 0 : recall.back();
    result.precision[t] = average_precision(recall, std::move(precision));
  }
  return result;
}

struct Mean {
  double sum = 0;
  int64_t count = 0;
  void add(double v) {
    sum += v;
    ++count;
  }
  double value() const { return count == 0 ? kNaN : sum / double(count); }
};

std::vector<Cell> cells_of_label(const std::vector<TruthImage>& truth,
                                 const std::vector<Detection>& detections, int64_t label) {
  std::vector<Cell> cells(truth.size());
  for (size_t i = 0; i < truth.size(); ++i)
    for (const TruthBox& box : truth[i].boxes)
      if (box.label == label) cells[i].truth.push_back(&box);
  for (const Detection& d : detections)
    if (d.label == label) cells[size_t(d.image)].detections.push_back(&d);
  for (Cell& cell : cells) {
    std::stable_sort(cell.detections.begin(), cell.detections.end(),
                     [](const Detection* a, const Detection* b) { return a->score > b->score; });
    if (cell.detections.size() > kMaxDetections) cell.detections.resize(kMaxDetections);
  }
  return cells;
}

}  // namespace

std::vector<std::pair<std::string, double>> CocoSummary::named() const {
  return {{"AP", ap},
          {"AP50", ap50},
          {"AP75", ap75},
          {"APsmall", ap_small},
          {"APmedium", ap_medium},
          {"APlarge", ap_large},
          {"AR1", ar1},
          {"AR10", ar10},
          {"AR100", ar100},
          {"ARsmall", ar_small},
          {"ARmedium", ar_medium},
          {"ARlarge", ar_large}};
}

CocoSummary coco_summary(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections) {
  check_detections(truth, detections);
  std::set<int64_t> labels;
  for (const TruthImage& image : truth)
    for (const TruthBox& box : image.boxes) labels.insert(box.label);
  Mean ap50, ap75, ar1, ar10;
  std::array<Mean, 4> ap, ar;
  for (int64_t label : labels) {
    const std::vector<Cell> cells = cells_of_label(truth, detections, label);
    for (size_t a = 0; a < kAreas.size(); ++a) {
      std::vector<Fate> fates;
      int64_t positives = 0;
      for (const Cell& cell : cells) match_cell(cell, kAreas[a], &fates, &positives);
      if (positives == 0) continue;
      const LabelResult all = accumulate(fates, positives, 100);
      for (size_t t = 0; t < kThresholds; ++t) {
        ap[a].add(all.precision[t]);
        ar[a].add(all.recall[t]);
      }
      if (a != 0) continue;
      ap50.add(all.precision[0]);
      ap75.add(all.precision[5]);
      for (double r : accumulate(fates, positives, 1).recall) ar1.add(r);
      for (double r : accumulate(fates, positives, 10).recall) ar10.add(r);
    }
  }
  return {ap[0].value(), ap50.value(), ap75.value(),  ap[1].value(), ap[2].value(), ap[3].value(),
          ar1.value(),   ar10.value(), ar[0].value(), ar[1].value(), ar[2].value(), ar[3].value()};
}

Ap50::Ap50(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections) {
  check_detections(truth, detections);
  std::vector<TruthImage> one_label = truth;
  for (TruthImage& image : one_label) {
    int64_t lesions = 0;
    for (TruthBox& box : image.boxes) {
      box.label = 0;
      lesions += box.crowd ? 0 : 1;
    }
    lesions_.push_back(lesions);
  }
  std::vector<Detection> unlabelled = detections;
  for (Detection& d : unlabelled) d.label = 0;
  struct Row {
    double score;
    Scored scored;
  };
  std::vector<Row> rows;
  const std::vector<Cell> cells = cells_of_label(one_label, unlabelled, 0);
  for (size_t i = 0; i < cells.size(); ++i) {
    std::vector<Fate> fates;
    int64_t positives = 0;
    match_cell(cells[i], kAreas[0], &fates, &positives);
    for (const Fate& fate : fates)
      if (!fate.ignored[0]) rows.push_back({fate.score, {int64_t(i), fate.matched[0]}});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.score > b.score; });
  for (const Row& row : rows) scored_.push_back(row.scored);
  while (!scored_.empty() && !scored_.back().hit) scored_.pop_back();
  scored_of_image_.assign(truth.size(), 0);
  for (const Scored& s : scored_) ++scored_of_image_[size_t(s.image)];
}

double Ap50::value(const std::vector<int32_t>& image_weights) const {
  double positives = 0, hits = 0, misses = 0;
  for (size_t i = 0; i < lesions_.size(); ++i) positives += double(lesions_[i]) * image_weights[i];
  if (positives == 0) return kNaN;
  std::vector<double> recall, precision;
  for (const Scored& s : scored_) {
    const int32_t weight = image_weights[size_t(s.image)];
    if (weight == 0) continue;
    (s.hit ? hits : misses) += weight;
    recall.push_back(hits / positives);
    precision.push_back(hits / (hits + misses));
  }
  return average_precision(recall, std::move(precision));
}

void Ap50::values(const DrawBlock& block, double* out) const {
  const auto counted = block.total(scored_of_image_), positives = block.total(lesions_);
  if (*std::max_element(counted.begin(), counted.end()) >= std::numeric_limits<int32_t>::max()) {
    const auto one = [&](const std::vector<int32_t>& weights, double* v) { *v = value(weights); };
    return draw_by_draw(block, 1, one, out);
  }
  std::array<int32_t, kDrawBlock> hits{}, counts{};
  std::vector<std::array<int32_t, kDrawBlock>> hits_at, counts_at;  // behind each hit
  for (const Scored& s : scored_) {
    const int32_t* weights = block.of_item(s.image);
    for (size_t lane = 0; lane < kDrawBlock; ++lane) counts[lane] += weights[lane];
    if (!s.hit) continue;
    for (size_t lane = 0; lane < kDrawBlock; ++lane) hits[lane] += weights[lane];
    hits_at.push_back(hits);
    counts_at.push_back(counts);
  }
  // The average precision from the back, as average_precision() has it: precision between hits only falls, so that its
  // envelope is that of the hits; a recall is first reached at a hit that was drawn.
  for (size_t lane = 0; lane < kDrawBlock; ++lane) {
    if (positives[lane] == 0) {
      out[lane] = kNaN;
      continue;
    }
    std::array<double, kRecalls> precision{};
    double envelope = 0;
    int recall = kRecalls - 1;
    for (size_t h = hits_at.size(); h > 0; --h) {
      const int32_t before = h > 1 ? hits_at[h - 2][lane] : 0, now = hits_at[h - 1][lane];
      if (now == before) continue;
      envelope = std::max(envelope, double(now) / double(counts_at[h - 1][lane]));
      const double reached = double(now) / double(positives[lane]);
      const double reached_before = double(before) / double(positives[lane]);
      for (; recall > 0 && 0.01 * recall > reached_before; --recall)
        if (0.01 * recall <= reached) precision[size_t(recall)] = envelope;
    }
    precision[0] = envelope;
    double sum = 0;
    for (double p : precision) sum += p;
    out[lane] = sum / kRecalls;
  }
}

double Ap50::value() const { return value(std::vector<int32_t>(lesions_.size(), 1)); }

}  // namespace cawe::eval
