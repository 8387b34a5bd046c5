// SPDX-License-Identifier: Apache-2.0
// AFDA: adaptive fractional-order differentiation (Li & Xie 2015, "Medical image enhancement based on
// adaptive fractional differentiation"). The article was not available; the formulas follow the only public
// re-implementation that was found (VXallset/Medical_image_enhancement_AFDA): a Gruenwald-Letnikov mask in
// eight directions whose order follows the local gradient.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace cawe::models {

/// Settings of AFDA.
struct AfdaSettings {
  double v_max = 0.9;  ///< orders are clamped to [0, v_max]: the mask's sum vanishes at order 1
  /// Statistics only over pixels at or above Otsu's threshold of the film.
  bool object_mask = false;
  bool stretch = false;  ///< stretch the result's own range to 0..255; false: clip to 0..255
};

/// The 5 x 5 mask of order v has three numbers: the centre, its 8 neighbours, and the 8 cells two steps away
/// along rows, columns and diagonals; the other 8 are 0. All are divided by S(v) = 4 (1 - v)(2 - v), so that
/// centre + 8 near + 8 far = 1.
struct AfdaMask {
  double centre, near, far;
};
/// 0 <= v < 1.
AfdaMask afda_mask(double v);

/// Statistics that decide the orders, for one image.
struct AfdaOrders {
  double threshold = 0;  ///< t: Otsu's threshold of the mean gradient
  double v1 = 0, v2 = 0;
};

/// gray: levels 0..255, row-major; the border is replicated. Returns as many, rounded half up once at the
/// end. A constant image, or one whose gradients form a single class, is returned unchanged. With M the mean
/// gradient of a pixel, its order is max(v1, (M - t) / M) where M >= t (an edge, even a weak one), min(v2, M
/// / t) where 2 < M < t (texture), and 0 where M <= 2 (smooth). Rows run in parallel.
std::vector<uint8_t> afda_u8(const std::vector<uint8_t>& gray, int64_t rows, int64_t columns,
                             const AfdaSettings& settings = {}, AfdaOrders* orders = nullptr);

/// gray [N, 1, H, W] in [0, 1] (f32), through 8 bits, to [N, 1, H, W].
Tensor afda(const Tensor& gray, const AfdaSettings& settings = {});

}  // namespace cawe::models
