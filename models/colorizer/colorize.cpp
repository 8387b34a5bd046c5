// SPDX-License-Identifier: Apache-2.0
#include "models/colorizer/colorize.h"

#include <algorithm>

#include "models/classifier.h"
#include "models/colorizer/color_space.h"
#include "tensor/primitives/resize.h"

namespace cawe::models {
namespace {

Tensor resized(const Tensor& x, int64_t height, int64_t width) {
  if (x.dim(2) == height && x.dim(3) == width) return x;
  Tensor y = Tensor::empty({x.dim(0), x.dim(1), height, width});
  primitives::resize_bilinear(x, y);
  return y;
}

int64_t next_multiple(int64_t n, int64_t of) { return (n + of - 1) / of * of; }

/// Index i of the sequence 0 .. n-1 continued by reflection, 0 .. n-1 .. 1 0 1 ...
int64_t reflected(int64_t i, int64_t n) {
  if (n == 1) return 0;
  const int64_t period = 2 * (n - 1), at = i % period;
  return at < n ? at : period - at;
}

/// Normalised output to an image in [0, 1].
Tensor to_image(const Tensor& y) {
  const Tensor x = y.to(DType::f32).to(Device::cpu).contiguous();
  Tensor image = Tensor::empty(x.shape());
  const int64_t plane = x.dim(2) * x.dim(3);
  for (int64_t i = 0; i < x.numel(); ++i) {
    const size_t c = size_t(i / plane % 3);
    image.data<float>()[i] =
        float(std::min(1.0, std::max(0.0, double(x.data<float>()[i]) * kImageStd[c] + kImageMean[c])));
  }
  return image;
}

}  // namespace

ColorSpace color_space(const std::string& name) {
  CAWE_CHECK(name == "yuv" || name == "lab", Code::usage, "color.space is \"", name,
             "\" (expected yuv or lab)");
  return name == "lab" ? ColorSpace::lab : ColorSpace::yuv;
}

const char* name(ColorSpace space) { return space == ColorSpace::lab ? "lab" : "yuv"; }

Tensor reflect_pad(const Tensor& x, int64_t height, int64_t width) {
  CAWE_CHECK(x.rank() == 4 && height >= x.dim(2) && width >= x.dim(3) && x.numel() > 0, Code::shape,
             "reflect_pad: ", x.shape(), " to ", height, " x ", width, " (expected no smaller size)");
  if (x.dim(2) == height && x.dim(3) == width) return x;
  const Tensor in = x.contiguous();
  Tensor y = Tensor::empty({x.dim(0), x.dim(1), height, width});
  const int64_t h = in.dim(2), w = in.dim(3);
  for (int64_t p = 0; p < in.dim(0) * in.dim(1); ++p)
    for (int64_t i = 0; i < height; ++i)
      for (int64_t j = 0; j < width; ++j)
        y.data<float>()[(p * height + i) * width + j] =
            in.data<float>()[(p * h + reflected(i, h)) * w + reflected(j, w)];
  return y;
}

Tensor colorize(Generator& generator, const Tensor& gray, const ColorSettings& settings) {
  CAWE_CHECK(gray.rank() == 4 && gray.dim(1) == 1 && gray.dtype() == DType::f32, Code::shape,
             "colorize: an image of shape ", gray.shape(), " ", name(gray.dtype()),
             " (expected [N, 1, H, W] f32)");
  CAWE_CHECK(settings.render_factor >= 1 && settings.render_factor <= 256, Code::usage,
             "color.render_factor = ", settings.render_factor, " (expected 1 to 256)");
  const Tensor film = gray.to(Device::cpu);
  const int64_t side = 16 * settings.render_factor, padded = next_multiple(side, 32);
  const Tensor seen = reflect_pad(resized(film, side, side), padded, padded);
  const nn::EvalMode evaluating(generator);
  const NoGrad no_history;
  const Variable y = generator.forward(Variable(normalise_input(seen.to(generator.device()))));
  Tensor color = to_image(y.value().slice(2, 0, side).slice(3, 0, side));
  color = resized(color, gray.dim(2), gray.dim(3));
  if (!settings.keep_luma) return color.to(gray.device());
  return (settings.space == ColorSpace::lab ? keep_lightness(film, color, settings.saturation)
                                            : keep_luma(film, color, settings.saturation))
      .to(gray.device());
}

}  // namespace cawe::models
