// SPDX-License-Identifier: Apache-2.0
// RoIAlign: plain loops over boxes, channels, bins and cells.
#include "tensor/cpu/cpu_backend.h"
#include "tensor/cpu/loops.h"
#include "tensor/roi_axis.h"

namespace cawe {
namespace {

using cpu::View4;

/// Rows and columns that the bins of box r are made of.
template <class T>
struct BoxBins {
  BoxBins(const Tensor& rois, int64_t r, const RoiAlignParams& p, int64_t level, int64_t height,
          int64_t width) {
    const float* b = rois.data<float>() + r * rois.stride(0);
    const int64_t s = rois.stride(1);
    const T scale = T(p.scales[size_t(level)]);
    axis_bins(T(b[s]), T(b[3 * s]), scale, height, p.pooled, p.sampling_ratio, p.aligned, &rows);
    axis_bins(T(b[0]), T(b[2 * s]), scale, width, p.pooled, p.sampling_ratio, p.aligned, &columns);
  }
  std::vector<AxisBin<T>> rows, columns;

  /// fn(y, x, share) for the cells of a bin.
  template <class Fn>
  void each(int64_t row, int64_t column, Fn&& fn) const {
    const AxisBin<T>&a = rows[size_t(row)], &b = columns[size_t(column)];
    for (size_t i = 0; i < a.share.size(); ++i)
      for (size_t k = 0; k < b.share.size(); ++k)
        fn(a.first + int64_t(i), b.first + int64_t(k), a.share[i] * b.share[k]);
  }
};

}  // namespace

void ReferenceBackend::roi_align(const std::vector<Tensor>& levels, const Tensor& rois, const Tensor& place,
                                 const RoiAlignParams& p, Tensor& y) {
  dispatch_floating("roi_align", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> out(y);
    const Tensor at = place.contiguous();
    for (int64_t r = 0; r < out.n; ++r) {
      const int64_t n = at.data<int32_t>()[2 * r], level = at.data<int32_t>()[2 * r + 1];
      if (level < 0) {
        for (int64_t c = 0; c < out.c; ++c)
          for (int64_t i = 0; i < p.pooled * p.pooled; ++i) out(r, c, i / p.pooled, i % p.pooled) = T(0);
        continue;
      }
      const View4<T> in(levels[size_t(level)]);
      const BoxBins<T> bins(rois, r, p, level, in.h, in.w);
      for (int64_t c = 0; c < out.c; ++c)
        for (int64_t i = 0; i < p.pooled * p.pooled; ++i) {
          T sum = 0;
          bins.each(i / p.pooled, i % p.pooled,
                    [&](int64_t row, int64_t column, T share) { sum += share * in(n, c, row, column); });
          out(r, c, i / p.pooled, i % p.pooled) = sum;
        }
    }
  });
}

void ReferenceBackend::roi_align_grad(const Tensor& dy, const Tensor& rois, const Tensor& place,
                                      const RoiAlignParams& p, const std::vector<Tensor>& dlevels) {
  dispatch_floating("roi_align_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> in(dy);
    const Tensor at = place.contiguous();
    for (const Tensor& d : dlevels) Tensor(d).fill(0);
    for (int64_t r = 0; r < in.n; ++r) {
      const int64_t n = at.data<int32_t>()[2 * r], level = at.data<int32_t>()[2 * r + 1];
      if (level < 0) continue;
      const View4<T> out(dlevels[size_t(level)]);
      const BoxBins<T> bins(rois, r, p, level, out.h, out.w);
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t i = 0; i < p.pooled * p.pooled; ++i) {
          const T g = in(r, c, i / p.pooled, i % p.pooled);
          bins.each(i / p.pooled, i % p.pooled,
                    [&](int64_t row, int64_t column, T share) { out(n, c, row, column) += share * g; });
        }
    }
  });
}

}  // namespace cawe
