// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/afda.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "models/enhance/enhancer.h"
#include "models/enhance/gray_levels.h"
#include "tensor/io/json.h"
#include "tensor/parallel.h"

namespace cawe::models {
namespace {

constexpr double kTiny = 1e-12;
/// Below this mean gradient (gray levels 0..255) a pixel counts as smooth.
constexpr double kSmooth = 2.0;
constexpr int64_t kRowsAtOnce = 32;

/// The film as whole numbers, so that sums over neighbours are exact, with two rings of replicated border, so
/// that neighbours need no bounds check.
class Padded {
 public:
  Padded(const std::vector<uint8_t>& gray, int64_t rows, int64_t columns)
      : stride_(columns + 2 * kRing), levels_(size_t((rows + 2 * kRing) * stride_)) {
    for (int64_t y = -kRing; y < rows + kRing; ++y)
      for (int64_t x = -kRing; x < columns + kRing; ++x)
        levels_[at(y, x)] = gray[size_t(std::clamp<int64_t>(y, 0, rows - 1) * columns +
                                        std::clamp<int64_t>(x, 0, columns - 1))];
  }
  int level(int64_t y, int64_t x) const { return levels_[at(y, x)]; }
  /// Sum of the eight pixels `reach` steps away along row, column and diagonals.
  int ring(int64_t y, int64_t x, int64_t reach) const {
    const int32_t* up = &levels_[at(y - reach, x)];
    const int32_t* here = &levels_[at(y, x)];
    const int32_t* down = &levels_[at(y + reach, x)];
    return up[-reach] + up[0] + up[reach] + here[-reach] + here[reach] + down[-reach] + down[0] + down[reach];
  }

 private:
  static constexpr int64_t kRing = 2;
  size_t at(int64_t y, int64_t x) const { return size_t((y + kRing) * stride_ + x + kRing); }
  int64_t stride_;
  std::vector<int32_t> levels_;
};

double mean_gradient(const Padded& image, int64_t y, int64_t x) {
  return std::abs(8 * image.level(y, x) - image.ring(y, x, 1)) / 8.0;
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

/// False where the gradients do not fall into two classes: then the film is returned unchanged.
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

double filtered(const Padded& image, int64_t y, int64_t x, double v) {
  if (v == 0) return image.level(y, x);
  const AfdaMask mask = afda_mask(v);
  return mask.centre * image.level(y, x) + mask.near * image.ring(y, x, 1) + mask.far * image.ring(y, x, 2);
}

void each_row(int64_t rows, const std::function<void(int64_t)>& body) {
  parallel_for(rows, kRowsAtOnce, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) body(y);
  });
}

/// Rounds to 0..255, stretched by the values' own range or clipped; false where there is no range.
bool quantise(const std::vector<double>& values, bool stretch, std::vector<uint8_t>* out) {
  double low = 0, scale = 1;
  if (stretch) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    if (*most - *least <= kTiny) return false;
    low = *least;
    scale = 255 / (*most - *least);
  }
  for (size_t i = 0; i < values.size(); ++i)
    (*out)[i] = uint8_t(std::clamp(std::floor((values[i] - low) * scale + 0.5), 0.0, 255.0));
  return true;
}

}  // namespace

AfdaMask afda_mask(double v) {
  const double sum = 4 * (1 - v) * (2 - v);
  return {8 / sum, -v / sum, (v * v - v) / 2 / sum};
}

std::vector<uint8_t> afda_u8(const std::vector<uint8_t>& gray, int64_t rows, int64_t columns,
                             const AfdaSettings& settings, AfdaOrders* orders) {
  CAWE_CHECK(int64_t(gray.size()) == rows * columns && rows > 0 && columns > 0, Code::shape,
             "afda: ", gray.size(), " pixels for ", rows, " x ", columns);
  CAWE_CHECK(settings.v_max >= 0 && settings.v_max < 1, Code::usage, "afda.vmax: ", settings.v_max,
             " (expected 0 <= vmax < 1, the mask has no sum at 1)");
  const Padded image(gray, rows, columns);
  std::vector<double> gradient(gray.size()), considered;
  each_row(rows, [&](int64_t y) {
    for (int64_t x = 0; x < columns; ++x) gradient[size_t(y * columns + x)] = mean_gradient(image, y, x);
  });
  if (settings.object_mask) {
    const double object_level = otsu_level(gray);
    for (size_t i = 0; i < gray.size(); ++i)
      if (gray[i] >= object_level) considered.push_back(gradient[i]);
  }
  AfdaOrders found;
  if (!find_orders(settings.object_mask ? considered : gradient, &found)) return gray;
  if (orders != nullptr) *orders = found;
  std::vector<double> result(gray.size());
  each_row(rows, [&](int64_t y) {
    for (int64_t x = 0; x < columns; ++x) {
      const size_t i = size_t(y * columns + x);
      result[i] = filtered(image, y, x, order_of(gradient[i], found, settings.v_max));
    }
  });
  std::vector<uint8_t> out(gray.size());
  return quantise(result, settings.stretch, &out) ? out : gray;
}

Tensor afda(const Tensor& gray, const AfdaSettings& settings) {
  return map_gray_levels("afda", gray,
                         [&](int64_t, const std::vector<uint8_t>& levels, int64_t rows, int64_t columns) {
                           return afda_u8(levels, rows, columns, settings);
                         });
}

namespace {

class Afda : public Enhancer {
 public:
  explicit Afda(const AfdaSettings& settings) : settings_(settings) {}
  std::string name() const override { return "afda"; }
  std::string settings() const override {
    return json_text({{"method", "afda"},
                      {"vmax", settings_.v_max},
                      {"mask", settings_.object_mask ? "otsu" : "none"},
                      {"range", settings_.stretch ? "minmax" : "clip"}});
  }
  Tensor apply(const Tensor& gray) override {
    check_gray(gray);
    return afda(gray, settings_);
  }

 private:
  AfdaSettings settings_;
};

}  // namespace

std::vector<Method> afda_methods() {
  const auto make = [](const EnhancerOptions& o) {
    return std::make_unique<Afda>(AfdaSettings{o.values.number("afda.vmax"),
                                               o.values.word("afda.mask") == "otsu",
                                               o.values.word("afda.range") == "minmax"});
  };
  const char* const open = "AFDA's \"default parameters\"";
  return {
      {"afda",
       "AFDA",
       make,
       {},
       {number_key("afda.vmax", AfdaSettings().v_max, 0, 0.999, "largest order", open),
        word_key("afda.mask", {"none", "otsu"},
                 "which gradients count: all, or those at or above Otsu's threshold of the film", open),
        word_key("afda.range", {"clip", "minmax"}, "the result is clipped to 0..255 or stretched", open)}}};
}

}  // namespace cawe::models
