// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/clahe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/enhance/enhancer.h"
#include "tensor/io/json.h"

namespace cawe::models {
namespace {

constexpr int kLevels = 256;
using Histogram = std::array<int, kLevels>;
using Mapping = std::array<uint8_t, kLevels>;

/// Index i of a row of n pixels that is extended by reflection without repeating its border.
int64_t reflected(int64_t i, int64_t n) {
  if (n == 1) return 0;
  const int64_t period = 2 * (n - 1);
  i %= period;
  return i < n ? i : period - i;
}

/// Cuts bins at the limit and redistributes the excess: evenly first, the remainder one each at a fixed step.
void clip(Histogram& h, int limit) {
  int excess = 0;
  for (int& bin : h) {
    excess += std::max(0, bin - limit);
    bin = std::min(bin, limit);
  }
  const int each = excess / kLevels;
  int rest = excess - each * kLevels;
  for (int& bin : h) bin += each;
  if (rest == 0) return;
  const int step = std::max(kLevels / rest, 1);
  for (int i = 0; i < kLevels && rest > 0; i += step, --rest) ++h[size_t(i)];
}

uint8_t rounded(float v) { return uint8_t(std::clamp(std::nearbyint(v), 0.0f, 255.0f)); }

struct Grid {
  int64_t tile_height, tile_width;
  std::vector<Mapping> mappings;  ///< tiles_y x tiles_x
};

Grid make_grid(const std::vector<uint8_t>& gray, int64_t rows, int64_t columns, const ClaheSettings& s) {
  // If either side is no multiple of the grid, both are extended, a side that is one by a whole grid:
  // OpenCV's rule.
  const bool divides = rows % s.tiles_y == 0 && columns % s.tiles_x == 0;
  const int64_t height = divides ? rows : rows + s.tiles_y - rows % s.tiles_y;
  const int64_t width = divides ? columns : columns + s.tiles_x - columns % s.tiles_x;
  Grid grid{height / s.tiles_y, width / s.tiles_x, std::vector<Mapping>(size_t(s.tiles_x * s.tiles_y))};
  const int64_t area = grid.tile_height * grid.tile_width;
  const int limit = s.clip_limit > 0 ? std::max(int(s.clip_limit * double(area) / kLevels), 1) : 0;
  const float scale = float(kLevels - 1) / float(area);
  for (int64_t ty = 0; ty < s.tiles_y; ++ty) {
    for (int64_t tx = 0; tx < s.tiles_x; ++tx) {
      Histogram h{};
      for (int64_t y = ty * grid.tile_height; y < (ty + 1) * grid.tile_height; ++y)
        for (int64_t x = tx * grid.tile_width; x < (tx + 1) * grid.tile_width; ++x)
          ++h[gray[size_t(reflected(y, rows) * columns + reflected(x, columns))]];
      if (limit > 0) clip(h, limit);
      Mapping& map = grid.mappings[size_t(ty * s.tiles_x + tx)];
      int sum = 0;
      for (size_t i = 0; i < kLevels; ++i) map[i] = rounded(float(sum += h[i]) * scale);
    }
  }
  return grid;
}

/// The two tiles whose centres surround a coordinate, and the weight of the second.
struct Between {
  int64_t first, second;
  float weight;
};
std::vector<Between> neighbours(int64_t n, int64_t tile, int64_t tiles) {
  std::vector<Between> all(static_cast<size_t>(n));
  const float inverse = 1.0f / float(tile);
  for (int64_t i = 0; i < n; ++i) {
    const float at = float(i) * inverse - 0.5f;
    const int64_t first = int64_t(std::floor(at));
    all[size_t(i)] = {std::max<int64_t>(first, 0), std::min(first + 1, tiles - 1), at - float(first)};
  }
  return all;
}

void check(const ClaheSettings& s, int64_t rows, int64_t columns) {
  CAWE_CHECK(s.tiles_x > 0 && s.tiles_y > 0 && s.clip_limit >= 0, Code::usage, "clahe: ", s.tiles_x, " x ",
             s.tiles_y, " tiles, clip limit ", s.clip_limit, " (expected positive tiles, a limit >= 0)");
  CAWE_CHECK(rows >= s.tiles_y && columns >= s.tiles_x, Code::data, "clahe: an image of ", columns, " x ",
             rows, " pixels for ", s.tiles_x, " x ", s.tiles_y, " tiles (expected at least a pixel a tile)");
}

}  // namespace

std::vector<uint8_t> clahe_u8(const std::vector<uint8_t>& gray, int64_t rows, int64_t columns,
                              const ClaheSettings& settings) {
  check(settings, rows, columns);
  CAWE_CHECK(int64_t(gray.size()) == rows * columns, Code::shape, "clahe: ", gray.size(), " values for ",
             columns, " x ", rows, " pixels");
  const Grid grid = make_grid(gray, rows, columns, settings);
  const auto across = neighbours(columns, grid.tile_width, settings.tiles_x);
  const auto down = neighbours(rows, grid.tile_height, settings.tiles_y);
  std::vector<uint8_t> out(gray.size());
  for (int64_t y = 0; y < rows; ++y) {
    const Between& v = down[size_t(y)];
    const Mapping* top = &grid.mappings[size_t(v.first * settings.tiles_x)];
    const Mapping* bottom = &grid.mappings[size_t(v.second * settings.tiles_x)];
    for (int64_t x = 0; x < columns; ++x) {
      const Between& u = across[size_t(x)];
      const size_t i = size_t(y * columns + x), level = gray[i];
      const float upper =
          float(top[u.first][level]) * (1 - u.weight) + float(top[u.second][level]) * u.weight;
      const float lower =
          float(bottom[u.first][level]) * (1 - u.weight) + float(bottom[u.second][level]) * u.weight;
      out[i] = rounded(upper * (1 - v.weight) + lower * v.weight);
    }
  }
  return out;
}

Tensor clahe(const Tensor& gray, const ClaheSettings& settings) {
  CAWE_CHECK(gray.rank() == 4 && gray.dim(1) == 1, Code::shape, "clahe: an image of shape ", gray.shape(),
             " (expected [N, 1, H, W])");
  const int64_t rows = gray.dim(2), columns = gray.dim(3), pixels = rows * columns;
  const std::vector<float> values = gray.to(DType::f32).to_vector<float>();
  std::vector<float> out(values.size());
  for (int64_t n = 0; n < gray.dim(0); ++n) {
    std::vector<uint8_t> item(static_cast<size_t>(pixels));
    for (int64_t i = 0; i < pixels; ++i) {
      const float v = values[size_t(n * pixels + i)];
      CAWE_CHECK(v >= 0 && v <= 1, Code::numeric, "clahe: a pixel of ", v, " (expected [0, 1])");
      item[size_t(i)] = uint8_t(v * 255.0f + 0.5f);
    }
    const std::vector<uint8_t> done = clahe_u8(item, rows, columns, settings);
    for (int64_t i = 0; i < pixels; ++i) out[size_t(n * pixels + i)] = float(done[size_t(i)]) / 255.0f;
  }
  return Tensor::from(out, gray.shape()).to(gray.device());
}

namespace {

class Clahe : public Enhancer {
 public:
  explicit Clahe(const ClaheSettings& settings) : settings_(settings) {}
  std::string name() const override { return "clahe"; }
  std::string settings() const override {
    return json_text({{"method", "clahe"},
                      {"tiles_x", settings_.tiles_x},
                      {"tiles_y", settings_.tiles_y},
                      {"clip_limit", settings_.clip_limit}});
  }
  Tensor apply(const Tensor& gray) override {
    check_gray(gray);
    return clahe(gray, settings_);
  }

 private:
  ClaheSettings settings_;
};

}  // namespace

std::vector<Method> clahe_methods() {
  const ClaheSettings usual;
  const auto make = [](const EnhancerOptions& o) {
    const int64_t tiles = o.values.whole("clahe.tiles");
    return std::make_unique<Clahe>(ClaheSettings{tiles, tiles, o.values.number("clahe.clip_limit")});
  };
  return {{"clahe",
           "CLAHE",
           make,
           {},
           {whole_key("clahe.tiles", usual.tiles_x, 1, 256, "tiles along each side"),
            number_key("clahe.clip_limit", usual.clip_limit, 0, 1e6,
                       "a bin holds at most so many times its mean; 0: no limit")}}};
}

}  // namespace cawe::models
