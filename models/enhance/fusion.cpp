// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/fusion.h"

#include <algorithm>

#include "tensor/primitives/cawe.h"
#include "tensor/primitives/reductions.h"

namespace cawe::models {
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
  CAWE_CHECK(alpha >= 0 && alpha <= 1, Code::usage, "fuse.alpha = ", alpha, " (expected 0 to 1)");
  CAWE_CHECK(image.rank() == 4 && map.rank() == 4 && image.dim(0) > 0 && image.dim(0) == map.dim(0) &&
                 map.dim(1) == 1 && image.dim(2) == map.dim(2) && image.dim(3) == map.dim(3),
             Code::shape, "fuse: image ", image.shape(), " and map ", map.shape(),
             " (expected [N, C, H, W] and [N, 1, H, W]). Resize the map to the image");
  check_unit_range("image", image);
  check_unit_range("map", map);
  if (alpha == 1) return image.clone();
  Tensor y = Tensor::like(image);
  primitives::cawe_fuse(image, map, alpha, y);
  return y;
}

}  // namespace cawe::models
