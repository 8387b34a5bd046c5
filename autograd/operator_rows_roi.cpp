// SPDX-License-Identifier: Apache-2.0
// The table's row of RoIAlign.
#include "autograd/operator_rows.h"
#include "autograd/ops/roi_align.h"

namespace cawe {
namespace {

/// Two images of 40 x 48 pixels with six slots each: small, large, thin and outlying boxes on three levels of
/// odd sizes, an empty slot.
const std::vector<float> kBoxes{3.2f,  4.1f,  17.5f, 11.0f, 0,  0,  48,   40,    20,    1.5f, 21,    39,
                                30.3f, 22.2f, 60,    55,    -6, -4, 5.5f, 7.25f, 0,     0,    0,     0,
                                8,     8,     40,    32,    5,  5,  6,    6,     12.1f, 3.3f, 47.9f, 38.8f,
                                41,    33,    48,    40,    1,  30, 20,   36,    2,     2,    30,    28};
const std::vector<int32_t> kPlaces{0, 0, 0, 2, 0, 1, 0, 0, 0, 1, 0, -1, 1, 1, 1, 0, 1, 2, 1, 0, 1, 0, 1, 1};

OperatorCase roi_case(int64_t channels, int64_t pooled, int64_t ratio, bool aligned, bool channels_last) {
  OperatorCase c;
  for (const auto& [h, w] : {std::pair<int64_t, int64_t>{10, 12}, {5, 6}, {3, 3}})
    c.inputs.push_back({{2, channels, h, w}, Values::free, true, channels_last});
  c.call = [=](const In& in) {
    const Device device = in[0].device();
    RoiAlignParams p{pooled, ratio, aligned, {0.25, 0.125, 0.0625}};
    return roi_align(in, Tensor::from(kBoxes, {12, 4}).to(device), Tensor::from(kPlaces, {12, 2}).to(device),
                     p);
  };
  return c;
}

}  // namespace

std::vector<OperatorRow> roi_operator_rows() {
  return {{"roi_align",
           {"roi_align", "roi_align_grad"},
           {roi_case(3, 7, 2, false, true), roi_case(5, 3, 2, true, true), roi_case(2, 2, 0, false, false),
            roi_case(8, 4, 0, true, true), roi_case(70, 2, 1, false, true)}}};
}

}  // namespace cawe
