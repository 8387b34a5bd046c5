// SPDX-License-Identifier: Apache-2.0
// Losses summed for each item, and their gradients: sigmoid focal loss (Lin et al. 2017, arXiv 1708.02002,
// Eq. 5), binary cross-entropy with logits, smooth L1 (Girshick 2015, arXiv 1504.08083, Eq. 3, with PyTorch's
// beta).
//
// Bytes     for n elements of e bytes: focal loss 2n·e, its gradient 3n·e; cross-entropy the same, + n·e with
//           a mask; smooth L1 the same, + n·e/k for its mask. Sums: 8 for each part of an item, written and
//           read again, where an item has several.
// FLOPs     per element, counting exp, log and division as one: focal loss 17 (gradient 20), cross-entropy 12
//           (12), smooth L1 6 (4). In instructions (PTX, f32) focal loss takes about 160 where gamma is 2 and
//           60 more elsewhere, cross-entropy 150 and its gradient 90: log1p, exp and division bind them, not
//           memory. Smooth L1 is memory-bound.
// Launch    blocks of up to 256 threads (as many warps as the item has packs for), several for an item from
//           2048 packs on, then one warp per item adds the parts. Gradients: blocks for 4 packs per thread.
// Numerics  f32 (f64 for f64) for an element, from exp(-|x|) so that nothing overflows; a pack is summed in
//           that, then in f64. Order: strided packs, tree over the block, parts. No atomics.
// Loads     128 bits where `size` is a multiple of what one load holds, else one number per lane.
#include "cuda/kernels/losses.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kWarps = kThreads / 32;

__device__ __forceinline__ float exp_of(float x) { return expf(x); }
__device__ __forceinline__ double exp_of(double x) { return ::exp(x); }
__device__ __forceinline__ float log1p_of(float x) { return log1pf(x); }
__device__ __forceinline__ double log1p_of(double x) { return ::log1p(x); }
__device__ __forceinline__ float pow_of(float x, float y) { return powf(x, y); }
__device__ __forceinline__ double pow_of(double x, double y) { return ::pow(x, y); }

template <class A>
__device__ __forceinline__ A positive(A x) {
  return x > A(0) ? x : A(0);
}
template <class A>
__device__ __forceinline__ A absolute(A x) {
  return x < A(0) ? -x : x;
}

/// Sigmoid and softplus of x, from e = exp(-|x|).
template <class A>
struct Logit {
  A x, e, p, other;  ///< other = 1 - p, computed without cancellation
  __device__ __forceinline__ explicit Logit(A value) : x(value), e(exp_of(-absolute(value))) {
    const A larger = A(1) / (A(1) + e), smaller = e * larger;
    const A up = x >= A(0) ? A(1) : A(0);  // selects without a branch; exact
    p = up * larger + (A(1) - up) * smaller;
    other = up * smaller + (A(1) - up) * larger;
  }
  /// log(1 + exp(sign x)), given log1p(e)
  __device__ __forceinline__ A softplus(A sign, A log1p_e) const { return positive(sign * x) + log1p_e; }
};

template <int kPack, class T>
__device__ __forceinline__ Pack<T, kPack> load(const T* from, size_t at) {
  return *reinterpret_cast<const Pack<T, kPack>*>(from + at);
}

// --- the losses: compute<kGradient>(item, i, size, scale, v) gives the values of elements i, i + 1, ... of
// an item, or scale times their slopes.
template <class T>
struct FocalLoss {
  using A = Accumulator<T>;
  const T *x, *t;
  A alpha, gamma;
  __device__ __forceinline__ A power(A base) const {
    return gamma == A(2) ? base * base : pow_of(base, gamma);
  }
  template <bool kGradient, int kPack>
  __device__ __forceinline__ void compute(unsigned item, unsigned i, unsigned size, A scale,
                                          A (&v)[kPack]) const {
    const size_t at = size_t(item) * size + i;
    const Pack<T, kPack> logits = load<kPack>(x, at), targets = load<kPack>(t, at);
    for (int k = 0; k < kPack; ++k) {
      const A target = widen(targets.v[k]), sign = target > A(0) ? A(1) : A(-1);
      const A weight = target > A(0) ? alpha : A(1) - alpha;
      const Logit<A> wrong(-sign * widen(logits.v[k]));  // the logit of "t is wrong"
      const A miss = wrong.p, loss = wrong.softplus(A(1), log1p_of(wrong.e));
      const A value = kGradient ? -scale * sign * weight * power(miss) * (gamma * wrong.other * loss + miss)
                                : weight * power(miss) * loss;
      v[k] = target < A(0) ? A(0) : value;
    }
  }
};

template <class T>
struct CrossEntropy {
  using A = Accumulator<T>;
  const T *x, *t, *mask, *pos_weight;
  template <bool kGradient, int kPack>
  __device__ __forceinline__ void compute(unsigned item, unsigned i, unsigned size, A scale,
                                          A (&v)[kPack]) const {
    const size_t at = size_t(item) * size + i;
    const Pack<T, kPack> logits = load<kPack>(x, at), targets = load<kPack>(t, at);
    // All loads come before the first branch on a value, where the lanes of a warp diverge.
    Pack<T, kPack> kept = logits, weight = logits;
    if (mask != nullptr) kept = load<kPack>(mask, at);
    if (pos_weight != nullptr) weight = load<kPack>(pos_weight, i);
    for (int k = 0; k < kPack; ++k) {
      const A target = widen(targets.v[k]), w = pos_weight != nullptr ? widen(weight.v[k]) : A(1);
      const Logit<A> logit(widen(logits.v[k]));
      if (kGradient) {
        v[k] = scale * ((A(1) - target) * logit.p - target * w * logit.other);
      } else {
        const A rest = log1p_of(logit.e);
        v[k] = target * w * logit.softplus(A(-1), rest) + (A(1) - target) * logit.softplus(A(1), rest);
      }
      if (mask != nullptr && widen(kept.v[k]) == A(0)) v[k] = A(0);
    }
  }
};

template <class T>
struct SmoothL1 {
  using A = Accumulator<T>;
  const T *x, *t, *mask;
  A beta;
  unsigned per_anchor;
  template <bool kGradient, int kPack>
  __device__ __forceinline__ void compute(unsigned item, unsigned i, unsigned size, A scale,
                                          A (&v)[kPack]) const {
    const size_t at = size_t(item) * size + i;
    const Pack<T, kPack> guess = load<kPack>(x, at), target = load<kPack>(t, at);
    const T* of_item = mask + size_t(item) * (size / per_anchor);
    unsigned anchor = i / per_anchor, left = per_anchor - i % per_anchor;
    A weight = widen(of_item[anchor]) * scale;
    for (int k = 0; k < kPack; ++k) {
      if (left == 0) {
        weight = widen(of_item[++anchor]) * scale;
        left = per_anchor;
      }
      --left;
      const A d = widen(guess.v[k]) - widen(target.v[k]), a = absolute(d);
      const bool near = a < beta;
      const A value = kGradient ? (near ? d / beta : (d > A(0) ? A(1) : (d < A(0) ? A(-1) : A(0))))
                                : (near ? d * d / (A(2) * beta) : a - beta / A(2));
      v[k] = weight == A(0) ? A(0) : weight * value;
    }
  }
};

// --- kernels
/// Block item * parts + part sums packs part * blockDim.x + t of the item, then on by the number of packs
/// that all parts take together. With one part the result goes to y, else to partial[item][part].
template <class T, int kPack, class Loss>
__global__ void __launch_bounds__(kThreads)
    item_sums(Loss loss, double* __restrict__ partial, Accumulator<T>* __restrict__ y, unsigned size,
              unsigned parts) {
  __shared__ double shared[32];
  const unsigned item = blockIdx.x / parts, part = blockIdx.x % parts;
  double sum = 0;
  for (unsigned i = part * blockDim.x + threadIdx.x; i < size / kPack; i += parts * blockDim.x) {
    Accumulator<T> v[kPack];
    loss.template compute<false>(item, i * kPack, size, Accumulator<T>(1), v);
    for (int k = 1; k < kPack; ++k) v[0] += v[k];
    sum += double(v[0]);
  }
  sum = block_reduce(sum, Sum{}, 0.0, shared);
  if (threadIdx.x != 0) return;
  if (parts == 1)
    y[item] = Accumulator<T>(sum);
  else
    partial[blockIdx.x] = sum;
}

/// y[item] = sum of partial[item][0 .. parts), one warp per item.
template <class A>
__global__ void __launch_bounds__(kThreads)
    add_item_parts(const double* __restrict__ partial, A* __restrict__ y, unsigned items, unsigned parts) {
  const unsigned item = blockIdx.x * kWarps + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (item >= items) return;  // whole warps return, so no lane is missing in a shuffle
  double sum = 0;
  for (unsigned part = lane; part < parts; part += 32) sum += partial[size_t(item) * parts + part];
  sum = warp_reduce(sum, Sum{});
  if (lane == 0) y[item] = A(sum);
}

template <class T, int kPack, class Loss>
__global__ void __launch_bounds__(kThreads)
    item_gradients(Loss loss, const Accumulator<T>* __restrict__ scale, T* __restrict__ dx, unsigned size,
                   unsigned parts) {
  const unsigned item = blockIdx.x / parts, part = blockIdx.x % parts;
  const Accumulator<T> factor = scale[item];
  for (unsigned i = part * blockDim.x + threadIdx.x; i < size / kPack; i += parts * blockDim.x) {
    Accumulator<T> v[kPack];
    loss.template compute<true>(item, i * kPack, size, factor, v);
    Pack<T, kPack> out;
    for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(v[k]);
    *reinterpret_cast<Pack<T, kPack>*>(dx + size_t(item) * size + i * kPack) = out;
  }
}

// --- launches
constexpr int64_t kBlocksOfSums = 2048;  // over all items: enough to fill a GPU; the order of sums, ADR 17
constexpr int64_t kMostBlocks = (int64_t{1} << 31) - 1;

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t within(int64_t x, int64_t low, int64_t high) { return x < low ? low : (x > high ? high : x); }

template <class T>
int pack_of(int64_t size) {
  return size % kPerLoad<T> == 0 ? kPerLoad<T> : 1;
}
unsigned threads_for(int64_t packs) { return unsigned(within(ceil_div(packs, 32), 1, kWarps)) * 32; }
/// Parts of an item for sums: at least 8 packs per thread.
int64_t parts_for(int64_t items, int64_t packs) {
  const int64_t most = kBlocksOfSums / items;
  return within(ceil_div(packs, kThreads * 8), 1, most < 1 ? 1 : most);
}

template <class T, int kPack, class Loss>
void launch_sums(const Loss& loss, int64_t items, int64_t size, double* scratch, void* y,
                 DeviceStream stream) {
  const int64_t packs = size / kPack, parts = parts_for(items, packs);
  auto* sums = static_cast<Accumulator<T>*>(y);
  CAWE_LAUNCH((item_sums<T, kPack, Loss>), unsigned(items * parts), threads_for(packs), 0, stream, loss,
              scratch, sums, unsigned(size), unsigned(parts));
  if (parts > 1)
    CAWE_LAUNCH(add_item_parts<Accumulator<T>>, unsigned(ceil_div(items, kWarps)), kThreads, 0, stream,
                scratch, sums, unsigned(items), unsigned(parts));
}

template <class T, int kPack, class Loss>
void launch_gradients(const Loss& loss, int64_t items, int64_t size, const void* scale, T* dx,
                      DeviceStream stream) {
  const int64_t packs = size / kPack, parts = within(ceil_div(packs, kThreads * 4), 1, kMostBlocks / items);
  CAWE_LAUNCH((item_gradients<T, kPack, Loss>), unsigned(items * parts), threads_for(packs), 0, stream, loss,
              static_cast<const Accumulator<T>*>(scale), dx, unsigned(size), unsigned(parts));
}

template <class T, class Loss>
void sum_items(const Loss& loss, int64_t items, int64_t size, double* scratch, void* y, DeviceStream stream) {
  if (items == 0) return;
  if (pack_of<T>(size) > 1)
    launch_sums<T, kPerLoad<T>>(loss, items, size, scratch, y, stream);
  else
    launch_sums<T, 1>(loss, items, size, scratch, y, stream);
}

template <class T, class Loss>
void differentiate(const Loss& loss, int64_t items, int64_t size, const void* scale, void* dx,
                   DeviceStream stream) {
  if (items * size == 0) return;
  if (pack_of<T>(size) > 1)
    launch_gradients<T, kPerLoad<T>>(loss, items, size, scale, static_cast<T*>(dx), stream);
  else
    launch_gradients<T, 1>(loss, items, size, scale, static_cast<T*>(dx), stream);
}

template <class T>
FocalLoss<T> focal(const void* x, const void* t, double alpha, double gamma) {
  return {static_cast<const T*>(x), static_cast<const T*>(t), Accumulator<T>(alpha), Accumulator<T>(gamma)};
}
template <class T>
CrossEntropy<T> cross_entropy(const void* x, const void* t, const void* mask, const void* pos_weight) {
  return {static_cast<const T*>(x), static_cast<const T*>(t), static_cast<const T*>(mask),
          static_cast<const T*>(pos_weight)};
}
template <class T>
SmoothL1<T> huber(const void* x, const void* t, const void* mask, double beta, int64_t k) {
  return {static_cast<const T*>(x), static_cast<const T*>(t), static_cast<const T*>(mask),
          Accumulator<T>(beta), unsigned(k)};
}

}  // namespace

int64_t item_sums_scratch(Number number, int64_t items, int64_t size) {
  if (items == 0) return 0;
  int64_t parts = 1;
  CAWE_DISPATCH(number, T, parts = parts_for(items, size / pack_of<T>(size)))
  return parts > 1 ? items * parts : 0;
}

void sigmoid_focal_loss(Number number, int64_t items, int64_t size, const void* x, const void* t,
                        double alpha, double gamma, double* scratch, void* y, DeviceStream stream) {
  CAWE_DISPATCH(number, T, sum_items<T>(focal<T>(x, t, alpha, gamma), items, size, scratch, y, stream))
}

void sigmoid_focal_loss_grad(Number number, int64_t items, int64_t size, const void* x, const void* t,
                             double alpha, double gamma, const void* scale, void* dx, DeviceStream stream) {
  CAWE_DISPATCH(number, T, differentiate<T>(focal<T>(x, t, alpha, gamma), items, size, scale, dx, stream))
}

void bce_with_logits(Number number, int64_t items, int64_t size, const void* x, const void* t,
                     const void* mask, const void* pos_weight, double* scratch, void* y,
                     DeviceStream stream) {
  CAWE_DISPATCH(number, T,
                sum_items<T>(cross_entropy<T>(x, t, mask, pos_weight), items, size, scratch, y, stream))
}

void bce_with_logits_grad(Number number, int64_t items, int64_t size, const void* x, const void* t,
                          const void* mask, const void* pos_weight, const void* scale, void* dx,
                          DeviceStream stream) {
  CAWE_DISPATCH(number, T,
                differentiate<T>(cross_entropy<T>(x, t, mask, pos_weight), items, size, scale, dx, stream))
}

void smooth_l1(Number number, int64_t items, int64_t anchors, int64_t k, const void* x, const void* t,
               const void* mask, double beta, double* scratch, void* y, DeviceStream stream) {
  CAWE_DISPATCH(number, T,
                sum_items<T>(huber<T>(x, t, mask, beta, k), items, anchors * k, scratch, y, stream))
}

void smooth_l1_grad(Number number, int64_t items, int64_t anchors, int64_t k, const void* x, const void* t,
                    const void* mask, double beta, const void* scale, void* dx, DeviceStream stream) {
  CAWE_DISPATCH(number, T,
                differentiate<T>(huber<T>(x, t, mask, beta, k), items, anchors * k, scale, dx, stream))
}

}  // namespace CAWE_DEVICE
