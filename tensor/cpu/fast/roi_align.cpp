// SPDX-License-Identifier: Apache-2.0
// RoIAlign on channels-last f32 pyramids. Samples of a bin that fall on the same row or column are joined
// before any feature is read: the weight of a cell is the product of its row's and its column's. The gradient
// goes through the rows of the levels, and each row is zeroed and summed while it lies in the cache; one task
// computes a row, so the order of its sum, and with it its bits, does not depend on the threads.
#include <algorithm>
#include <cstring>

#include "tensor/cpu/fast_backend.h"
#include "tensor/cpu/pixels.h"
#include "tensor/roi_bins.h"

namespace cawe {
namespace {

using cpu::is_nhwc;
using cpu::Pixels;

/// The weight that a bin gives to one cell, along one axis.
struct Share {
  int64_t bin, cell;
  float weight;
};
using Shares = std::vector<Share>;

/// Adds a weight to the bin's entry for the same cell, or appends one. Samples move in one direction along
/// the axis, so an entry for the same cell is one of the bin's last two.
void add_share(Shares& all, const Share& s) {
  for (size_t i = all.size(); i > 0 && i + 2 > all.size() && all[i - 1].bin == s.bin; --i)
    if (all[i - 1].cell == s.cell) {
      all[i - 1].weight += s.weight;
      return;
    }
  all.push_back(s);
}

/// All shares of one axis, by bin.
Shares shares_of(const RoiAxis& axis, int64_t pooled, int64_t size) {
  Shares all;
  const double each = 1.0 / double(std::max<int64_t>(axis.samples, 1));
  RoiTap tap;
  for (int64_t bin = 0; bin < pooled; ++bin)
    for (int64_t sample = 0; sample < axis.samples; ++sample) {
      if (!roi_tap(axis, bin, sample, size, &tap)) continue;
      add_share(all, {bin, tap.first, float(tap.near * each)});
      if (tap.second != tap.first) add_share(all, {bin, tap.second, float(tap.far * each)});
    }
  return all;
}

/// Where the shares of each key begin; keys are 0 … keys - 1 and ascend.
std::vector<size_t> begins(const Shares& shares, int64_t Share::*key, int64_t keys) {
  std::vector<size_t> begin(size_t(keys) + 1, 0);
  for (const Share& s : shares) ++begin[size_t(s.*key) + 1];
  for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  return begin;
}

struct Region {
  int64_t image = 0, level = -1;
  Shares y, x;
};

Region region_of(const Tensor& rois, const Tensor& place, int64_t r, const RoiAlignParams& p,
                 const std::vector<Tensor>& levels) {
  const float* box = rois.data<float>() + 4 * r;
  const int32_t* where = place.data<int32_t>() + 2 * r;
  if (where[1] < 0) return {};
  const Tensor& level = levels[size_t(where[1])];
  const double scale = p.scales[size_t(where[1])];
  return {where[0], where[1],
          shares_of(roi_axis(double(box[1]), double(box[3]), scale, p), p.pooled, level.dim(2)),
          shares_of(roi_axis(double(box[0]), double(box[2]), scale, p), p.pooled, level.dim(3))};
}

// Eight channels at a time, as an explicit vector type: sums must stay in registers over the whole list.
using Float8 = float __attribute__((vector_size(32)));
struct Weighted {
  const float* from;
  float weight;
};
using Sum = std::vector<Weighted>;

/// to[at, at + 8 kVectors) = the sum of the list there; plus what was there where kAdd.
template <bool kAdd, int kVectors>
void sum_vectors(const Sum& list, int64_t at, float* to) {
  Float8 sums[kVectors] = {};
  if (kAdd) std::memcpy(sums, to + at, sizeof sums);
  for (const Weighted& w : list)
    for (int k = 0; k < kVectors; ++k) {
      Float8 v;
      std::memcpy(&v, w.from + at + 8 * k, sizeof v);
      sums[k] += w.weight * v;
    }
  std::memcpy(to + at, sums, sizeof sums);
}

/// to[0..channels) = the sum of the list, channel by channel in the list's order.
template <bool kAdd>
void sum_list(const Sum& list, int64_t channels, float* to) {
  int64_t at = 0;
  for (; at + 64 <= channels; at += 64) sum_vectors<kAdd, 8>(list, at, to);
  for (; at + 8 <= channels; at += 8) sum_vectors<kAdd, 1>(list, at, to);
  for (; at < channels; ++at) {
    float sum = kAdd ? to[at] : 0.0f;
    for (const Weighted& w : list) sum += w.weight * w.from[at];
    to[at] = sum;
  }
}

bool all_nhwc(const std::vector<Tensor>& tensors) {
  return std::all_of(tensors.begin(), tensors.end(), [](const Tensor& t) { return is_nhwc(t); });
}

void pool_region(const Region& region, const Pixels<float>& in, int64_t r, const Pixels<float>& out) {
  const std::vector<size_t> y = begins(region.y, &Share::bin, out.h),
                            x = begins(region.x, &Share::bin, out.w);
  Sum list;
  for (size_t i = 0; i < size_t(out.h); ++i)
    for (size_t j = 0; j < size_t(out.w); ++j) {
      list.clear();
      for (size_t a = y[i]; a < y[i + 1]; ++a)
        for (size_t b = x[j]; b < x[j + 1]; ++b)
          list.push_back({in(region.image, region.y[a].cell, region.x[b].cell),
                          region.y[a].weight * region.x[b].weight});
      sum_list<false>(list, out.c, out(r, int64_t(i), int64_t(j)));
    }
}

void sort_by_cell(Shares& shares) {
  std::stable_sort(shares.begin(), shares.end(),
                   [](const Share& a, const Share& b) { return a.cell < b.cell; });
}

/// Adds region r's gradient to row `row` of its level; shares are sorted by cell.
void add_to_row(const Region& region, const Pixels<float>& dy, int64_t r, int64_t row,
                const Pixels<float>& out, Sum& list) {
  const auto before = [](const Share& s, int64_t cell) { return s.cell < cell; };
  const auto begin = std::lower_bound(region.y.begin(), region.y.end(), row, before);
  const auto end = std::lower_bound(begin, region.y.end(), row + 1, before);
  if (begin == end) return;
  for (auto x = region.x.begin(); x != region.x.end();) {
    const int64_t column = x->cell;
    list.clear();
    for (; x != region.x.end() && x->cell == column; ++x)
      for (auto y = begin; y != end; ++y) list.push_back({dy(r, y->bin, x->bin), y->weight * x->weight});
    sum_list<true>(list, out.c, out(region.image, row, column));
  }
}

}  // namespace

void FastBackend::roi_align(const std::vector<Tensor>& levels, const Tensor& rois, const Tensor& place,
                            const RoiAlignParams& p, Tensor& y) {
  if (!all_nhwc(levels) || !is_nhwc(y)) return ReferenceBackend::roi_align(levels, rois, place, p, y);
  const Tensor boxes = rois.contiguous(), places = place.contiguous();
  const Pixels<float> out(y);
  parallel_tasks(y.dim(0), [&](int64_t r) {
    const Region region = region_of(boxes, places, r, p, levels);
    if (region.level < 0)
      std::fill(out(r, 0, 0), out(r + 1, 0, 0), 0.0f);
    else
      pool_region(region, Pixels<float>(levels[size_t(region.level)]), r, out);
  });
}

void FastBackend::roi_align_grad(const Tensor& dy, const Tensor& rois, const Tensor& place,
                                 const RoiAlignParams& p, const std::vector<Tensor>& dlevels) {
  if (!is_nhwc(dy) || !all_nhwc(dlevels))
    return ReferenceBackend::roi_align_grad(dy, rois, place, p, dlevels);
  const Tensor boxes = rois.contiguous(), places = place.contiguous();
  std::vector<Region> regions(size_t(dy.dim(0)));
  parallel_tasks(dy.dim(0), [&](int64_t r) {
    Region& region = regions[size_t(r)] = region_of(boxes, places, r, p, dlevels);
    sort_by_cell(region.y);
    sort_by_cell(region.x);
  });
  const int64_t of_image = dy.dim(0) / dlevels[0].dim(0);
  const Pixels<float> in(dy);
  for (size_t l = 0; l < dlevels.size(); ++l) {
    const Pixels<float> out(dlevels[l]);
    parallel_tasks(dlevels[l].dim(0) * out.h, [&](int64_t task) {
      const int64_t image = task / out.h, row = task % out.h;
      std::fill(out(image, row, 0), out(image, row + 1, 0), 0.0f);
      Sum list;
      for (int64_t r = image * of_image; r < (image + 1) * of_image; ++r)
        if (regions[size_t(r)].level == int64_t(l)) add_to_row(regions[size_t(r)], in, r, row, out, list);
    });
  }
}

}  // namespace cawe
