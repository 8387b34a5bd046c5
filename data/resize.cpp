// SPDX-License-Identifier: Apache-2.0
// All filters are separable: weights for each output position, then one pass along each axis.
#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tensor/error.h"

namespace cawe::data {
namespace {

/// Output position i is sum over k of weights[i * width + k] * input[first[i] + k].
struct Taps {
  size_t width = 0;
  std::vector<int> first, count;
  std::vector<double> weights;
};

Taps empty_taps(int out, size_t width) {
  return {width, std::vector<int>(size_t(out)), std::vector<int>(size_t(out)),
          std::vector<double>(size_t(out) * width, 0.0)};
}

Taps bilinear_taps(int in, int out) {
  Taps taps = empty_taps(out, 2);
  for (int i = 0; i < out; ++i) {
    const double source = std::max(0.0, (i + 0.5) * (double(in) / out) - 0.5);
    const int low = std::min(int(source), in - 1), high = std::min(low + 1, in - 1);
    const size_t at = size_t(i);
    taps.first[at] = low;
    taps.count[at] = high - low + 1;
    const double share = high > low ? source - low : 0.0;
    taps.weights[at * 2] = 1 - share;
    taps.weights[at * 2 + 1] = share;
  }
  return taps;
}

Taps area_taps(int in, int out) {
  const double scale = double(in) / out;
  Taps taps = empty_taps(out, size_t(std::ceil(scale)) + 2);
  for (int i = 0; i < out; ++i) {
    const double begin = i * scale, end = (i + 1) * scale;
    const size_t at = size_t(i);
    taps.first[at] = std::min(int(begin), in - 1);
    for (int x = taps.first[at]; x < in && x < end; ++x) {
      const double covered = std::min(end, x + 1.0) - std::max(begin, double(x));
      if (covered <= 0) break;
      taps.weights[at * taps.width + size_t(taps.count[at]++)] = covered / scale;
    }
  }
  return taps;
}

/// The coefficients of Pillow's precompute_coeffs with its triangle filter (described in
/// src/libImaging/Resample.c).
Taps triangle_taps(int in, int out) {
  const double scale = double(in) / out, reach = std::max(scale, 1.0);
  Taps taps = empty_taps(out, size_t(std::ceil(reach)) * 2 + 1);
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * scale;
    const int begin = std::max(0, int(centre - reach + 0.5)), end = std::min(in, int(centre + reach + 0.5));
    double* weights = &taps.weights[size_t(i) * taps.width];
    double sum = 0;
    for (int x = begin; x < end; ++x)
      sum += weights[x - begin] = std::max(0.0, 1 - std::abs((x - centre + 0.5) * (1 / reach)));
    for (int x = begin; x < end; ++x) weights[x - begin] /= sum;
    taps.first[size_t(i)] = begin;
    taps.count[size_t(i)] = end - begin;
  }
  return taps;
}

Taps taps_of(int in, int out, Filter filter) {
  if (filter == Filter::bilinear) return bilinear_taps(in, out);
  return filter == Filter::area ? area_taps(in, out) : triangle_taps(in, out);
}

/// Memory layout of one pass: `lines` independent lines; along the resized axis steps of `stride`; `inner`
/// adjacent values (channels, or a whole row) share their weights.
struct Pass {
  int lines, line_stride, stride, inner;
};

template <class Sum, class Apply>
void run_pass(const std::vector<float>& in, std::vector<float>* out, const Taps& taps, const Pass& from,
              const Pass& to, const std::vector<Sum>& weights, Apply apply) {
  for (int line = 0; line < from.lines; ++line)
    for (size_t i = 0; i < taps.first.size(); ++i) {
      const Sum* w = &weights[i * taps.width];
      const float* source =
          &in[size_t(line) * size_t(from.line_stride) + size_t(taps.first[i]) * size_t(from.stride)];
      float* target = &(*out)[size_t(line) * size_t(to.line_stride) + i * size_t(to.stride)];
      for (int c = 0; c < from.inner; ++c) target[c] = apply(source + c, w, taps.count[i], from.stride);
    }
}

float apply_float(const float* source, const double* weights, int count, int stride) {
  double sum = 0;
  for (int k = 0; k < count; ++k) sum += double(source[size_t(k) * size_t(stride)]) * weights[k];
  return float(sum);
}

constexpr int kFixedBits = 22;  // Pillow's PRECISION_BITS for 8-bit pixels

float apply_fixed(const float* source, const int64_t* weights, int count, int stride) {
  int64_t sum = int64_t(1) << (kFixedBits - 1);
  for (int k = 0; k < count; ++k) sum += int64_t(source[size_t(k) * size_t(stride)]) * weights[k];
  return float(std::clamp<int64_t>(sum >> kFixedBits, 0, 255));
}

void pass(const std::vector<float>& in, std::vector<float>* out, const Taps& taps, const Pass& from,
          const Pass& to, bool fixed) {
  if (!fixed) {
    run_pass(in, out, taps, from, to, taps.weights, apply_float);
    return;
  }
  std::vector<int64_t> weights;
  for (const double w : taps.weights)
    weights.push_back(int64_t(w * (1 << kFixedBits) + (w < 0 ? -0.5 : 0.5)));
  run_pass(in, out, taps, from, to, weights, apply_fixed);
}

}  // namespace

FloatImage resize(const FloatImage& image, int width, int height, Filter filter) {
  CAWE_CHECK(width > 0 && height > 0 && image.width > 0 && image.height > 0, Code::shape,
             "resize: ", image.width, " x ", image.height, " to ", width, " x ", height,
             " (expected at least one pixel)");
  if (filter != Filter::triangle8 && width == image.width && height == image.height) return image;
  const bool fixed = filter == Filter::triangle8;
  FloatImage source = image;
  if (fixed)
    for (float& v : source.pixels) v = std::floor(std::clamp(v, 0.f, 1.f) * 255 + 0.5f);
  const int c = image.channels;
  FloatImage wide(width, image.height, c);
  // Pillow skips an axis whose size stays; with these weights the pass changes nothing.
  pass(source.pixels, &wide.pixels, taps_of(image.width, width, filter),
       {image.height, image.width * c, c, c}, {image.height, width * c, c, c}, fixed);
  FloatImage out(width, height, c);
  pass(wide.pixels, &out.pixels, taps_of(image.height, height, filter), {1, 0, width * c, width * c},
       {1, 0, width * c, width * c}, fixed);
  if (fixed)
    for (float& v : out.pixels) v /= 255;
  return out;
}

}  // namespace cawe::data
