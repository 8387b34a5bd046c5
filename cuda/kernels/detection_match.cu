// SPDX-License-Identifier: Apache-2.0
// The box to which each anchor is matched: the one that it overlaps most, if that is enough; and, with
// low-quality matches, for every box the anchors that overlap it most, however little that is. Ignored regions leave out
// background: what they would match, or cover by half. Where the image is given, anchors over its edge are left out and are
// no box's best.
//
// Bytes     a anchors per image: read 4 e a, write 8 a and 4 a of scratch; low quality reads all three again.
//           The truth comes once for each block of 256 anchors, from cache.
// FLOPs     20 per pair, twice with low quality: computing overlaps again is cheaper than storing them.
// Launch    one thread per anchor, 256 per block; truth in shared memory, 64 rows at a time; grid.y is the image.
// Numerics  overlaps as in tensor/box.h, each operation rounded by itself. A box's best overlap is an atomic
//           maximum of bits: numbers of at least 0 are ordered like their bits, so no order of threads can
//           change it. Equal to the CPU in every decision.
// Loads     anchors 128 bits per lane; truth one number per lane, neighbours together; a row in shared memory goes to all
//           lanes at once.
// Source    Ren et al. 2015 (anchors, and those over the edge), Lin et al. 2017 (RetinaNet's thresholds).
#include "cuda/kernels/deciding.cuh"
#include "cuda/kernels/detection_boxes.cuh"
#include "cuda/kernels/detection_boxes.h"
#include "cuda/kernels/scratch.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 256, kRows = 64;

template <class T>
struct Best {
  Bits<T>* of_row;     ///< [N, G]: for each box or region the largest overlap with any anchor, as bits
  int32_t* favourite;  ///< [N, A]: the box that the anchor overlaps most
};

template <class B>
__global__ void __launch_bounds__(kThreads) clear_best(B* __restrict__ best, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) best[i] = 0;
}

/// Whether the image has this anchor, and it lies inside; it is loaded where the image has it.
template <class T>
__device__ __forceinline__ bool take_anchor(const Matching& m, int64_t image, int64_t a,
                                            DeviceBox<T>* anchor) {
  if (a >= (m.counts == nullptr ? m.anchors_each : m.counts[image])) return false;
  *anchor = load_box(static_cast<const T*>(m.anchors), (m.own_anchors ? image * m.anchors_each : 0) + a);
  if (m.width == 0) return true;  // the same for all lanes
  return (anchor->x1 >= T(0)) & (anchor->y1 >= T(0)) & (anchor->x2 <= T(m.width)) &
         (anchor->y2 <= T(m.height));
}

/// Loads rows [first, first + here) of the image's truth; a barrier must follow.
template <class T>
__device__ __forceinline__ void load_rows(const Matching& m, int64_t image, int64_t first, int here,
                                          T* tile) {
  const T* rows = static_cast<const T*>(m.truth) + (image * m.rows + first) * kTruthWidth;
  for (int i = int(threadIdx.x); i < here * kTruthWidth; i += kThreads) tile[i] = rows[i];
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    match_best(Matching m, T high, T low, int64_t* __restrict__ matched, Best<T> best) {
  __shared__ T tile[kRows * kTruthWidth];
  __shared__ Bits<T> tile_best[kRows];
  const int64_t image = blockIdx.y, a = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  const int t = int(threadIdx.x);
  DeviceBox<T> anchor{};
  const bool there = a < m.anchors_each && take_anchor(m, image, a, &anchor);
  const T half = mul_rn(T(0.5), area(anchor));
  T most_overlap = -1, most_ignored = -1;
  int argmax = -1;
  bool covered = false;
  for (int64_t first = 0; first < m.rows; first += kRows) {
    const int here = m.rows - first < kRows ? int(m.rows - first) : kRows;
    load_rows(m, image, first, here, tile);
    if (t < here) tile_best[t] = 0;
    __syncthreads();
    for (int g = 0; g < here && there; ++g) {
      const T label = tile[g * kTruthWidth + 4];
      if (label == T(-1)) continue;  // the same for all lanes
      const DeviceBox<T> box = truth_box(tile + g * kTruthWidth);
      const T common = intersection(anchor, box), iou = overlap(anchor, box, common);
      if (label >= T(0)) {
        argmax = iou > most_overlap ? int(first) + g : argmax;
        most_overlap = most(most_overlap, iou);
      } else {
        most_ignored = most(most_ignored, iou);
        covered |= common >= half;
      }
      if (!(iou > T(0))) continue;  // true for most pairs
      atomicMax(&tile_best[g], bits_of(iou));
    }
    __syncthreads();
    if (t < here && tile_best[t] != 0) atomicMax(&best.of_row[image * m.rows + first + t], tile_best[t]);
    __syncthreads();
  }
  if (a >= m.anchors_each) return;
  best.favourite[image * m.anchors_each + a] = argmax;
  const bool background = argmax < 0 || most_overlap < low;
  const bool ignored = covered || (most_ignored >= T(0) && !(most_ignored < low));
  int64_t choice = background ? (ignored ? -2 : -1) : most_overlap >= high ? argmax : -2;
  if (!there) choice = -2;
  matched[image * m.anchors_each + a] = choice;
}

/// Low-quality matches: an anchor without a match that is the best one of some box gets the box that it
/// overlaps most itself, which need not be that one; background that is the best of some region is left out.
template <class T>
__global__ void __launch_bounds__(kThreads)
    match_low_quality(Matching m, Best<T> best, int64_t* __restrict__ matched) {
  __shared__ T tile[kRows * kTruthWidth];
  __shared__ Bits<T> tile_best[kRows];
  const int64_t image = blockIdx.y, a = int64_t(blockIdx.x) * kThreads + threadIdx.x,
                at = image * m.anchors_each + a;
  const int t = int(threadIdx.x);
  const int64_t before = a < m.anchors_each ? matched[at] : 0;
  DeviceBox<T> anchor{};
  const bool open = before < 0 && take_anchor(m, image, a, &anchor);
  bool is_best = false, near_region = false;
  for (int64_t first = 0; first < m.rows; first += kRows) {
    const int here = m.rows - first < kRows ? int(m.rows - first) : kRows;
    load_rows(m, image, first, here, tile);
    if (t < here) tile_best[t] = best.of_row[image * m.rows + first + t];
    __syncthreads();
    for (int g = 0; g < here && open && !is_best; ++g) {
      const T label = tile[g * kTruthWidth + 4];
      if (label == T(-1)) continue;
      const T iou = overlap(anchor, truth_box(tile + g * kTruthWidth));
      const bool found = (iou > T(0)) & (bits_of(iou) == tile_best[g]);
      is_best |= found & (label >= T(0));
      near_region |= found & (label < T(0));
    }
    __syncthreads();
  }
  if (is_best)
    matched[at] = best.favourite[at];
  else if (near_region && before == -1)
    matched[at] = -2;
}

template <class T>
Best<T> cut(Scratch& scratch, const Matching& m) {
  Best<T> b;
  b.of_row = scratch.take<Bits<T>>(m.images * m.rows);
  b.favourite = scratch.take<int32_t>(m.images * m.anchors_each);
  return b;
}

template <class T>
void match(const Matching& m, const MatchLimits& limits, int64_t* matched, void* memory,
           DeviceStream stream) {
  Scratch scratch(memory);
  const Best<T> best = cut<T>(scratch, m);
  const int64_t truths = m.images * m.rows;
  if (truths > 0)
    CAWE_LAUNCH(clear_best<Bits<T>>, unsigned((truths + kThreads - 1) / kThreads), kThreads, 0, stream,
                best.of_row, truths);
  const dim3 grid(unsigned((m.anchors_each + kThreads - 1) / kThreads), unsigned(m.images));
  CAWE_LAUNCH(match_best<T>, grid, kThreads, 0, stream, m, T(limits.high), T(limits.low), matched, best);
  if (limits.low_quality && truths > 0)
    CAWE_LAUNCH(match_low_quality<T>, grid, kThreads, 0, stream, m, best, matched);
}

}  // namespace

size_t match_scratch(Number number, const Matching& m) {
  Scratch scratch(nullptr);
  CAWE_DISPATCH_EXACT(number, T, cut<T>(scratch, m))
  return scratch.used;
}

void match_anchors(Number number, const Matching& m, const MatchLimits& limits, int64_t* matched,
                   void* scratch, DeviceStream stream) {
  if (m.anchors_each == 0 || m.images == 0) return;
  CAWE_DISPATCH_EXACT(number, T, match<T>(m, limits, matched, scratch, stream))
}

}  // namespace CAWE_DEVICE
