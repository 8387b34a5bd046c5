// SPDX-License-Identifier: Apache-2.0
// Boxes as offsets from anchors (Girshick et al. 2014, arXiv 1311.2524, bounding-box regression). Decoding is
// a primitive of the backend.
#pragma once

#include <array>

#include "tensor/box.h"
#include "tensor/primitives/params.h"

namespace cawe::models {

/// dx = (cx_g - cx_a) / w_a, dy likewise, dw = ln(w_g / w_a), dh likewise, each times its weight. Widths are
/// x2 - x1 (no + 1). Both boxes must have an area.
std::array<float, 4> encode_box(const Box& box, const Box& anchor, const BoxCoding& coding = {});

}  // namespace cawe::models
