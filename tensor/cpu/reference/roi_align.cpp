// SPDX-License-Identifier: Apache-2.0
// RoIAlign as it is defined: sample by sample, four cells each.
#include <vector>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"
#include "tensor/roi_bins.h"

namespace cawe {
namespace {

/// A region's level, image and axes; level -1: an empty slot.
struct Region {
  int64_t image, level;
  RoiAxis y, x;
};

Region region_of(const Tensor& rois, const Tensor& place, int64_t r, const RoiAlignParams& p) {
  const auto side = [&](int64_t k) {
    return double(rois.data<float>()[r * rois.stride(0) + k * rois.stride(1)]);
  };
  const auto where = [&](int64_t k) {
    return int64_t(place.data<int32_t>()[r * place.stride(0) + k * place.stride(1)]);
  };
  const int64_t level = where(1);
  if (level < 0) return {where(0), -1, {}, {}};
  const double scale = p.scales[size_t(level)];
  return {where(0), level, roi_axis(side(1), side(3), scale, p), roi_axis(side(0), side(2), scale, p)};
}

/// Calls add(bin row, bin column, cell row, cell column, weight) for every cell of every sample.
template <class Fn>
void for_samples(const Region& r, int64_t pooled, int64_t height, int64_t width, const Fn& add) {
  const double share = 1.0 / double(std::max<int64_t>(r.y.samples * r.x.samples, 1));
  RoiTap y, x;
  for (int64_t i = 0; i < pooled; ++i)
    for (int64_t j = 0; j < pooled; ++j)
      for (int64_t a = 0; a < r.y.samples; ++a)
        for (int64_t b = 0; b < r.x.samples; ++b) {
          if (!roi_tap(r.y, i, a, height, &y) || !roi_tap(r.x, j, b, width, &x)) continue;
          add(i, j, y.first, x.first, y.near * x.near * share);
          add(i, j, y.first, x.second, y.near * x.far * share);
          add(i, j, y.second, x.first, y.far * x.near * share);
          add(i, j, y.second, x.second, y.far * x.far * share);
        }
}

}  // namespace

void ReferenceBackend::roi_align(const std::vector<Tensor>& levels, const Tensor& rois, const Tensor& place,
                                 const RoiAlignParams& p, Tensor& y) {
  dispatch_floating("roi_align", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const cpu::View4<T> out(y);
    parallel_tasks(rois.dim(0), [&](int64_t r) {
      const Region region = region_of(rois, place, r, p);
      for (int64_t c = 0; c < out.c; ++c)
        for (int64_t i = 0; i < p.pooled; ++i)
          for (int64_t j = 0; j < p.pooled; ++j) out(r, c, i, j) = T(0);
      if (region.level < 0) return;
      const cpu::View4<T> in(levels[size_t(region.level)]);
      for_samples(region, p.pooled, in.h, in.w,
                  [&](int64_t i, int64_t j, int64_t row, int64_t column, double weight) {
                    for (int64_t c = 0; c < out.c; ++c)
                      out(r, c, i, j) += T(weight) * in(region.image, c, row, column);
                  });
    });
  });
}

void ReferenceBackend::roi_align_grad(const Tensor& dy, const Tensor& rois, const Tensor& place,
                                      const RoiAlignParams& p, const std::vector<Tensor>& dlevels) {
  dispatch_floating("roi_align_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const cpu::View4<T> in(dy);
    for (const Tensor& t : dlevels) Tensor(t).fill(0);
    const int64_t images = dlevels[0].dim(0), of_image = images > 0 ? rois.dim(0) / images : 0;
    parallel_tasks(images, [&](int64_t n) {
      for (int64_t r = n * of_image; r < (n + 1) * of_image; ++r) {
        const Region region = region_of(rois, place, r, p);
        if (region.level < 0) continue;
        const cpu::View4<T> out(dlevels[size_t(region.level)]);
        for_samples(region, p.pooled, out.h, out.w,
                    [&](int64_t i, int64_t j, int64_t row, int64_t column, double weight) {
                      for (int64_t c = 0; c < in.c; ++c) out(n, c, row, column) += T(weight) * in(r, c, i, j);
                    });
      }
    });
  });
}

}  // namespace cawe
