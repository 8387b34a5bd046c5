// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/fusion.h"

#include <algorithm>

#include "tensor/parallel.h"
#include "tensor/primitives/cawe.h"
#include "tensor/primitives/reductions.h"

namespace cawe::models {
namespace {

void check_fused(const Tensor& image, const Tensor& map, double alpha) {
  CAWE_CHECK(alpha >= 0 && alpha <= 1, Code::usage, "fuse.alpha = ", alpha, " (expected 0 to 1)");
  CAWE_CHECK(image.rank() == 4 && map.rank() == 4 && image.dim(0) > 0 && image.dim(0) == map.dim(0) &&
                 map.dim(1) == 1 && image.dim(2) == map.dim(2) && image.dim(3) == map.dim(3),
             Code::shape, "fuse: image ", image.shape(), " and map ", map.shape(),
             " (expected [N, C, H, W] and [N, 1, H, W]). Resize the map to the image");
  check_unit_range("image", image);
  check_unit_range("map", map);
}

}  // namespace

void check_unit_range(const char* what, const Tensor& x) {
  CAWE_CHECK(all_finite(x), Code::numeric, "fuse: the ", what, " has a value that is not finite");
  Tensor low = Tensor::empty({x.dim(0)}, x.dtype(), Layout::contiguous, x.device()), high = Tensor::like(low);
  primitives::min_max(x, low, high);
  const auto lows = low.to(DType::f64).to_vector<double>(), highs = high.to(DType::f64).to_vector<double>();
  const double least = *std::min_element(lows.begin(), lows.end());
  const double most = *std::max_element(highs.begin(), highs.end());
  CAWE_CHECK(least >= 0 && most <= 1, Code::numeric, "fuse: the ", what, " lies in [", least, ", ", most,
             "] (expected [0, 1]). Fuse before mean and standard deviation are taken");
}

Tensor fuse(const Tensor& image, const Tensor& map, double alpha) {
  check_fused(image, map, alpha);
  if (alpha == 1) return image.clone();
  Tensor y = Tensor::like(image);
  primitives::cawe_fuse(image, map, alpha, y);
  return y;
}

Tensor lift(const Tensor& image, const Tensor& map, double alpha) {
  check_fused(image, map, alpha);
  if (alpha == 1) return image.clone();
  const Tensor x = image.to(Device::cpu).contiguous(), l = map.to(Device::cpu).contiguous();
  Tensor y = Tensor::like(x);
  const int64_t pixels = x.dim(2) * x.dim(3), per_image = x.dim(1) * pixels;
  const float share = float(1 - alpha);
  parallel_for(x.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float v = x.data<float>()[i], m = l.data<float>()[i / per_image * pixels + i % pixels];
      // Rounding alone could lead above 1.
      y.data<float>()[i] = std::min(1.0f, v + share * m * v * (1 - v));
    }
  });
  return y.to(image.device());
}

Tensor map_as_channel(const Tensor& image, const Tensor& map) {
  check_fused(image, map, 0);
  CAWE_CHECK(image.dim(1) == 1, Code::shape, "fuse: image ", image.shape(),
             " (expected a gray film [N, 1, H, W]: the map takes a colour's place)");
  const Tensor x = image.to(Device::cpu).contiguous(), l = map.to(Device::cpu).contiguous();
  Tensor y = Tensor::empty({x.dim(0), 3, x.dim(2), x.dim(3)});
  const int64_t pixels = x.dim(2) * x.dim(3);
  for (int64_t n = 0; n < x.dim(0); ++n) {
    float* to = y.data<float>() + 3 * n * pixels;
    const float* film = x.data<float>() + n * pixels;
    to = std::copy_n(film, pixels, to);
    to = std::copy_n(film, pixels, to);
    std::copy_n(l.data<float>() + n * pixels, pixels, to);
  }
  return y.to(image.device());
}

}  // namespace cawe::models
