// SPDX-License-Identifier: Apache-2.0
// RoIAlign's rows: one to three levels of odd sizes, both memory orders, boxes that leave the image or are
// smaller than a cell, empty slots, fixed and adaptive samples.
#include "autograd/ops/roi_align.h"
#include "autograd/rows/rows.h"

namespace cawe {
namespace {

/// Side of the image in which the boxes below lie, or which they leave.
constexpr double kImage = 64;

/// n boxes, from a fifth of the image's side outside to well beyond its other side; every seventh is smaller
/// than a pixel.
Tensor boxes_about(int64_t n) {
  const Random random(13, "rois");
  std::vector<float> v;
  for (int64_t i = 0; i < n; ++i) {
    const auto u = [&](int64_t k) { return random.uniform_double(uint64_t(4 * i + k)); };
    const double most = i % 7 == 6 ? 1 : 0.9 * kImage;
    const double x = kImage * (1.2 * u(0) - 0.2), y = kImage * (1.2 * u(1) - 0.2);
    for (const double side : {x, y, x + most * u(2), y + most * u(3)}) v.push_back(float(side));
  }
  return Tensor::from(v, {n, 4});
}

/// Levels in turn; every fifth slot is empty.
Tensor places(int64_t images, int64_t of_image, int64_t levels) {
  std::vector<int32_t> v;
  for (int64_t r = 0; r < images * of_image; ++r) {
    v.push_back(int32_t(r / of_image));
    v.push_back(r % 5 == 3 ? -1 : int32_t(r % levels));
  }
  return Tensor::from(v, {images * of_image, 2});
}

OperatorCase roi_case(std::vector<CaseInput> levels, int64_t of_image, RoiAlignParams p) {
  OperatorCase c;
  c.inputs = std::move(levels);
  c.call = [=](const In& in) {
    const int64_t images = in[0].dim(0);
    // Places are numbers of images and levels: repeated along a dimension, they would be out of range.
    const Tensor place = places(images, of_image, int64_t(in.size())).to(in[0].device());
    return roi_align(in, constant(in[0], boxes_about(images * of_image)), in_scope(place, Use::output), p);
  };
  return c;
}

}  // namespace

std::vector<OperatorRow> roi_align_operator_rows() {
  OperatorRow row{"roi_align", {"roi_align", "roi_align_grad"}, {}};
  row.cases = {
      roi_case({image({2, 8, 16, 16}), image({2, 8, 8, 8})}, 6, {3, 2, false, {0.25, 0.125}}),
      roi_case({contiguous({2, 5, 13, 17}), contiguous({2, 5, 7, 9})}, 6, {3, 2, true, {0.25, 0.125}}),
      roi_case({image({1, 16, 12, 9})}, 8, {2, 0, false, {0.2}}),
      roi_case({contiguous({3, 3, 16, 16}), contiguous({3, 3, 5, 7}), contiguous({3, 3, 1, 1})}, 5,
               {2, 0, true, {0.25, 0.1, 1.0 / 64}}),
      roi_case({image({1, 77, 16, 16}), image({1, 77, 8, 8})}, 9, {7, 2, false, {0.25, 0.125}}),
      roi_case({image({2, 64, 9, 9})}, 3, {7, 0, true, {0.125}}),
      roi_case({image({4, 4, 6, 5})}, 3, {1, 1, false, {0.0625}}),
      // No region at all. It has no golden: PyTorch's output would be empty.
      roi_case({image({2, 8, 3, 4})}, 0, {7, 2, false, {0.25}})};
  return {row};
}

}  // namespace cawe
