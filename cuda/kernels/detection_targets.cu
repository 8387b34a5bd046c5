// SPDX-License-Identifier: Apache-2.0
// What matched anchors learn: classes, offsets of their boxes, and what counts in a loss.
//
// Bytes     a slot: read 8 of its match (8 more of its position, where positions are given), and 9 e of anchor and box
//           where it has one; write e of foreground, 4 e of offsets, and of what is asked for e of counted, e for each
//           class, 8 of its row.
// FLOPs     16 for a slot with a box, its two logarithms counted as one each. Bound by memory.
// Launch    one thread per slot, 256 per block, for classes a block writes those of its slots together; grid.y is the
//           image.
// Numerics  every operation rounded by itself, ln by the device's library: offsets may differ in their last places.
// Loads     one number per lane; boxes and anchors, of which there are few, as they come.
// Source    Girshick et al. 2014, bounding-box regression.
#include "cuda/kernels/deciding.cuh"
#include "cuda/kernels/detection_boxes.cuh"
#include "cuda/kernels/detection_boxes.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ float ln(float x) { return logf(x); }
__device__ __forceinline__ double ln(double x) { return ::log(x); }

template <class T>
struct Weights {
  T wx, wy, ww, wh;
};

template <class T>
__device__ __forceinline__ DeviceBox<T> encode(const DeviceBox<T>& box, const DeviceBox<T>& anchor,
                                               const Weights<T>& p) {
  const T aw = sub_rn(anchor.x2, anchor.x1), ah = sub_rn(anchor.y2, anchor.y1);
  const T gw = sub_rn(box.x2, box.x1), gh = sub_rn(box.y2, box.y1), half = T(0.5);
  const T ax = add_rn(anchor.x1, mul_rn(half, aw)), ay = add_rn(anchor.y1, mul_rn(half, ah));
  const T gx = add_rn(box.x1, mul_rn(half, gw)), gy = add_rn(box.y1, mul_rn(half, gh));
  return {div_rn(mul_rn(p.wx, sub_rn(gx, ax)), aw), div_rn(mul_rn(p.wy, sub_rn(gy, ay)), ah),
          mul_rn(p.ww, ln(div_rn(gw, aw))), mul_rn(p.wh, ln(div_rn(gh, ah)))};
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    targets_thread_per_slot(Matched m, Weights<T> weights, Targets to) {
  __shared__ int labels[kThreads];  // of the block's slots; -1: background, -2: left out
  const int64_t image = blockIdx.y, first = int64_t(blockIdx.x) * kThreads, k = first + threadIdx.x,
                slot = image * m.slots + k;
  const bool there = k < m.slots;
  const int64_t at = !there ? -1 : m.chosen == nullptr ? slot : m.chosen[slot];
  const int64_t g = at < 0 ? -2 : m.matched[at];
  int label = g < 0 ? int(g) : 0;
  DeviceBox<T> offsets{};
  if (g >= 0) {
    const int64_t of = at / m.anchors_each, anchor = m.own_anchors ? at : at - of * m.anchors_each;
    const T* row = static_cast<const T*>(m.truth) + (of * m.rows + g) * kTruthWidth;
    offsets = encode(truth_box(row), load_box(static_cast<const T*>(m.anchors), anchor), weights);
    label = int(row[4]);
  }
  labels[threadIdx.x] = label;
  __syncthreads();  // lanes with a box and without store together
  const int mine = labels[threadIdx.x];
  if (there) {
    store_box(static_cast<T*>(to.deltas), slot, offsets);
    static_cast<T*>(to.foreground)[slot] = T(mine >= 0);
    if (to.counted != nullptr) static_cast<T*>(to.counted)[slot] = T(mine != -2);
    if (to.rows != nullptr) to.rows[slot] = slot * to.outputs + (mine >= 0 ? mine + 1 : 0);
  }
  if (to.classes == nullptr) return;
  const int64_t here = m.slots - first < kThreads ? m.slots - first : kThreads,
                begin = image * m.slots + first;
  T* classes = static_cast<T*>(to.classes) + begin * to.labels;
  for (int64_t i = threadIdx.x; i < here * to.labels; i += kThreads) {
    const int of_slot = labels[i / to.labels];
    classes[i] = of_slot == -2 ? T(-1) : T(of_slot == i % to.labels);
  }
}

}  // namespace

void match_targets(Number number, const Matched& m, const BoxCoding& p, const Targets& to,
                   DeviceStream stream) {
  if (m.images == 0 || m.slots == 0) return;
  const dim3 grid(unsigned((m.slots + kThreads - 1) / kThreads), unsigned(m.images));
  CAWE_DISPATCH_EXACT(number, T,
                      CAWE_LAUNCH(targets_thread_per_slot<T>, grid, kThreads, 0, stream, m,
                                  (Weights<T>{T(p.wx), T(p.wy), T(p.ww), T(p.wh)}), to))
}

}  // namespace CAWE_DEVICE
