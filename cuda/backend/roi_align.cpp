// SPDX-License-Identifier: Apache-2.0
// RoIAlign on a device. The kernels take channels-last pyramids; other layouts are copied.
#include "cuda/kernels/roi_align.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"

namespace CAWE_DEVICE {
namespace {

RoiRule rule_of(const RoiAlignParams& p) { return {int(p.pooled), int(p.sampling_ratio), p.aligned}; }

void check(const char* op, const std::vector<Tensor>& levels, const Tensor& y, const RoiAlignParams& p) {
  CAWE_CHECK(levels.size() <= size_t(kMostRoiLevels) && p.pooled <= kMostRoiBins && levels[0].dim(0) <= 65535,
             Code::unsupported, op, ": ", levels.size(), " levels of ", levels[0].dim(0), " images, ",
             p.pooled, " bins each way (expected at most ", kMostRoiLevels, ", 65535 and ", kMostRoiBins,
             ")");
  check_countable(op, y.shape(), y.numel());
  for (const Tensor& t : levels) {
    common_number(op, y, t);
    check_countable(op, t.shape(), t.dim(2) * t.dim(3));
  }
}

/// Packed, channels-last tensors as the kernels see them.
RoiPyramid pyramid_of(const std::vector<Tensor>& levels, const RoiAlignParams& p) {
  RoiPyramid pyramid{};
  pyramid.levels = int(levels.size());
  pyramid.n = levels[0].dim(0);
  pyramid.c = levels[0].dim(1);
  for (size_t l = 0; l < levels.size(); ++l)
    pyramid.level[l] = {levels[l].raw(), int(levels[l].dim(2)), int(levels[l].dim(3)), p.scales[l]};
  return pyramid;
}

Tensor scratch_for(Number number, const RoiPyramid& pyramid, int64_t regions, const RoiAlignParams& p,
                   Device device) {
  const int64_t bytes = roi_align_scratch(number, pyramid, regions, rule_of(p));
  return Tensor::empty({bytes}, DType::u8, Layout::contiguous, device);
}

}  // namespace

void CudaBackend::roi_align(const std::vector<Tensor>& levels, const Tensor& rois, const Tensor& place,
                            const RoiAlignParams& p, Tensor& y) {
  check("roi_align", levels, y, p);
  const Number number = number_of("roi_align", y);
  std::vector<Tensor> in;
  for (const Tensor& t : levels) in.push_back(packed(t, Layout::channels_last));
  const Tensor boxes = packed(rois, Layout::contiguous), places = packed(place, Layout::contiguous);
  const Tensor out = packed_output(y, Layout::channels_last);
  const RoiPyramid pyramid = pyramid_of(in, p);
  const Tensor scratch = scratch_for(number, pyramid, y.dim(0), p, device());
  CAWE_DEVICE::roi_align(number, pyramid, {boxes.data<float>(), places.data<int32_t>(), y.dim(0)}, rule_of(p),
                         out.raw(), scratch.raw(), stream());
  if (out.raw() != y.raw()) y.copy_from(out);
}

void CudaBackend::roi_align_grad(const Tensor& dy, const Tensor& rois, const Tensor& place,
                                 const RoiAlignParams& p, const std::vector<Tensor>& dlevels) {
  check("roi_align_grad", dlevels, dy, p);
  const Number number = number_of("roi_align_grad", dy);
  const Tensor in = packed(dy, Layout::channels_last);
  const Tensor boxes = packed(rois, Layout::contiguous), places = packed(place, Layout::contiguous);
  std::vector<Tensor> out;
  for (const Tensor& t : dlevels) out.push_back(packed_output(t, Layout::channels_last));
  const RoiPyramid pyramid = pyramid_of(out, p);
  const Tensor scratch = scratch_for(number, pyramid, dy.dim(0), p, device());
  CAWE_DEVICE::roi_align_grad(number, in.raw(), {boxes.data<float>(), places.data<int32_t>(), dy.dim(0)},
                              rule_of(p), pyramid, scratch.raw(), stream());
  for (size_t l = 0; l < out.size(); ++l)
    if (out[l].raw() != dlevels[l].raw()) Tensor(dlevels[l]).copy_from(out[l]);
}

}  // namespace CAWE_DEVICE
