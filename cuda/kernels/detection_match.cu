// SPDX-License-Identifier: Apache-2.0
// The box to which each anchor is matched: the one that it overlaps most, if that is enough; and, with
// low-quality matches, for every box the anchors that overlap it most, however little that is.
//
// Bytes     a anchors per image: read 4 e a, write 8 a and 4 a of scratch; low quality reads all three again.
//           Boxes come once for each block of 256 anchors, from cache.
// FLOPs     20 per pair, twice with low quality: computing overlaps again is cheaper than storing them.
// Launch    one thread per anchor, 256 per block; boxes in shared memory, 64 at a time; grid.y is the image.
// Numerics  overlaps as in tensor/box.h, each operation rounded by itself. A box's best overlap is an atomic
//           maximum of bits: numbers of at least 0 are ordered like their bits, so no order of threads can
//           change it. Equal to the CPU in every decision.
// Loads     128 bits per lane; a box in shared memory goes to all lanes at once.
// Source    Ren et al. 2015 (anchors), Lin et al. 2017 (RetinaNet's thresholds).
#include "cuda/kernels/deciding.cuh"
#include "cuda/kernels/detection_boxes.cuh"
#include "cuda/kernels/detection_boxes.h"
#include "cuda/kernels/scratch.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 256, kBoxes = 64;

// best [segments, longest]: for each box the largest overlap with any anchor, as bits.

template <class B>
__global__ void __launch_bounds__(kThreads) clear_best(B* __restrict__ best, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) best[i] = 0;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    match_best(const T* __restrict__ anchors, int64_t count, const T* __restrict__ boxes, Segments segments,
               T high, T low, int64_t* __restrict__ matched, int32_t* __restrict__ favourite,
               Bits<T>* __restrict__ best) {
  __align__(16) __shared__ T tile[kBoxes * 4];
  __shared__ Bits<T> tile_best[kBoxes];
  const int64_t s = blockIdx.y, a = int64_t(blockIdx.x) * kThreads + threadIdx.x,
                begin = begin_of(segments, s);
  const int size = int(size_of(segments, s)), t = int(threadIdx.x);
  DeviceBox<T> anchor{};
  if (a < count) anchor = load_box(anchors, a);
  T most_overlap = -1;
  int argmax = -1;
  for (int first = 0; first < size; first += kBoxes) {
    const int here = size - first < kBoxes ? size - first : kBoxes;
    if (t < here) {
      store_box(tile, t, load_box(boxes, begin + first + t));
      tile_best[t] = 0;
    }
    __syncthreads();
    for (int g = 0; g < here && a < count; ++g) {
      const T common = overlap(anchor, load_box(tile, g));
      argmax = common > most_overlap ? first + g : argmax;
      most_overlap = common > most_overlap ? common : most_overlap;
      if (!(common > T(0))) continue;  // true for most pairs
      atomicMax(&tile_best[g], bits_of(common));
    }
    __syncthreads();
    if (t < here && tile_best[t] != 0) atomicMax(&best[s * segments.longest + first + t], tile_best[t]);
    __syncthreads();
  }
  if (a >= count) return;
  favourite[s * count + a] = argmax;
  const bool background = size == 0 || most_overlap < low;
  matched[s * count + a] = background ? -1 : most_overlap >= high ? begin + argmax : -2;
}

/// Low-quality matches: an anchor without a match that is the best one of some box gets the box that it
/// overlaps most itself, which need not be that one.
template <class T>
__global__ void __launch_bounds__(kThreads)
    match_low_quality(const T* __restrict__ anchors, int64_t count, const T* __restrict__ boxes,
                      Segments segments, const int32_t* __restrict__ favourite,
                      const Bits<T>* __restrict__ best, int64_t* __restrict__ matched) {
  __align__(16) __shared__ T tile[kBoxes * 4];
  __shared__ Bits<T> tile_best[kBoxes];
  const int64_t s = blockIdx.y, a = int64_t(blockIdx.x) * kThreads + threadIdx.x,
                begin = begin_of(segments, s);
  const int size = int(size_of(segments, s)), t = int(threadIdx.x);
  const bool open = a < count && matched[s * count + a] < 0;
  DeviceBox<T> anchor{};
  if (open) anchor = load_box(anchors, a);
  bool is_best = false;
  for (int first = 0; first < size; first += kBoxes) {
    const int here = size - first < kBoxes ? size - first : kBoxes;
    if (t < here) {
      store_box(tile, t, load_box(boxes, begin + first + t));
      tile_best[t] = best[s * segments.longest + first + t];
    }
    __syncthreads();
    for (int g = 0; g < here && open && !is_best; ++g) {
      const T common = overlap(anchor, load_box(tile, g));
      is_best = (common > T(0)) & (bits_of(common) == tile_best[g]);
    }
    __syncthreads();
  }
  if (is_best) matched[s * count + a] = begin + favourite[s * count + a];
}

template <class T>
struct Best {
  Bits<T>* of_box;
  /// [segments, anchors]: the box that the anchor overlaps most, as an index in its image
  int32_t* favourite;
};

template <class T>
Best<T> cut(Scratch& scratch, const Segments& g, int64_t anchors) {
  Best<T> b;
  b.of_box = scratch.take<Bits<T>>(g.count * g.longest);
  b.favourite = scratch.take<int32_t>(g.count * anchors);
  return b;
}

template <class T>
void match(const T* anchors, int64_t count, const T* boxes, const Segments& g, const MatchLimits& limits,
           int64_t* matched, void* memory, DeviceStream stream) {
  Scratch scratch(memory);
  const Best<T> best = cut<T>(scratch, g, count);
  const int64_t truths = g.count * g.longest;
  if (truths > 0)
    CAWE_LAUNCH(clear_best<Bits<T>>, unsigned((truths + kThreads - 1) / kThreads), kThreads, 0, stream,
                best.of_box, truths);
  const dim3 grid(unsigned((count + kThreads - 1) / kThreads), unsigned(g.count));
  CAWE_LAUNCH(match_best<T>, grid, kThreads, 0, stream, anchors, count, boxes, g, T(limits.high),
              T(limits.low), matched, best.favourite, best.of_box);
  if (limits.low_quality && truths > 0)
    CAWE_LAUNCH(match_low_quality<T>, grid, kThreads, 0, stream, anchors, count, boxes, g, best.favourite,
                best.of_box, matched);
}

}  // namespace

size_t match_scratch(Number number, const Segments& g, int64_t anchors) {
  Scratch scratch(nullptr);
  CAWE_DISPATCH_EXACT(number, T, cut<T>(scratch, g, anchors))
  return scratch.used;
}

void match_anchors(Number number, const void* anchors, int64_t count, const void* boxes,
                   const Segments& segments, const MatchLimits& limits, int64_t* matched, void* scratch,
                   DeviceStream stream) {
  if (count == 0 || segments.count == 0) return;
  CAWE_DISPATCH_EXACT(number, T,
                      match(static_cast<const T*>(anchors), count, static_cast<const T*>(boxes), segments,
                            limits, matched, scratch, stream))
}

}  // namespace CAWE_DEVICE
