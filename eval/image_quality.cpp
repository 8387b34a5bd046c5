// SPDX-License-Identifier: Apache-2.0
// PSNR, SSIM and colourfulness.
#include "eval/image_quality.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tensor/error.h"

namespace cawe::eval {
namespace {

constexpr int64_t kWindow = 11;

void check_alike(const char* name, const Picture& a, const Picture& b) {
  const int64_t size = a.channels * a.height * a.width;
  CAWE_CHECK(a.channels == b.channels && a.height == b.height && a.width == b.width, Code::shape, name, ": ",
             a.channels, " x ", a.height, " x ", a.width, " against ", b.channels, " x ", b.height, " x ",
             b.width, " (expected equal sizes)");
  CAWE_CHECK(size > 0 && int64_t(a.data.size()) == size && int64_t(b.data.size()) == size, Code::shape, name,
             ": ", a.data.size(), " and ", b.data.size(), " values for ", size, " pixels");
}

std::array<double, kWindow> gaussian() {
  std::array<double, kWindow> weights{};
  double sum = 0;
  for (int64_t i = 0; i < kWindow; ++i) {
    const double x = double(i - kWindow / 2) / 1.5;
    weights[size_t(i)] = std::exp(-0.5 * x * x);
    sum += weights[size_t(i)];
  }
  for (double& w : weights) w /= sum;
  return weights;
}

/// Windowed mean over the valid region (no padding): rows, then columns.
std::vector<double> blur(const std::vector<double>& plane, int64_t height, int64_t width) {
  static const std::array<double, kWindow> weights = gaussian();
  const int64_t out_h = height - kWindow + 1, out_w = width - kWindow + 1;
  std::vector<double> across(size_t(height * out_w), 0.0), result(size_t(out_h * out_w), 0.0);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < out_w; ++x)
      for (int64_t k = 0; k < kWindow; ++k)
        across[size_t(y * out_w + x)] += weights[size_t(k)] * plane[size_t(y * width + x + k)];
  for (int64_t y = 0; y < out_h; ++y)
    for (int64_t k = 0; k < kWindow; ++k)
      for (int64_t x = 0; x < out_w; ++x)
        result[size_t(y * out_w + x)] += weights[size_t(k)] * across[size_t((y + k) * out_w + x)];
  return result;
}

double ssim_of_plane(const float* a, const float* b, int64_t height, int64_t width) {
  const size_t size = size_t(height * width);
  std::vector<double> pa(a, a + size), pb(b, b + size), aa(size), bb(size), ab(size);
  for (size_t i = 0; i < size; ++i) {
    aa[i] = pa[i] * pa[i];
    bb[i] = pb[i] * pb[i];
    ab[i] = pa[i] * pb[i];
  }
  const std::vector<double> ma = blur(pa, height, width), mb = blur(pb, height, width);
  const std::vector<double> maa = blur(aa, height, width), mbb = blur(bb, height, width),
                            mab = blur(ab, height, width);
  constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
  double sum = 0;
  for (size_t i = 0; i < ma.size(); ++i) {
    const double va = maa[i] - ma[i] * ma[i], vb = mbb[i] - mb[i] * mb[i], cov = mab[i] - ma[i] * mb[i];
    sum +=
        (2 * ma[i] * mb[i] + c1) * (2 * cov + c2) / ((ma[i] * ma[i] + mb[i] * mb[i] + c1) * (va + vb + c2));
  }
  return sum / double(ma.size());
}

}  // namespace

double psnr(const Picture& a, const Picture& b) {
  check_alike("PSNR", a, b);
  double sum = 0;
  for (size_t i = 0; i < a.data.size(); ++i) {
    const double d = double(a.data[i]) - double(b.data[i]);
    sum += d * d;
  }
  return sum == 0 ? std::numeric_limits<double>::infinity() : -10 * std::log10(sum / double(a.data.size()));
}

double ssim(const Picture& a, const Picture& b) {
  check_alike("SSIM", a, b);
  CAWE_CHECK(a.height >= kWindow && a.width >= kWindow, Code::shape, "SSIM: picture of ", a.height, " x ",
             a.width, " (expected sides of at least ", kWindow, ")");
  double sum = 0;
  const int64_t plane = a.height * a.width;
  for (int64_t c = 0; c < a.channels; ++c)
    sum += ssim_of_plane(a.data.data() + c * plane, b.data.data() + c * plane, a.height, a.width);
  return sum / double(a.channels);
}

double colourfulness(const Picture& p) {
  const size_t n = size_t(p.height * p.width);
  CAWE_CHECK(p.channels == 3 && n > 0 && p.data.size() == 3 * n, Code::shape, "colourfulness: ", p.channels,
             " channels, ", p.data.size(), " values (expected three planes)");
  double rg = 0, yb = 0, rg2 = 0, yb2 = 0;
  for (size_t i = 0; i < n; ++i) {
    const double r = 255.0 * p.data[i], g = 255.0 * p.data[n + i], b = 255.0 * p.data[2 * n + i];
    const double x = r - g, y = 0.5 * (r + g) - b;
    rg += x / double(n);
    yb += y / double(n);
    rg2 += x * x / double(n);
    yb2 += y * y / double(n);
  }
  const double variance = std::max(0.0, rg2 - rg * rg) + std::max(0.0, yb2 - yb * yb);
  return std::sqrt(variance) + 0.3 * std::sqrt(rg * rg + yb * yb);
}

}  // namespace cawe::eval
