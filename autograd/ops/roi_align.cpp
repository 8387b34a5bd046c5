// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/roi_align.h"

#include "tensor/profile.h"

namespace cawe {
namespace {

void check_levels(const std::vector<Variable>& levels, const RoiAlignParams& p) {
  CAWE_CHECK(!levels.empty() && levels.size() == p.scales.size(), Code::usage, "roi_align: ", levels.size(),
             " levels with ", p.scales.size(), " scales (expected as many of each, at least one)");
  for (const Variable& level : levels)
    CAWE_CHECK(level.rank() == 4 && level.dim(0) == levels[0].dim(0) && level.dim(1) == levels[0].dim(1) &&
                   level.dim(2) > 0 && level.dim(3) > 0,
               Code::shape, "roi_align: a level is ", level.shape(), ", the first ", levels[0].shape(),
               " (expected [N, C, H, W] of one N and C)");
  CAWE_CHECK(p.pooled > 0 && p.sampling_ratio >= 0, Code::usage, "roi_align: ", p.pooled,
             " cells a side, sampling_ratio ", p.sampling_ratio, " (expected at least 1 and 0)");
}

void check_places(const Tensor& place, int64_t images, int64_t levels) {
  const std::vector<int32_t> at = place.to(Device::cpu).to_vector<int32_t>();
  const int64_t rois = place.dim(0), each = images == 0 ? 0 : rois / images;
  for (int64_t r = 0; r < rois; ++r) {
    const int32_t image = at[size_t(2 * r)], level = at[size_t(2 * r + 1)];
    CAWE_CHECK(image == r / each, Code::usage, "roi_align: box ", r, " is of image ", image, " (expected ",
               r / each, ": every image has ", each, ", in order)");
    CAWE_CHECK(level >= -1 && level < levels, Code::usage, "roi_align: box ", r, " is on level ", level,
               " (expected -1 to ", levels - 1, ")");
  }
}

}  // namespace

Variable roi_align(const std::vector<Variable>& levels, const Tensor& rois, const Tensor& place,
                   const RoiAlignParams& p) {
  check_levels(levels, p);
  const Variable& first = levels[0];
  const int64_t images = first.dim(0), count = rois.dim(0);
  CAWE_CHECK(rois.rank() == 2 && rois.dim(1) == 4 && place.shape() == Shape({count, 2}) && images > 0 &&
                 count % images == 0,
             Code::shape, "roi_align: rois ", rois.shape(), ", place ", place.shape(), " for ", images,
             " images (expected [R, 4] and [R, 2], R a multiple of the images)");
  CAWE_CHECK(rois.dtype() == DType::f32 && place.dtype() == DType::i32, Code::dtype, "roi_align: rois ",
             name(rois.dtype()), ", place ", name(place.dtype()), " (expected f32 and i32)");
  check_places(place, images, int64_t(levels.size()));
  std::vector<Tensor> in;
  for (const Variable& level : levels) in.push_back(level.value());
  Tensor y = Tensor::empty({count, first.dim(1), p.pooled, p.pooled}, first.dtype(), Layout::channels_last,
                           first.device());
  const double bytes = double(size_of(first.dtype())) * double(y.numel());
  ProfileScope scope("roi_align", 8 * 4 * double(y.numel()), 5 * bytes);
  backend(first.device()).roi_align(in, rois, place, p, y);
  std::vector<Shape> shapes;
  for (const Tensor& t : in) shapes.push_back(t.shape());
  return record("roi_align", levels, y, [shapes, rois, place, p](const Tensor& dy) -> Grads {
    Grads grads;
    for (const Shape& s : shapes)
      grads.push_back(Tensor::empty(s, dy.dtype(), Layout::channels_last, dy.device()));
    backend(dy.device()).roi_align_grad(dy, rois, place, p, grads);
    return grads;
  });
}

}  // namespace cawe
