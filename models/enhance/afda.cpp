// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/afda.h"

#include <algorithm>
#include <cmath>

#include "models/enhance/gray_levels.h"
#include "tensor/parallel.h"

namespace cawe::models {
namespace {

constexpr double kTiny = 1e-12;
/// Below this mean gradient (gray levels 0..255) a pixel counts as smooth.
constexpr double kSmooth = 2.0;

/// Replicates the border.
struct Image {
  const std::vector<uint8_t>& gray;
  int64_t rows, columns;
  double at(int64_t y, int64_t x) const {
    return gray[size_t(std::clamp<int64_t>(y, 0, rows - 1) * columns +
                       std::clamp<int64_t>(x, 0, columns - 1))];
  }
};

double mean_gradient(const Image& image, int64_t y, int64_t x) {
  double neighbours = 0;
  for (int64_t dy = -1; dy <= 1; ++dy)
    for (int64_t dx = -1; dx <= 1; ++dx)
      if (dy != 0 || dx != 0) neighbours += image.at(y + dy, x + dx);
  return std::abs(8 * image.at(y, x) - neighbours) / 8;
}

/// Otsu's threshold: the bin edge of 256 bins over [min, max] with the largest between-class variance.
double otsu(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (values.empty() || *high - *low <= kTiny) return values.empty() ? 0 : *low;
  constexpr int kBins = 256;
  std::array<double, kBins> count{};
  const double width = (*high - *low) / kBins;
  for (double v : values) ++count[size_t(std::min(kBins - 1, int((v - *low) / width)))];
  double total = 0, weighted = 0;
  for (int b = 0; b < kBins; ++b) {
    total += count[size_t(b)];
    weighted += b * count[size_t(b)];
  }
  double below = 0, below_sum = 0, best = -1;
  int cut = 0;
  for (int b = 0; b + 1 < kBins; ++b) {
    below += count[size_t(b)];
    below_sum += b * count[size_t(b)];
    if (below == 0 || below == total) continue;
    const double difference = below_sum / below - (weighted - below_sum) / (total - below);
    const double variance = below * (total - below) * difference * difference;
    if (variance > best) {
      best = variance;
      cut = b;
    }
  }
  return *low + width * (cut + 1);
}

double otsu_level(const std::vector<uint8_t>& gray) {
  return otsu(std::vector<double>(gray.begin(), gray.end()));
}

/// False where the gradients do not fall into two classes: then nothing is changed.
bool find_orders(const std::vector<double>& gradients, AfdaOrders* orders) {
  if (gradients.empty()) return false;
  const double t = otsu(gradients);
  double sum = 0, edge_sum = 0, rest_sum = 0;
  int64_t edges = 0, rest = 0;
  for (double m : gradients) {
    sum += m;
    if (m >= t) {
      edge_sum += m;
      ++edges;
    } else {
      rest_sum += m;
      ++rest;
    }
  }
  if (edges == 0 || rest == 0) return false;
  const double mean = sum / double(gradients.size()), edge = edge_sum / double(edges),
               other = rest_sum / double(rest);
  if (edge <= kTiny || mean <= kTiny || t <= kTiny) return false;
  *orders = {t, (edge - mean) / edge, (mean - other) / mean};
  return true;
}

double order_of(double m, const AfdaOrders& o, double v_max) {
  double v = 0;
  if (m >= o.threshold)
    v = std::max(o.v1, (m - o.threshold) / m);
  else if (m > kSmooth)
    v = std::min(o.v2, m / o.threshold);
  return std::clamp(v, 0.0, v_max);
}

double filtered(const Image& image, int64_t y, int64_t x, double v) {
  const std::array<double, 25> mask = afda_mask(v);
  double sum = 0;
  for (int64_t dy = -2; dy <= 2; ++dy)
    for (int64_t dx = -2; dx <= 2; ++dx)
      sum += mask[size_t((dy + 2) * 5 + dx + 2)] * image.at(y + dy, x + dx);
  return sum;
}

}  // namespace

std::array<double, 25> afda_mask(double v) {
  const double sum = 4 * (1 - v) * (2 - v), second = (v * v - v) / 2;
  std::array<double, 25> mask{};
  for (int dy = -2; dy <= 2; ++dy) {
    for (int dx = -2; dx <= 2; ++dx) {
      const int reach = std::max(std::abs(dy), std::abs(dx));
      const bool on_ray = dy == 0 || dx == 0 || std::abs(dy) == std::abs(dx);
      const double weight = reach == 0 ? 8 : (reach == 1 ? -v : (on_ray ? second : 0));
      mask[size_t((dy + 2) * 5 + dx + 2)] = weight / sum;
    }
  }
  return mask;
}

std::vector<uint8_t> afda_u8(const std::vector<uint8_t>& gray, int64_t rows, int64_t columns,
                             const AfdaSettings& settings, AfdaOrders* orders) {
  CAWE_CHECK(int64_t(gray.size()) == rows * columns && rows > 0 && columns > 0, Code::shape,
             "afda: ", gray.size(), " pixels for ", rows, " x ", columns);
  CAWE_CHECK(settings.v_max >= 0 && settings.v_max < 1, Code::usage, "afda.vmax: ", settings.v_max,
             " (expected 0 <= vmax < 1, the mask has no sum at 1)");
  const Image image{gray, rows, columns};
  const double object_level = settings.object_mask ? otsu_level(gray) : -1;
  std::vector<double> gradient(gray.size()), considered;
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      const size_t i = size_t(y * columns + x);
      gradient[i] = mean_gradient(image, y, x);
      if (gray[i] > object_level) considered.push_back(gradient[i]);
    }
  }
  AfdaOrders found;
  if (!find_orders(considered, &found)) return gray;
  if (orders != nullptr) *orders = found;
  std::vector<double> result(gray.size());
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      const size_t i = size_t(y * columns + x);
      const double v = order_of(gradient[i], found, settings.v_max);
      result[i] = v == 0 ? gray[i] : filtered(image, y, x, v);
    }
  }
  double low = 0, scale = 1;
  if (settings.stretch) {
    const auto [least, most] = std::minmax_element(result.begin(), result.end());
    if (*most - *least <= kTiny) return gray;
    low = *least;
    scale = 255 / (*most - *least);
  }
  std::vector<uint8_t> out(gray.size());
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = uint8_t(std::clamp(std::floor((result[i] - low) * scale + 0.5), 0.0, 255.0));
  return out;
}

Tensor afda(const Tensor& gray, const AfdaSettings& settings) {
  return map_gray_levels("afda", gray,
                         [&](int64_t, const std::vector<uint8_t>& levels, int64_t rows, int64_t columns) {
                           return afda_u8(levels, rows, columns, settings);
                         });
}

}  // namespace cawe::models
