// SPDX-License-Identifier: Apache-2.0
// Boxes from anchors and a network's offsets: decode and clip; decode, clip and sort out.
//
// Bytes     decode: read 8 e n, write 4 e n. Filter, a candidate: 8 of position and e of score; where the
//           score passes, 8 e of offsets and anchor; where the box passes, 5 e + 8 written.
// FLOPs     60 per box, its two exponentials included. Bound by memory.
// Launch    decode: one thread per box. Filter: a block of 512 threads per image, 512 candidates at a time,
//           since what passes keeps its order: some thousand candidates are ten rounds.
// Numerics  every operation rounded by itself, e^x by tensor/box_exp.h: the CPU's bits.
// Loads     128 bits per lane. The filter gathers single boxes: half of each 32-byte sector.
// Source    Girshick et al. 2014, bounding-box regression.
#include "cuda/kernels/deciding.cuh"
#include "cuda/kernels/detection_boxes.cuh"
#include "cuda/kernels/detection_boxes.h"
#include "tensor/box_exp.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 256, kFilterThreads = 512;

template <class T>
struct Coding {
  T wx, wy, ww, wh, width, height, largest;
};

template <class T>
Coding<T> coding_of(const DecodeParams& p) {
  constexpr double kMaxLogScale = 4.135166556742356;  // ln(1000 / 16)
  return {T(p.wx), T(p.wy), T(p.ww), T(p.wh), T(p.width), T(p.height), T(kMaxLogScale)};
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

template <class T>
__global__ void __launch_bounds__(kThreads)
    decode_thread_per_box(const T* __restrict__ deltas, const T* __restrict__ anchors, Coding<T> coding,
                          int64_t n, T* __restrict__ boxes) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) store_box(boxes, i, decode(load_box(deltas, i), load_box(anchors, i), coding));
}

/// A candidate whose score is above the threshold, decoded.
template <class T>
struct Candidate {
  DeviceBox<T> box;
  T score;
  int64_t label;
};

template <class T>
__device__ __forceinline__ bool passes(const Candidates& from, const Coding<T>& coding, T threshold,
                                       T smallest, int64_t position, Candidate<T>* candidate) {
  if (position < 0) return false;
  candidate->score = static_cast<const T*>(from.scores)[position];
  if (!(candidate->score > threshold)) return false;
  const int64_t row = position / from.classes;
  candidate->label = position - row * from.classes;
  candidate->box = decode(load_box(static_cast<const T*>(from.deltas), row),
                          load_box(static_cast<const T*>(from.boxes), row % from.anchors), coding);
  const DeviceBox<T>& b = candidate->box;
  return sub_rn(b.x2, b.x1) >= smallest && sub_rn(b.y2, b.y1) >= smallest;
}

/// Writes what passes in its order: positions by ballot within a warp, by the warps' counts within a round,
/// and by rounds.
template <class T>
__global__ void __launch_bounds__(kFilterThreads)
    filter_block_per_image(Candidates from, Coding<T> coding, T threshold, T smallest, Filtered to) {
  // Of even and of odd rounds, so that one barrier per round is enough.
  __shared__ int passed[2][kFilterThreads / 32];
  const int64_t image = blockIdx.x, base = image * from.count;
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int64_t count = 0;
  for (int64_t first = 0, round = 0; first < from.count; first += kFilterThreads, ++round) {
    const int64_t k = first + threadIdx.x;
    Candidate<T> candidate{};
    const bool keep =
        k < from.count && passes(from, coding, threshold, smallest, from.chosen[base + k], &candidate);
    const unsigned keepers = __ballot_sync(0xffffffffu, keep);
    if (lane == 0) passed[round % 2][warp] = __popc(keepers);
    __syncthreads();
    int64_t at = base + count + __popc(keepers & ((1u << lane) - 1));
    for (unsigned w = 0; w < kFilterThreads / 32; ++w) {
      const int here = passed[round % 2][w];
      if (w < warp) at += here;
      count += here;
    }
    if (!keep) continue;
    store_box(static_cast<T*>(to.boxes), at, candidate.box);
    static_cast<T*>(to.scores)[at] = candidate.score;
    to.classes[at] = candidate.label;
  }
  if (threadIdx.x == 0) to.counts[image] = count;
}

}  // namespace

void decode_boxes(Number number, const void* deltas, const void* anchors, const DecodeParams& p, int64_t n,
                  void* boxes, DeviceStream stream) {
  if (n == 0) return;
  const auto blocks = unsigned((n + kThreads - 1) / kThreads);
  CAWE_DISPATCH_EXACT(
      number, T,
      CAWE_LAUNCH(decode_thread_per_box<T>, blocks, kThreads, 0, stream, static_cast<const T*>(deltas),
                  static_cast<const T*>(anchors), coding_of<T>(p), n, static_cast<T*>(boxes)))
}

void decode_filtered(Number number, const Candidates& from, const DecodeParams& p, double threshold,
                     double smallest, const Filtered& to, DeviceStream stream) {
  if (from.images == 0) return;
  CAWE_DISPATCH_EXACT(number, T,
                      CAWE_LAUNCH(filter_block_per_image<T>, unsigned(from.images), kFilterThreads, 0, stream,
                                  from, coding_of<T>(p), T(threshold), T(smallest), to))
}

}  // namespace CAWE_DEVICE
