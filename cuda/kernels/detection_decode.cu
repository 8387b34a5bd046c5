// SPDX-License-Identifier: Apache-2.0
// Boxes from anchors and a network's offsets: decode, clip and sort out.
//
// Bytes     a candidate: 8 of position, where positions are given, and e of score; where the score passes, 8 e of offsets
//           and anchor. Each place: 5 e + 8 written, a kept box or zeros.
// FLOPs     60 per box, its two exponentials included. Bound by memory.
// Launch    a block of 512 threads per image, 512 candidates at a time, since what passes keeps its order: some thousand
//           candidates are ten rounds.
// Numerics  every operation rounded by itself, e^x by tensor/box_exp.h: the CPU's bits.
// Loads     128 bits per lane for boxes; chosen ones are gathered: half of each 32-byte sector.
// Source    Girshick et al. 2014, bounding-box regression.
#include "cuda/kernels/deciding.cuh"
#include "cuda/kernels/detection_boxes.cuh"
#include "cuda/kernels/detection_boxes.h"
#include "tensor/box_exp.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 512;

template <class T>
struct Coding {
  T wx, wy, ww, wh, width, height, largest, threshold, smallest;
};

template <class T>
Coding<T> coding_of(const CandidateLimits& p) {
  constexpr double kMaxLogScale = 4.135166556742356;  // ln(1000 / 16)
  return {T(p.wx),     T(p.wy),         T(p.ww),        T(p.wh),      T(p.width),
          T(p.height), T(kMaxLogScale), T(p.threshold), T(p.smallest)};
}

/// std::clamp(x, 0, end)
template <class T>
__device__ __forceinline__ T clipped(T x, T end) {
  return x < T(0) ? T(0) : end < x ? end : x;
}

template <class T>
__device__ __forceinline__ DeviceBox<T> decode(const DeviceBox<T>& d, const DeviceBox<T>& a,
                                               const Coding<T>& c) {
  const T w = sub_rn(a.x2, a.x1), h = sub_rn(a.y2, a.y1), half = T(0.5);
  const T cx = add_rn(add_rn(a.x1, mul_rn(w, half)), mul_rn(div_rn(d.x1, c.wx), w));
  const T cy = add_rn(add_rn(a.y1, mul_rn(h, half)), mul_rn(div_rn(d.y1, c.wy), h));
  const T half_w = mul_rn(mul_rn(box_exp(least(div_rn(d.x2, c.ww), c.largest)), w), half);
  const T half_h = mul_rn(mul_rn(box_exp(least(div_rn(d.y2, c.wh), c.largest)), h), half);
  return {clipped(sub_rn(cx, half_w), c.width), clipped(sub_rn(cy, half_h), c.height),
          clipped(add_rn(cx, half_w), c.width), clipped(add_rn(cy, half_h), c.height)};
}

/// A candidate whose score is above the threshold, decoded.
template <class T>
struct Candidate {
  DeviceBox<T> box;
  T score;
  int64_t label;
};

template <class T>
__device__ __forceinline__ bool passes(const Candidates& from, const CandidateLimits& limits,
                                       const Coding<T>& coding, int64_t image, int64_t k,
                                       Candidate<T>* candidate) {
  const int64_t position = from.chosen != nullptr
                               ? from.chosen[image * from.count + k]
                               : (image * from.anchors + k % from.anchors) * from.classes + k / from.anchors;
  if (position < 0) return false;
  candidate->score = static_cast<const T*>(from.scores)[position];
  if (!(candidate->score > coding.threshold)) return false;
  const int64_t row = position / from.classes, anchor = row % from.anchors;
  candidate->label = limits.parts == 0 ? position - row * from.classes : 0;
  for (int part = 0; part + 1 < limits.parts; ++part) candidate->label += anchor >= limits.part_end[part];
  candidate->box = decode(load_box(static_cast<const T*>(from.deltas), from.by_class ? position : row),
                          load_box(static_cast<const T*>(from.boxes), from.own_boxes ? row : anchor), coding);
  const DeviceBox<T>& b = candidate->box;
  return sub_rn(b.x2, b.x1) >= coding.smallest && sub_rn(b.y2, b.y1) >= coding.smallest;
}

template <class T>
__device__ __forceinline__ void put(const Filtered& to, int64_t at, const Candidate<T>& c) {
  store_box(static_cast<T*>(to.boxes), at, c.box);
  static_cast<T*>(to.scores)[at] = c.score;
  to.classes[at] = c.label;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    filter_block_per_image(Candidates from, CandidateLimits limits, Coding<T> coding, Filtered to) {
  __shared__ KeptByWarp<kThreads> warps;
  const int64_t image = blockIdx.x, base = image * to.room;
  InOrder<kThreads> order{&warps};
  for (int64_t first = 0; first < from.count; first += kThreads) {
    const int64_t k = first + threadIdx.x;
    Candidate<T> candidate{};
    const bool keep = k < from.count && passes(from, limits, coding, image, k, &candidate);
    order.count(keep);
    __syncthreads();
    const int64_t place = order.place();
    if (keep && place < to.room) put(to, base + place, candidate);
  }
  const int64_t count = order.kept < to.room ? order.kept : to.room;
  for (int64_t k = count + threadIdx.x; k < to.room; k += kThreads) put(to, base + k, Candidate<T>{});
  if (threadIdx.x == 0) to.counts[image] = count;
}

}  // namespace

void decode_filtered(Number number, const Candidates& from, const CandidateLimits& p, const Filtered& to,
                     DeviceStream stream) {
  if (from.images == 0) return;
  CAWE_DISPATCH_EXACT(number, T,
                      CAWE_LAUNCH(filter_block_per_image<T>, unsigned(from.images), kThreads, 0, stream, from,
                                  p, coding_of<T>(p), to))
}

}  // namespace CAWE_DEVICE
