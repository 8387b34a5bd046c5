// SPDX-License-Identifier: Apache-2.0
// Fitting and augmenting.
#include "data/transforms.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::data {

Box Geometry::to_network(const Box& box) const {
  return {(box.x1 - offset_x) * scale_x, (box.y1 - offset_y) * scale_y, (box.x2 - offset_x) * scale_x,
          (box.y2 - offset_y) * scale_y};
}

Box Geometry::to_original(const Box& box) const {
  return {box.x1 / scale_x + offset_x, box.y1 / scale_y + offset_y, box.x2 / scale_x + offset_x,
          box.y2 / scale_y + offset_y};
}

namespace {

/// The part of a picture that is kept, and the size that it gets in the network's image.
struct Placement {
  int left = 0, top = 0, kept_width, kept_height;
  int inner_width, inner_height;
  Geometry geometry() const {
    return {float(inner_width) / float(kept_width), float(inner_height) / float(kept_height), float(left),
            float(top)};
  }
};

Placement placement(int image_width, int image_height, int width, int height, Fit fit) {
  CAWE_CHECK(width > 0 && height > 0 && image_width > 0 && image_height > 0, Code::shape,
             "fit_image: ", image_width, " x ", image_height, " into ", width, " x ", height,
             " (expected at least one pixel)");
  Placement p{0, 0, image_width, image_height, width, height};
  const double across = double(width) / image_width, down = double(height) / image_height;
  if (fit == Fit::crop) {
    const double scale = std::max(across, down);
    p.kept_width = std::clamp(int(std::lround(width / scale)), 1, image_width);
    p.kept_height = std::clamp(int(std::lround(height / scale)), 1, image_height);
    p.left = (image_width - p.kept_width) / 2;
    p.top = (image_height - p.kept_height) / 2;
  } else if (fit == Fit::pad) {
    const double scale = std::min(across, down);
    p.inner_width = std::clamp(int(std::lround(image_width * scale)), 1, width);
    p.inner_height = std::clamp(int(std::lround(image_height * scale)), 1, height);
  }
  return p;
}

FloatImage kept_part(const FloatImage& image, const Placement& p) {
  FloatImage out(p.kept_width, p.kept_height, image.channels);
  for (int y = 0; y < p.kept_height; ++y) {
    const float* from = image.row(y + p.top) + p.left * image.channels;
    std::copy(from, from + p.kept_width * image.channels, out.row(y));
  }
  return out;
}

}  // namespace

Geometry fit_geometry(int image_width, int image_height, int width, int height, Fit fit) {
  return placement(image_width, image_height, width, height, fit).geometry();
}

FloatImage fit_image(const FloatImage& image, int width, int height, Fit fit, Filter filter,
                     Geometry* geometry) {
  const Placement p = placement(image.width, image.height, width, height, fit);
  if (geometry) *geometry = p.geometry();
  if (fit == Fit::crop) return resize(kept_part(image, p), width, height, filter);
  FloatImage inner = resize(image, p.inner_width, p.inner_height, filter);
  if (p.inner_width == width && p.inner_height == height) return inner;
  FloatImage out(width, height, image.channels);
  for (int y = 0; y < p.inner_height; ++y)
    std::copy(inner.row(y), inner.row(y) + p.inner_width * image.channels, out.row(y));
  return out;
}

Augmentation draw_augmentation(const AugmentOptions& options, uint64_t seed, int64_t epoch, int64_t image) {
  Random random(seed, "augment", uint64_t(epoch), uint64_t(image));
  const auto around = [&](double reach) { return float(reach * random.next_uniform(-1, 1)); };
  Augmentation draw;
  draw.flip = random.next_uniform() < options.flip;
  draw.zoom = 1 + around(options.zoom);
  draw.shift_x = around(options.shift);
  draw.shift_y = around(options.shift);
  draw.contrast = 1 + around(options.gain);
  draw.brightness = around(options.gain / 2);
  return draw;
}

namespace {

/// Where an output pixel is read along one axis: two neighbours and the second one's weight.
struct Tap {
  int low, high;
  float share;
};

std::vector<Tap> axis_taps(int size, float scale, float shift) {
  std::vector<Tap> taps;
  for (int i = 0; i < size; ++i) {
    const float u = (2 * float(i) + 1) / float(size) - 1;
    const float source = ((u * scale + shift + 1) * float(size) - 1) / 2;
    const float inside = std::clamp(source, 0.f, float(size - 1));
    const int low = int(inside);
    taps.push_back({low, std::min(low + 1, size - 1), inside - float(low)});
  }
  return taps;
}

}  // namespace

FloatImage augment_image(const FloatImage& image, const Augmentation& draw) {
  const std::vector<Tap> xs = axis_taps(image.width, (draw.flip ? -1.f : 1.f) / draw.zoom, draw.shift_x);
  const std::vector<Tap> ys = axis_taps(image.height, 1 / draw.zoom, draw.shift_y);
  FloatImage out(image.width, image.height, image.channels);
  for (int y = 0; y < out.height; ++y) {
    const Tap& row = ys[size_t(y)];
    const float *top = image.row(row.low), *bottom = image.row(row.high);
    for (int x = 0; x < out.width; ++x) {
      const Tap& column = xs[size_t(x)];
      for (int c = 0; c < image.channels; ++c) {
        const int a = column.low * image.channels + c, b = column.high * image.channels + c;
        const float upper = top[a] + column.share * (top[b] - top[a]);
        const float lower = bottom[a] + column.share * (bottom[b] - bottom[a]);
        const float value = upper + row.share * (lower - upper);
        out.at(x, y, c) = std::clamp((value - 0.5f) * draw.contrast + 0.5f + draw.brightness, 0.f, 1.f);
      }
    }
  }
  return out;
}

namespace {

Box moved(const Box& box, const Augmentation& draw, float w, float h) {
  const float scale_x = draw.flip ? -draw.zoom : draw.zoom;
  const auto move_x = [&](float x) { return ((x / w * 2 - 1 - draw.shift_x) * scale_x + 1) / 2 * w; };
  const auto move_y = [&](float y) { return ((y / h * 2 - 1 - draw.shift_y) * draw.zoom + 1) / 2 * h; };
  const float a = move_x(box.x1), b = move_x(box.x2);
  return {std::min(a, b), move_y(box.y1), std::max(a, b), move_y(box.y2)};
}

Box clipped(const Box& box, float w, float h) {
  return {std::clamp(box.x1, 0.f, w), std::clamp(box.y1, 0.f, h), std::clamp(box.x2, 0.f, w),
          std::clamp(box.y2, 0.f, h)};
}

double area(const Box& box) { return double(box.width()) * double(box.height()); }

/// Whether nothing but rounding lies between two boxes.
bool same(const Box& a, const Box& b) {
  constexpr float kRounding = 1e-3f;
  return std::abs(a.x1 - b.x1) < kRounding && std::abs(a.y1 - b.y1) < kRounding &&
         std::abs(a.x2 - b.x2) < kRounding && std::abs(a.y2 - b.y2) < kRounding;
}

}  // namespace

PlacedBoxes place_boxes(const std::vector<Box>& boxes, const Augmentation* draw, int width, int height,
                        const BoxRules& rules) {
  const float w = float(width), h = float(height);
  PlacedBoxes out;
  for (size_t i = 0; i < boxes.size(); ++i) {
    // What a crop cut off is not in the picture, even where an augmentation moves its place inside.
    const Box inside = clipped(boxes[i], w, h);
    const Box whole = draw ? moved(boxes[i], *draw, w, h) : boxes[i];
    const Box seen = draw ? clipped(moved(inside, *draw, w, h), w, h) : inside;
    const bool some = seen.width() > 0 && seen.height() > 0, uncut = some && same(seen, whole);
    const bool counts = some && area(seen) >= rules.min_visible * area(whole) &&
                        seen.width() >= rules.min_px && seen.height() >= rules.min_px;
    if (uncut || counts) {
      out.boxes.push_back(uncut && !draw ? boxes[i] : seen);
      out.kept.push_back(i);
      out.cut += !uncut;
    } else {
      ++out.dropped;
      if (some) out.unclear.push_back(seen);
    }
  }
  return out;
}

}  // namespace cawe::data
