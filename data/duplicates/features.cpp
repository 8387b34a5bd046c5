// SPDX-License-Identifier: Apache-2.0
// Keypoints and descriptors.
#include "data/duplicates/features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "data/resize.h"
#include "tensor/error.h"

namespace cawe::data {
namespace {

constexpr double kPi = 3.14159265358979323846;

/// One Gaussian pass along rows (the picture's edge is repeated), its result transposed, so that two passes are a blur.
FloatImage blur_rows_transposed(const FloatImage& in, const std::vector<float>& weights) {
  const int reach = int(weights.size()) - 1;
  FloatImage out(in.height, in.width, 1);
  std::vector<float> line(size_t(in.width + 2 * reach)), sum(size_t(in.width));
  for (int y = 0; y < in.height; ++y) {
    const float* row = in.row(y);
    for (int x = 0; x < int(line.size()); ++x) line[size_t(x)] = row[std::clamp(x - reach, 0, in.width - 1)];
    for (int x = 0; x < in.width; ++x) sum[size_t(x)] = weights[0] * line[size_t(x + reach)];
    for (int k = 1; k <= reach; ++k) {
      const float *left = &line[size_t(reach - k)], *right = &line[size_t(reach + k)];
      for (int x = 0; x < in.width; ++x) sum[size_t(x)] += weights[size_t(k)] * (left[x] + right[x]);
    }
    for (int x = 0; x < in.width; ++x) out.at(y, x) = sum[size_t(x)];
  }
  return out;
}

FloatImage blurred(const FloatImage& in, double sigma) {
  const int reach = std::max(1, int(std::ceil(3.5 * sigma)));
  std::vector<float> weights;
  double total = 0;
  for (int k = 0; k <= reach; ++k) {
    weights.push_back(float(std::exp(-k * k / (2 * sigma * sigma))));
    total += (k ? 2 : 1) * double(weights.back());
  }
  for (float& w : weights) w = float(w / total);
  return blur_rows_transposed(blur_rows_transposed(in, weights), weights);
}

FloatImage of_side(const FloatImage& film, int side) {
  const int longer = std::max(film.width, film.height);
  const auto scaled = [&](int n) { return std::max(1, int(std::lround(double(n) * side / longer))); };
  return resize(film, scaled(film.width), scaled(film.height), Filter::triangle);
}

}  // namespace

FloatImage flattened(const FloatImage& film, int side) {
  CAWE_CHECK(film.channels == 1, Code::shape, "flattened: ", film.channels,
             " channels (expected a gray film)");
  constexpr int kSlow = 8;              // slow things are found in a picture of side / 8
  constexpr double kReach = 1.0 / 24;   // sigma of what is slow, of the longer side
  constexpr double kLeastSpread = .02;  // below it there is only noise: black borders stay flat
  FloatImage out = of_side(film, side);
  const auto slow = [&](const FloatImage& fine) {
    const int w = std::max(1, fine.width / kSlow), h = std::max(1, fine.height / kSlow);
    return resize(blurred(resize(fine, w, h, Filter::area), kReach * side / kSlow), fine.width, fine.height,
                  Filter::bilinear);
  };
  const FloatImage mean = slow(out);
  for (size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] -= mean.pixels[i];
  FloatImage square = out;
  for (float& v : square.pixels) v *= v;
  square = slow(square);
  for (size_t i = 0; i < out.pixels.size(); ++i)
    out.pixels[i] =
        std::clamp(out.pixels[i] / (std::sqrt(square.pixels[i]) + float(kLeastSpread)), -4.f, 4.f);
  return out;
}

namespace {

constexpr int kSteps = 3;  // scales between a picture and its half
constexpr double kFirstSigma = 1.6;

/// Gaussians of one octave: kSteps + 3 of them, sigma kFirstSigma * 2^(i / kSteps).
struct Octave {
  std::vector<FloatImage> gauss, difference;
};

Octave octave_of(FloatImage first) {
  Octave o;
  o.gauss.push_back(std::move(first));
  const double step = std::pow(2.0, 1.0 / kSteps);
  for (int i = 1; i < kSteps + 3; ++i) {
    const double before = kFirstSigma * std::pow(step, i - 1);
    o.gauss.push_back(blurred(o.gauss.back(), before * std::sqrt(step * step - 1)));
    FloatImage d = o.gauss.back();
    for (size_t p = 0; p < d.pixels.size(); ++p) d.pixels[p] -= o.gauss[size_t(i - 1)].pixels[p];
    o.difference.push_back(std::move(d));
  }
  return o;
}

FloatImage halved(const FloatImage& in) {
  FloatImage out((in.width + 1) / 2, (in.height + 1) / 2, 1);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) out.at(x, y) = in.at(2 * x, 2 * y);
  return out;
}

/// Whether the value is above (or below) its 26 neighbours in place and scale.
bool is_extremum(const Octave& o, int level, int x, int y) {
  const float v = o.difference[size_t(level)].at(x, y);
  for (int l = level - 1; l <= level + 1; ++l)
    for (int dy = -1; dy <= 1; ++dy) {
      const float* row = o.difference[size_t(l)].row(y + dy);
      for (int dx = -1; dx <= 1; ++dx) {
        if (l == level && dx == 0 && dy == 0) continue;
        if (v > 0 ? row[x + dx] >= v : row[x + dx] <= v) return false;
      }
    }
  return true;
}

/// On a straight edge the place along it is chance: the curvatures differ by more than tenfold.
bool on_edge(const FloatImage& d, int x, int y) {
  constexpr float kRatio = 10;
  const float v = d.at(x, y), xx = d.at(x + 1, y) + d.at(x - 1, y) - 2 * v,
              yy = d.at(x, y + 1) + d.at(x, y - 1) - 2 * v,
              xy = (d.at(x + 1, y + 1) - d.at(x - 1, y + 1) - d.at(x + 1, y - 1) + d.at(x - 1, y - 1)) / 4,
              trace = xx + yy, determinant = xx * yy - xy * xy;
  return determinant <= 0 || trace * trace * kRatio >= (kRatio + 1) * (kRatio + 1) * determinant;
}

struct Found {
  int octave, level, x, y;
  float strength;
};

std::vector<Found> extrema(const std::vector<Octave>& octaves, double contrast, int most) {
  std::vector<Found> found;
  constexpr int kBorder = 4;
  for (size_t n = 0; n < octaves.size(); ++n)
    for (int level = 1; level <= kSteps; ++level) {
      const FloatImage& d = octaves[n].difference[size_t(level)];
      for (int y = kBorder; y < d.height - kBorder; ++y)
        for (int x = kBorder; x < d.width - kBorder; ++x) {
          const float v = std::abs(d.at(x, y));
          if (v >= float(contrast) && is_extremum(octaves[n], level, x, y) && !on_edge(d, x, y))
            found.push_back({int(n), level, x, y, v});
        }
    }
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.strength > b.strength; });
  if (int(found.size()) > most) found.resize(size_t(most));
  return found;
}

/// Adds `weight` to the two directions, and the four cells, that it lies between.
void add_gradient(std::array<float, kDescriptorValues>* bins, float column, float row, float direction,
                  float weight) {
  const int c = int(std::floor(column)), r = int(std::floor(row)), d = int(std::floor(direction));
  const float fc = column - float(c), fr = row - float(r), fd = direction - float(d);
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j) {
      if (r + i < 0 || r + i > 3 || c + j < 0 || c + j > 3) continue;
      const float part = weight * (i ? fr : 1 - fr) * (j ? fc : 1 - fc);
      const size_t at = size_t((r + i) * 4 + c + j) * 8;
      (*bins)[at + size_t(d & 7)] += part * (1 - fd);
      (*bins)[at + size_t((d + 1) & 7)] += part * fd;
    }
}

/// Square roots of the shares of a histogram of gradients, as whole numbers.
void describe(const FloatImage& gauss, int x, int y, double sigma, int16_t* out) {
  std::array<float, kDescriptorValues> bins{};
  const float cell = float(3 * sigma);
  const int reach = int(std::lround(double(cell) * 2.5));
  for (int dy = -reach; dy <= reach; ++dy)
    for (int dx = -reach; dx <= reach; ++dx) {
      const int px = x + dx, py = y + dy;
      if (px < 1 || py < 1 || px >= gauss.width - 1 || py >= gauss.height - 1) continue;
      const float gx = gauss.at(px + 1, py) - gauss.at(px - 1, py),
                  gy = gauss.at(px, py + 1) - gauss.at(px, py - 1), u = float(dx) / cell,
                  v = float(dy) / cell;
      const float weight = std::exp(-(u * u + v * v) / 8) * std::sqrt(gx * gx + gy * gy);
      const float direction = (std::atan2(gy, gx) + float(kPi)) * float(4 / kPi);
      add_gradient(&bins, u + 1.5f, v + 1.5f, direction, weight);
    }
  float sum = 1e-12f;
  for (const float b : bins) sum += b;
  for (size_t i = 0; i < bins.size(); ++i)
    out[i] = int16_t(std::lround(kDescriptorLength * std::sqrt(bins[i] / sum)));
}

}  // namespace

FilmFeatures film_features(const FloatImage& film, const FeatureOptions& options) {
  FilmFeatures f;
  FloatImage picture = flattened(film, kFeatureSide);
  f.width = picture.width;
  f.height = picture.height;
  f.flat = flattened(film, kFlatSide);
  std::vector<Octave> octaves;
  for (FloatImage next = blurred(picture, kFirstSigma); std::min(next.width, next.height) >= 32;) {
    octaves.push_back(octave_of(std::move(next)));
    next = halved(octaves.back().gauss[kSteps]);
  }
  std::vector<Found> found = extrema(octaves, options.contrast, options.most);
  const auto in_order = [](const Found& a, const Found& b) {
    return std::make_tuple(a.octave, a.level, a.y, a.x) < std::make_tuple(b.octave, b.level, b.y, b.x);
  };
  std::sort(found.begin(), found.end(), in_order);
  f.descriptors.resize(found.size() * kDescriptorValues);
  for (size_t i = 0; i < found.size(); ++i) {
    const Found& at = found[i];
    const double sigma = kFirstSigma * std::pow(2.0, double(at.level) / kSteps);
    const auto grown = float(1 << at.octave);
    f.points.push_back({float(at.x) * grown, float(at.y) * grown, at.octave * kSteps + at.level});
    int16_t* out = &f.descriptors[i * kDescriptorValues];
    describe(octaves[size_t(at.octave)].gauss[size_t(at.level)], at.x, at.y, sigma, out);
    int32_t length = 0;
    for (int k = 0; k < kDescriptorValues; ++k) length += int32_t(out[k]) * out[k];
    f.lengths.push_back(length);
  }
  return f;
}

}  // namespace cawe::data
