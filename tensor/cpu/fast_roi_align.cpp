// SPDX-License-Identifier: Apache-2.0
// RoIAlign on channels-last f32 maps: a bin is a weighted sum of a few pixels, each C numbers side by side.
#include <algorithm>
#include <cstring>

#include "tensor/cpu/fast_backend.h"
#include "tensor/cpu/pixels.h"
#include "tensor/roi_axis.h"

namespace cawe {
namespace {

using cpu::Pixels;

bool all_nhwc(const std::vector<Tensor>& levels) {
  return std::all_of(levels.begin(), levels.end(), [](const Tensor& t) { return cpu::is_nhwc(t); });
}

/// Channels of a task of the gradient: its share of a map stays in the cache from box to box.
constexpr int64_t kChannels = 64;

struct BoxBins {
  /// False for an empty slot.
  bool set(const float* box, const int32_t* place, const RoiAlignParams& p,
           const std::vector<Tensor>& levels) {
    level = place[1];
    if (level < 0) return false;
    const Tensor& map = levels[size_t(level)];
    const float scale = float(p.scales[size_t(level)]);
    axis_bins(box[1], box[3], scale, map.dim(2), p.pooled, p.sampling_ratio, p.aligned, &rows);
    axis_bins(box[0], box[2], scale, map.dim(3), p.pooled, p.sampling_ratio, p.aligned, &columns);
    return true;
  }
  int32_t level = -1;
  std::vector<AxisBin<float>> rows, columns;
};

}  // namespace

void FastBackend::roi_align(const std::vector<Tensor>& levels, const Tensor& rois, const Tensor& place,
                            const RoiAlignParams& p, Tensor& y) {
  if (!all_nhwc(levels) || !cpu::is_nhwc(y)) return ReferenceBackend::roi_align(levels, rois, place, p, y);
  const Tensor boxes = rois.contiguous(), places = place.contiguous();
  const Pixels<float> out(y);
  const int64_t channels = y.dim(1);
  parallel_for(y.dim(0), 4, [&](int64_t begin, int64_t end) {
    BoxBins bins;
    for (int64_t r = begin; r < end; ++r) {
      const int32_t* at = places.data<int32_t>() + 2 * r;
      std::memset(out(r, 0, 0), 0, size_t(p.pooled * p.pooled * channels) * sizeof(float));
      if (!bins.set(boxes.data<float>() + 4 * r, at, p, levels)) continue;
      const Pixels<float> in(levels[size_t(bins.level)]);
      for (int64_t i = 0; i < p.pooled * p.pooled; ++i) {
        const auto &rows = bins.rows[size_t(i / p.pooled)], &columns = bins.columns[size_t(i % p.pooled)];
        float* to = out(r, i / p.pooled, i % p.pooled);
        for (size_t a = 0; a < rows.share.size(); ++a)
          for (size_t b = 0; b < columns.share.size(); ++b) {
            const float share = rows.share[a] * columns.share[b];
            const float* from = in(at[0], rows.first + int64_t(a), columns.first + int64_t(b));
            for (int64_t c = 0; c < channels; ++c) to[c] += share * from[c];
          }
      }
    }
  });
}

void FastBackend::roi_align_grad(const Tensor& dy, const Tensor& rois, const Tensor& place,
                                 const RoiAlignParams& p, const std::vector<Tensor>& dlevels) {
  if (!all_nhwc(dlevels) || !cpu::is_nhwc(dy))
    return ReferenceBackend::roi_align_grad(dy, rois, place, p, dlevels);
  const Tensor boxes = rois.contiguous(), places = place.contiguous();
  const Pixels<float> in(dy);
  const int64_t images = dlevels[0].dim(0), channels = dy.dim(1), each = dy.dim(0) / images;
  const int64_t parts = (channels + kChannels - 1) / kChannels;
  // An image's boxes in their order, whoever does it: no channel of an image is touched by two tasks.
  parallel_tasks(images * parts, [&](int64_t task) {
    const int64_t n = task / parts, first = task % parts * kChannels;
    const int64_t count = std::min(kChannels, channels - first);
    for (const Tensor& d : dlevels) {
      const Pixels<float> out(d);
      for (int64_t i = 0; i < out.h * out.w; ++i)
        std::memset(out(n, i / out.w, i % out.w) + first, 0, size_t(count) * sizeof(float));
    }
    BoxBins bins;
    for (int64_t r = n * each; r < (n + 1) * each; ++r) {
      if (!bins.set(boxes.data<float>() + 4 * r, places.data<int32_t>() + 2 * r, p, dlevels)) continue;
      const Pixels<float> out(dlevels[size_t(bins.level)]);
      for (int64_t i = 0; i < p.pooled * p.pooled; ++i) {
        const auto &rows = bins.rows[size_t(i / p.pooled)], &columns = bins.columns[size_t(i % p.pooled)];
        const float* from = in(r, i / p.pooled, i % p.pooled) + first;
        for (size_t a = 0; a < rows.share.size(); ++a)
          for (size_t b = 0; b < columns.share.size(); ++b) {
            const float share = rows.share[a] * columns.share[b];
            float* to = out(n, rows.first + int64_t(a), columns.first + int64_t(b)) + first;
            for (int64_t c = 0; c < count; ++c) to[c] += share * from[c];
          }
      }
    }
  });
}

}  // namespace cawe
