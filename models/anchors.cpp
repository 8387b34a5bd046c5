// SPDX-License-Identifier: Apache-2.0
#include "models/anchors.h"

#include <cmath>

namespace cawe::models {

int64_t AnchorSettings::per_cell() const {
  CAWE_CHECK(!sizes.empty() && !ratios.empty(), Code::usage, "anchors: no sizes or no ratios");
  for (const auto& level : sizes) {
    CAWE_CHECK(level.size() == sizes[0].size() && !level.empty(), Code::usage, "anchors: a level has ",
               level.size(), " sizes, the first ", sizes[0].size(), " (expected equal numbers)");
    for (double s : level)
      CAWE_CHECK(s > 0 && std::isfinite(s), Code::usage, "anchors: size ", s,
                 " (expected a positive number)");
  }
  for (double r : ratios)
    CAWE_CHECK(r > 0 && std::isfinite(r), Code::usage, "anchors: ratio ", r, " (expected a positive number)");
  return int64_t(sizes[0].size() * ratios.size());
}

AnchorSettings anchor_pyramid(int levels, double base, const std::vector<double>& scales, bool whole) {
  AnchorSettings settings;
  for (int level = 0; level < levels; ++level) {
    std::vector<double> sides;
    for (double scale : scales) {
      const double side = base * double(int64_t{1} << level) * scale;
      sides.push_back(whole ? std::trunc(side) : side);
    }
    settings.sizes.push_back(sides);
  }
  return settings;
}

AnchorSettings retinanet_anchors() {
  return anchor_pyramid(5, 32, {1.0, std::pow(2.0, 1.0 / 3.0), std::pow(2.0, 2.0 / 3.0)}, true);
}

Tensor base_anchors(const std::vector<double>& sizes, const std::vector<double>& ratios) {
  std::vector<float> out;
  for (double ratio : ratios) {
    const float h_ratio = std::sqrt(float(ratio)), w_ratio = 1.0f / h_ratio;
    for (double size : sizes) {
      const float w = w_ratio * float(size), h = h_ratio * float(size);
      for (float corner : {-w, -h, w, h}) out.push_back(std::nearbyint(corner / 2.0f));
    }
  }
  return Tensor::from(out, {int64_t(out.size() / 4), 4});
}

Tensor make_anchors(const AnchorSettings& settings, int64_t height, int64_t width,
                    const std::vector<GridSize>& grids) {
  const int64_t per_cell = settings.per_cell();
  CAWE_CHECK(grids.size() == settings.sizes.size(), Code::usage, "anchors: ", settings.sizes.size(),
             " levels of sizes for ", grids.size(), " pyramid levels");
  int64_t cells = 0;
  for (const GridSize& g : grids) cells += g.rows * g.columns;
  std::vector<float> out;
  out.reserve(size_t(cells * per_cell * 4));
  for (size_t level = 0; level < grids.size(); ++level) {
    const std::vector<float> base = base_anchors(settings.sizes[level], settings.ratios).to_vector<float>();
    const GridSize& g = grids[level];
    const int64_t step_y = height / g.rows, step_x = width / g.columns;
    for (int64_t row = 0; row < g.rows; ++row) {
      for (int64_t column = 0; column < g.columns; ++column) {
        const float shift[2] = {float(column * step_x), float(row * step_y)};
        for (size_t i = 0; i < base.size(); ++i) out.push_back(base[i] + shift[i % 2]);
      }
    }
  }
  return Tensor::from(out, {cells * per_cell, 4});
}

std::vector<GridSize> pyramid_grids(int64_t height, int64_t width, const std::vector<int64_t>& strides,
                                    int extra) {
  const auto cells = [](int64_t pixels, int64_t stride) { return (pixels + stride - 1) / stride; };
  std::vector<GridSize> grids;
  for (const int64_t stride : strides) grids.push_back({cells(height, stride), cells(width, stride)});
  for (int i = 0; i < extra; ++i)
    grids.push_back({cells(grids.back().rows, 2), cells(grids.back().columns, 2)});
  return grids;
}

Tensor AnchorCache::of(const AnchorSettings& settings, int64_t height, int64_t width,
                       const std::vector<GridSize>& grids, Device device) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Tensor& anchors = anchors_[{height, width, device}];
  if (!anchors.defined()) anchors = make_anchors(settings, height, width, grids).to(device);
  return anchors;
}

}  // namespace cawe::models
