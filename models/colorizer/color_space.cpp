// SPDX-License-Identifier: Apache-2.0
#include "models/colorizer/color_space.h"

#include <algorithm>
#include <cmath>

namespace cawe::models {
namespace {

constexpr double kRed = 0.299, kGreen = 0.587, kBlue = 0.114;  // BT.601
constexpr double kWhite[3] = {0.95047, 1.0, 1.08883};          // D65 white, XYZ
constexpr double kCorner = 6.0 / 29.0;
/// Linear sRGB to XYZ (IEC 61966-2-1), and its inverse.
constexpr double kToXyz[3][3] = {
    {0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
constexpr double kFromXyz[3][3] = {{3.2404542, -1.5371385, -0.4985314},
                                   {-0.9692660, 1.8760108, 0.0415560},
                                   {0.0556434, -0.2040259, 1.0572252}};

double linear_of(double s) { return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4); }
double srgb_of(double l) { return l <= 0.0031308 ? 12.92 * l : 1.055 * std::pow(l, 1 / 2.4) - 0.055; }
double f(double t) {
  return t > kCorner * kCorner * kCorner ? std::cbrt(t) : t / (3 * kCorner * kCorner) + 4.0 / 29.0;
}
double f_inverse(double y) { return y > kCorner ? y * y * y : 3 * kCorner * kCorner * (y - 4.0 / 29.0); }
double unit(double v) { return std::clamp(v, 0.0, 1.0); }

void multiply(const double m[3][3], const double x[3], double y[3]) {
  for (int i = 0; i < 3; ++i) y[i] = m[i][0] * x[0] + m[i][1] * x[1] + m[i][2] * x[2];
}

void check(const char* what, const Tensor& image, int64_t channels) {
  CAWE_CHECK(image.rank() == 4 && image.dim(1) == channels && image.dtype() == DType::f32, Code::shape, what,
             ": an image of shape ", image.shape(), " ", name(image.dtype()), " (expected [N, ", channels,
             ", H, W] f32)");
}

/// Calls change(gray, rgb) for every pixel; rgb holds the colour's values and takes the result.
template <class Change>
Tensor each_pixel(const char* what, const Tensor& gray, const Tensor& color, Change change) {
  check(what, gray, 1);
  check(what, color, 3);
  CAWE_CHECK(gray.dim(0) == color.dim(0) && gray.dim(2) == color.dim(2) && gray.dim(3) == color.dim(3),
             Code::shape, what, ": gray ", gray.shape(), " and colour ", color.shape(),
             " (expected the same images and sizes)");
  const Tensor g = gray.contiguous(), c = color.contiguous();
  Tensor y = Tensor::empty(color.shape());
  const int64_t plane = color.dim(2) * color.dim(3);
  for (int64_t n = 0; n < color.dim(0); ++n) {
    const float *pg = g.data<float>() + n * plane, *pc = c.data<float>() + 3 * n * plane;
    float* py = y.data<float>() + 3 * n * plane;
    for (int64_t i = 0; i < plane; ++i) {
      double rgb[3] = {double(pc[i]), double(pc[i + plane]), double(pc[i + 2 * plane])};
      change(double(pg[i]), rgb);
      for (int k = 0; k < 3; ++k) py[i + k * plane] = float(unit(rgb[k]));
    }
  }
  return y;
}

}  // namespace

Tensor gray_of(const Tensor& rgb) {
  check("gray_of", rgb, 3);
  const Tensor c = rgb.contiguous();
  Tensor y = Tensor::empty({c.dim(0), 1, c.dim(2), c.dim(3)});
  const int64_t plane = c.dim(2) * c.dim(3);
  for (int64_t n = 0; n < c.dim(0); ++n) {
    const float* p = c.data<float>() + 3 * n * plane;
    for (int64_t i = 0; i < plane; ++i)
      y.data<float>()[n * plane + i] =
          float(kRed * double(p[i]) + kGreen * double(p[i + plane]) + kBlue * double(p[i + 2 * plane]));
  }
  return y;
}

Tensor keep_luma(const Tensor& gray, const Tensor& color, double saturation) {
  return each_pixel("keep_luma", gray, color, [saturation](double luma, double* rgb) {
    const double own = kRed * rgb[0] + kGreen * rgb[1] + kBlue * rgb[2];
    const double u = saturation * 0.492 * (rgb[2] - own), v = saturation * 0.877 * (rgb[0] - own);
    rgb[0] = luma + v / 0.877;
    rgb[2] = luma + u / 0.492;
    rgb[1] = (luma - kRed * rgb[0] - kBlue * rgb[2]) / kGreen;
  });
}

Tensor keep_lightness(const Tensor& gray, const Tensor& color, double saturation) {
  return each_pixel("keep_lightness", gray, color, [saturation](double luma, double* rgb) {
    const double plain[3] = {luma, luma, luma};
    double wanted[3], lab[3];
    rgb_to_lab(plain, wanted);
    rgb_to_lab(rgb, lab);
    lab[0] = wanted[0];
    lab[1] *= saturation;
    lab[2] *= saturation;
    lab_to_rgb(lab, rgb);
  });
}

void rgb_to_lab(const double rgb[3], double lab[3]) {
  const double linear[3] = {linear_of(rgb[0]), linear_of(rgb[1]), linear_of(rgb[2])};
  double xyz[3];
  multiply(kToXyz, linear, xyz);
  double t[3];
  for (int i = 0; i < 3; ++i) t[i] = f(xyz[i] / kWhite[i]);
  lab[0] = 116 * t[1] - 16;
  lab[1] = 500 * (t[0] - t[1]);
  lab[2] = 200 * (t[1] - t[2]);
}

void lab_to_rgb(const double lab[3], double rgb[3]) {
  const double y = (lab[0] + 16) / 116;
  const double t[3] = {y + lab[1] / 500, y, y - lab[2] / 200};
  double xyz[3], linear[3];
  for (int i = 0; i < 3; ++i) xyz[i] = kWhite[i] * f_inverse(t[i]);
  multiply(kFromXyz, xyz, linear);
  for (int i = 0; i < 3; ++i) rgb[i] = unit(srgb_of(std::max(0.0, linear[i])));
}

}  // namespace cawe::models
