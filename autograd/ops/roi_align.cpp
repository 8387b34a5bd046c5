// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/roi_align.h"

#include "tensor/primitives/roi_align.h"
#include "tensor/profile.h"

namespace cawe {
namespace {

void check_levels(const std::vector<Variable>& levels, const RoiAlignParams& p) {
  CAWE_CHECK(!levels.empty() && levels.size() == p.scales.size(), Code::shape, "roi_align: ", levels.size(),
             " levels and ", p.scales.size(), " scales (expected as many of each, at least one)");
  CAWE_CHECK(p.pooled > 0 && p.sampling_ratio >= 0, Code::usage, "roi_align: pooled ", p.pooled,
             ", sampling_ratio ", p.sampling_ratio, " (expected at least 1, and 0 or more)");
  for (size_t l = 0; l < levels.size(); ++l) {
    CAWE_CHECK(levels[l].rank() == 4 && levels[l].dim(0) == levels[0].dim(0) &&
                   levels[l].dim(1) == levels[0].dim(1) && levels[l].numel() > 0,
               Code::shape, "roi_align: level ", l, " is ", levels[l].shape(),
               " (expected [N, C, H, W], none of them 0, N and C as of level 0: ", levels[0].shape(), ")");
    CAWE_CHECK(levels[l].dtype() == levels[0].dtype() && is_floating(levels[l].dtype()), Code::dtype,
               "roi_align: level ", l, " is ", name(levels[l].dtype()), ", level 0 ", name(levels[0].dtype()),
               " (expected one floating dtype)");
  }
}

void check_regions(const Tensor& rois, const Tensor& place, int64_t images, int64_t levels) {
  CAWE_CHECK(rois.rank() == 2 && rois.dim(1) == 4 && place.shape() == Shape({rois.dim(0), 2}), Code::shape,
             "roi_align: rois ", rois.shape(), ", place ", place.shape(), " (expected [R, 4] and [R, 2])");
  CAWE_CHECK(rois.dtype() == DType::f32 && place.dtype() == DType::i32, Code::dtype, "roi_align: rois are ",
             name(rois.dtype()), ", place is ", name(place.dtype()), " (expected f32 and i32)");
  CAWE_CHECK(rois.dim(0) % images == 0, Code::shape, "roi_align: ", rois.dim(0), " regions of ", images,
             " images (expected as many of each image; fill up with level -1)");
  if (place.device() != Device::cpu) return;  // reading its values would wait for the device
  const std::vector<int32_t> where = place.to_vector<int32_t>();
  const int64_t of_image = rois.dim(0) / images;
  for (int64_t r = 0; r < rois.dim(0); ++r) {
    const int64_t image = where[size_t(2 * r)], level = where[size_t(2 * r + 1)];
    CAWE_CHECK(image == r / of_image, Code::shape, "roi_align: region ", r, " is of image ", image,
               " (expected image ", r / of_image, ": ", of_image, " regions each, images in order)");
    CAWE_CHECK(level >= -1 && level < levels, Code::shape, "roi_align: region ", r, " is on level ", level,
               " of ", levels, " (expected -1 to ", levels - 1, ")");
  }
}

}  // namespace

Variable roi_align(const std::vector<Variable>& levels, const Tensor& rois, const Tensor& place,
                   const RoiAlignParams& p) {
  check_levels(levels, p);
  check_regions(rois, place, levels[0].dim(0), int64_t(levels.size()));
  std::vector<Tensor> in;
  for (const Variable& v : levels) in.push_back(v.value());
  const DType dtype = in[0].dtype();
  const Layout layout = in[0].is_channels_last() ? Layout::channels_last : Layout::contiguous;
  Tensor y = Tensor::empty({rois.dim(0), in[0].dim(1), p.pooled, p.pooled}, dtype, layout, in[0].device());
  // FLOPs: a sample multiplies and adds four cells; adaptive sampling is counted as 2 x 2 samples a bin.
  const double samples = double(p.sampling_ratio > 0 ? p.sampling_ratio : 2);
  const double flops = 8 * samples * samples * double(y.numel()),
               bytes = double(size_of(dtype)) * double(y.numel());
  ProfileScope scope("roi_align", flops, bytes);
  primitives::roi_align(in, rois, place, p, y);
  std::vector<Shape> shapes;
  for (const Tensor& t : in) shapes.push_back(t.shape());
  return record("roi_align", levels, y, [=](const Tensor& dy) -> Grads {
    ProfileScope grad_scope("roi_align_grad", flops, bytes);
    Grads dlevels;
    for (const Shape& shape : shapes) dlevels.push_back(Tensor::empty(shape, dtype, layout, dy.device()));
    // The gradient of a flattened map arrives in NCHW order, for which there is no fast path.
    const Tensor in_order = layout == Layout::channels_last ? dy.channels_last() : dy.contiguous();
    primitives::roi_align_grad(in_order, rois, place, p, dlevels);
    return dlevels;
  });
}

}  // namespace cawe
