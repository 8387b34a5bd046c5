// SPDX-License-Identifier: Apache-2.0
// Pointing game and energy of attention maps, and of their controls.
#include "eval/localisation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "tensor/denormals.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::eval {
namespace {

constexpr int64_t kShuffles = 10;
constexpr double kCentreSigma = 0.25;  // fraction of each side

/// Exact area of the union of boxes inside a rectangle: summed over strips between neighbouring edges.
double union_area(const std::vector<BoxD>& boxes, const BoxD& within) {
  std::vector<BoxD> clipped;
  for (const BoxD& b : boxes) {
    const BoxD c{std::max(b.x1, within.x1), std::max(b.y1, within.y1), std::min(b.x2, within.x2),
                 std::min(b.y2, within.y2)};
    if (c.x2 > c.x1 && c.y2 > c.y1) clipped.push_back(c);
  }
  if (clipped.empty()) return 0;
  if (clipped.size() == 1) return clipped[0].area();
  std::set<double> edges;
  for (const BoxD& c : clipped) edges.insert({c.x1, c.x2});
  double area = 0;
  for (auto left = edges.begin(), right = std::next(left); right != edges.end(); ++left, ++right) {
    std::vector<std::pair<double, double>> spans;
    for (const BoxD& c : clipped)
      if (c.x1 <= *left && c.x2 >= *right) spans.push_back({c.y1, c.y2});
    std::sort(spans.begin(), spans.end());
    double covered = 0, reach = -std::numeric_limits<double>::infinity();
    for (const auto& [low, high] : spans) {
      covered += std::max(0.0, high - std::max(low, reach));
      reach = std::max(reach, high);
    }
    area += covered * (*right - *left);
  }
  return area;
}

/// The fraction of each cell of a rows x columns grid over the image that the boxes cover.
std::vector<float> coverage(const MapSample& sample, int64_t rows, int64_t columns) {
  const double cw = sample.width / double(columns), ch = sample.height / double(rows);
  std::vector<float> covered(size_t(rows * columns));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      covered[size_t(r * columns + c)] = float(
          union_area(sample.boxes, {double(c) * cw, double(r) * ch, double(c + 1) * cw, double(r + 1) * ch}) /
          (cw * ch));
  return covered;
}

/// 1 where a cell's centre is in a box, as the pointing game asks.
std::vector<uint8_t> hits(const MapSample& sample, int64_t rows, int64_t columns) {
  std::vector<uint8_t> inside(size_t(rows * columns), 0);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      const double x = (double(c) + 0.5) * sample.width / double(columns);
      const double y = (double(r) + 0.5) * sample.height / double(rows);
      for (const BoxD& b : sample.boxes)
        if (x >= b.x1 && x <= b.x2 && y >= b.y1 && y <= b.y2) inside[size_t(r * columns + c)] = 1;
    }
  return inside;
}

MapFigures figures(const std::vector<float>& map, const std::vector<float>& covered,
                   const std::vector<uint8_t>& inside) {
  const float top = *std::max_element(map.begin(), map.end());
  double sum = 0, in_boxes = 0, maxima = 0, right = 0;
  for (size_t i = 0; i < map.size(); ++i) {
    const double value = top > 0 ? map[i] : 1;
    sum += value;
    in_boxes += value * covered[i];
    if (map[i] == top) {
      maxima += 1;
      right += top > 0 ? inside[i] : covered[i];
    }
  }
  return {right / maxima, in_boxes / sum};
}

void check(const MapSample& s) {
  CAWE_CHECK(s.rows > 0 && s.columns > 0 && int64_t(s.map.size()) == s.rows * s.columns, Code::data,
             "attention map of ", s.map.size(), " values for ", s.rows, " x ", s.columns, " cells");
  CAWE_CHECK(!s.boxes.empty() && s.width > 0 && s.height > 0, Code::data,
             "localisation needs an image with a size and at least one true box");
  for (float v : s.map)
    CAWE_CHECK(std::isfinite(v) && v >= 0, Code::data, "attention map has the value ", v,
               " (expected finite and not negative)");
}

std::vector<float> centre_map(int64_t rows, int64_t columns) {
  std::vector<float> map(size_t(rows * columns));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      const double y = ((double(r) + 0.5) / double(rows) - 0.5) / kCentreSigma;
      const double x = ((double(c) + 0.5) / double(columns) - 0.5) / kCentreSigma;
      map[size_t(r * columns + c)] = float(std::exp(-0.5 * (x * x + y * y)));
    }
  return map;
}

/// Figures of one image: of its own map, the central Gaussian, other patients' maps, and the boxes' fraction
/// of the area.
struct Row {
  MapFigures own, centre, shuffled;
  double area = 0;
};

Row figures_of(const std::vector<MapSample>& samples, const std::vector<int64_t>& order, size_t position) {
  const MapSample& sample = samples[size_t(order[position])];
  std::map<std::pair<int64_t, int64_t>, std::pair<std::vector<float>, std::vector<uint8_t>>> grids;
  const auto on_grid = [&](const std::vector<float>& map, int64_t rows, int64_t columns) {
    auto [at, fresh] = grids.try_emplace({rows, columns});
    if (fresh) at->second = {coverage(sample, rows, columns), hits(sample, rows, columns)};
    return figures(map, at->second.first, at->second.second);
  };
  Row row;
  row.own = on_grid(sample.map, sample.rows, sample.columns);
  row.centre = on_grid(centre_map(sample.rows, sample.columns), sample.rows, sample.columns);
  row.area = box_area_share(sample);
  int64_t used = 0;
  for (size_t step = 1; step < order.size() && used < kShuffles; ++step) {
    const MapSample& other = samples[size_t(order[(position + step) % order.size()])];
    if (!sample.patient.empty() && other.patient == sample.patient) continue;
    const MapFigures f = on_grid(other.map, other.rows, other.columns);
    row.shuffled.pointing += f.pointing;
    row.shuffled.energy += f.energy;
    ++used;
  }
  const double nan = std::numeric_limits<double>::quiet_NaN();
  row.shuffled.pointing = used > 0 ? row.shuffled.pointing / double(used) : nan;
  row.shuffled.energy = used > 0 ? row.shuffled.energy / double(used) : nan;
  return row;
}

Clusters clusters_of(const std::vector<MapSample>& samples, const std::vector<size_t>& chosen) {
  Clusters clusters;
  std::map<std::string, int64_t> seen;
  for (size_t i : chosen) {
    const std::string& patient = samples[i].patient;
    if (patient.empty()) {
      clusters.of_item.push_back(clusters.count++);
      continue;
    }
    const auto [at, fresh] = seen.emplace(patient, clusters.count);
    clusters.count += fresh;
    clusters.of_item.push_back(at->second);
  }
  return clusters;
}

LocalisationRow summarise(const std::string& label, const std::vector<MapSample>& samples,
                          const std::vector<Row>& rows, const std::vector<size_t>& chosen, int64_t draws,
                          uint64_t seed) {
  const Clusters clusters = clusters_of(samples, chosen);
  constexpr int kFigures = 7;
  const auto means = [&](const std::vector<int32_t>& weights, double* values) {
    std::array<double, kFigures> sums{};
    double total = 0;
    for (size_t k = 0; k < chosen.size(); ++k) {
      const Row& r = rows[chosen[k]];
      const double w = weights[k];
      const std::array<double, kFigures> all = {r.own.pointing,  r.own.energy,        r.centre.pointing,
                                                r.centre.energy, r.shuffled.pointing, r.shuffled.energy,
                                                r.area};
      for (size_t f = 0; f < kFigures; ++f) sums[f] += w * all[f];
      total += w;
    }
    for (size_t f = 0; f < kFigures; ++f) values[f] = sums[f] / total;
  };
  std::array<double, kFigures> v{};
  means(std::vector<int32_t>(chosen.size(), 1), v.data());
  const auto drawn = bootstrap(clusters, kFigures, means, draws, seed);
  LocalisationRow row;
  row.label = label;
  row.images = int64_t(chosen.size());
  row.patients = clusters.count;
  const std::array<Interval*, kFigures> intervals = {
      &row.pointing,        &row.energy, &row.pointing_centre, &row.energy_centre, &row.pointing_shuffled,
      &row.energy_shuffled, &row.area};
  for (size_t f = 0; f < kFigures; ++f) *intervals[f] = percentile_interval(v[f], drawn[f]);
  row.pointing_over_centre = paired_difference(v[0] - v[2], drawn[2], drawn[0]);
  row.energy_over_centre = paired_difference(v[1] - v[3], drawn[3], drawn[1]);
  row.pointing_over_shuffled = paired_difference(v[0] - v[4], drawn[4], drawn[0]);
  row.energy_over_shuffled = paired_difference(v[1] - v[5], drawn[5], drawn[1]);
  if (row.pointing_over_shuffled.interval.low > 0)
    row.verdict = row.pointing_over_centre.interval.low > 0 ? MapVerdict::informative
                                                            : MapVerdict::no_better_than_centre;
  return row;
}

}  // namespace

MapFigures map_figures(const MapSample& sample) {
  check(sample);
  return figures(sample.map, coverage(sample, sample.rows, sample.columns),
                 hits(sample, sample.rows, sample.columns));
}

double mean_inside(const MapSample& sample, const BoxD& box) {
  const double cw = sample.width / double(sample.columns), ch = sample.height / double(sample.rows);
  const auto cells = [](double low, double high, double size, int64_t count) {
    const auto clamped = [&](double v) {
      return int64_t(std::clamp(std::floor(v / size), 0.0, double(count - 1)));
    };
    return std::pair(clamped(low), clamped(high));
  };
  const auto [top, bottom] = cells(box.y1, box.y2, ch, sample.rows);
  const auto [left, right] = cells(box.x1, box.x2, cw, sample.columns);
  double sum = 0, area = 0;
  for (int64_t r = top; r <= bottom; ++r)
    for (int64_t c = left; c <= right; ++c) {
      const double covered =
          intersection(box, {double(c) * cw, double(r) * ch, double(c + 1) * cw, double(r + 1) * ch});
      sum += covered * double(sample.map[size_t(r * sample.columns + c)]);
      area += covered;
    }
  return area > 0 ? sum / area : std::numeric_limits<double>::quiet_NaN();
}

double box_area_share(const MapSample& sample) {
  return union_area(sample.boxes, {0, 0, sample.width, sample.height}) / (sample.width * sample.height);
}

std::string describe(MapVerdict verdict) {
  if (verdict == MapVerdict::informative)
    return "informative map: it finds lesions better than a shuffled map and than the image's centre";
  if (verdict == MapVerdict::no_better_than_centre)
    return "weak map: better than a shuffled map, not shown to be better than pointing at the image's centre";
  return "uninformative map: it is not shown to find lesions better than a shuffled map";
}

std::vector<LocalisationRow> localisation(const std::vector<MapSample>& samples, int64_t draws,
                                          uint64_t seed) {
  const KeepDenormals exact;
  CAWE_CHECK(!samples.empty(), Code::data, "localisation: no image with a true box");
  for (const MapSample& sample : samples) check(sample);
  const std::vector<int64_t> order = Random(seed, "eval.localisation").permutation(int64_t(samples.size()));
  std::vector<Row> rows(samples.size());
  for (size_t p = 0; p < order.size(); ++p) rows[size_t(order[p])] = figures_of(samples, order, p);
  std::map<std::string, std::vector<size_t>> classes;
  std::vector<size_t> all(samples.size());
  std::iota(all.begin(), all.end(), size_t{0});
  for (size_t i : all) classes[samples[i].label].push_back(i);
  std::vector<LocalisationRow> result = {summarise("all", samples, rows, all, draws, seed)};
  if (classes.size() > 1)
    for (const auto& [label, chosen] : classes)
      result.push_back(summarise(label, samples, rows, chosen, draws, seed));
  return result;
}

}  // namespace cawe::eval
