// SPDX-License-Identifier: Apache-2.0
// y = op(p, q) with broadcasting, and y += x.
//
// Bytes     read n·e of each operand (a repeated one: each of its elements once), write n·e; accumulate: read
//           2n·e, write n·e.
// FLOPs     1 per element: memory-bound.
// Launch    All packed in one order: 256 threads per block, 16 bytes of each per thread. One operand packed
//           like y and the other repeated ([C] of either memory order, one number per image, one number): the
//           same, where neither the run of one number nor the period cuts a thread's 16 bytes. Else one
//           element per thread in y's order.
// Numerics  the CPU's functions, in f32 for f16 and bf16 (f64 for f64): f32 and f64 give its bits.
// Loads     128 bits; of the repeated operand 128 bits (channels-last) or one number, the same one for most
//           of a warp. Else one element per lane: y dense, the others as far apart as their strides.
#include "cuda/kernels/elementwise.h"
#include "cuda/kernels/walk.cuh"
#include "tensor/elementwise.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

template <BinaryOp kOp, class T, int kPack>
__device__ __forceinline__ Pack<T, kPack> combined(const Pack<T, kPack>& p, const Pack<T, kPack>& q) {
  Pack<T, kPack> y;
  for (int k = 0; k < kPack; ++k) y.v[k] = rounded<T>(elementwise::binary(kOp, widen(p.v[k]), widen(q.v[k])));
  return y;
}

/// Chooses the operator once for a whole pack.
template <class T, int kPack>
__device__ __forceinline__ Pack<T, kPack> combined(BinaryOp op, const Pack<T, kPack>& p,
                                                   const Pack<T, kPack>& q) {
  switch (op) {
    case BinaryOp::add:
      return combined<BinaryOp::add>(p, q);
    case BinaryOp::sub:
      return combined<BinaryOp::sub>(p, q);
    case BinaryOp::mul:
      return combined<BinaryOp::mul>(p, q);
    case BinaryOp::div:
      return combined<BinaryOp::div>(p, q);
    case BinaryOp::minimum:
      return combined<BinaryOp::minimum>(p, q);
    case BinaryOp::maximum:
      return combined<BinaryOp::maximum>(p, q);
    case BinaryOp::greater:
      return combined<BinaryOp::greater>(p, q);
    case BinaryOp::greater_equal:
      return combined<BinaryOp::greater_equal>(p, q);
    case BinaryOp::equal:
      break;
  }
  return combined<BinaryOp::equal>(p, q);
}

template <class T>
__device__ __forceinline__ T combined(BinaryOp op, T p, T q) {
  return rounded<T>(elementwise::binary(op, widen(p), widen(q)));
}

template <class T>
__global__ void __launch_bounds__(kFlatThreads)
    binary_flat(BinaryOp op, const T* __restrict__ p, const T* __restrict__ q, T* __restrict__ y, int64_t n) {
  constexpr int kPack = kPerLoad<T>;
  using Numbers = Pack<T, kPack>;
  const int64_t i = int64_t(blockIdx.x) * kFlatThreads + threadIdx.x, packs = n / kPack;
  if (i < packs) {
    const Numbers a = reinterpret_cast<const Numbers*>(p)[i], b = reinterpret_cast<const Numbers*>(q)[i];
    reinterpret_cast<Numbers*>(y)[i] = combined(op, a, b);
  } else if (i - packs < n % kPack) {
    const int64_t at = packs * kPack + (i - packs);
    y[at] = combined(op, p[at], q[at]);
  }
}

/// Element i of the repeated operand is its number (i / run) % period.
struct Repeat {
  Divider run, period;
  bool swapped;  ///< the repeated operand is op's first
};

/// kRuns: all numbers of a thread meet the same repeated number; else (run = 1) each meets the next one.
template <class T, bool kRuns>
__global__ void __launch_bounds__(kFlatThreads)
    binary_repeat(BinaryOp op, const T* __restrict__ x, const T* __restrict__ repeated, T* __restrict__ y,
                  unsigned n, const Repeat r) {
  constexpr int kPack = kPerLoad<T>;
  using Numbers = Pack<T, kPack>;
  const unsigned i = blockIdx.x * kFlatThreads + threadIdx.x, packs = n / kPack;
  const bool whole = i < packs;
  const unsigned at = whole ? i * kPack : packs * kPack + (i - packs);
  if (at >= n) return;
  const unsigned run = divide(at, r.run), place = run - divide(run, r.period) * r.period.divisor;
  if (whole) {
    const Numbers a = reinterpret_cast<const Numbers*>(x)[i];
    Numbers b;
    if (kRuns) {
      const T one = repeated[place];
      for (int k = 0; k < kPack; ++k) b.v[k] = one;
    } else {
      b = *reinterpret_cast<const Numbers*>(repeated + place);
    }
    reinterpret_cast<Numbers*>(y)[i] = r.swapped ? combined(op, b, a) : combined(op, a, b);
  } else {
    const T a = x[at], b = repeated[place];
    y[at] = r.swapped ? combined(op, b, a) : combined(op, a, b);
  }
}

template <class T>
__global__ void __launch_bounds__(kFlatThreads)
    binary_walk(BinaryOp op, const T* __restrict__ p, const T* __restrict__ q, T* __restrict__ y,
                const Walk<3> walk) {
  const unsigned i = blockIdx.x * kFlatThreads + threadIdx.x;
  if (i >= walk.count) return;
  const Offsets<3> o = offsets_of(walk, i);
  y[o.at[2]] = combined(op, p[o.at[0]], q[o.at[1]]);
}

template <class T>
__global__ void __launch_bounds__(kFlatThreads) accumulate_flat(const T* __restrict__ x, T* y, int64_t n) {
  constexpr int kPack = kPerLoad<T>;
  using Numbers = Pack<T, kPack>;
  const int64_t i = int64_t(blockIdx.x) * kFlatThreads + threadIdx.x, packs = n / kPack;
  if (i < packs) {
    const Numbers a = reinterpret_cast<const Numbers*>(x)[i], b = reinterpret_cast<const Numbers*>(y)[i];
    reinterpret_cast<Numbers*>(y)[i] = combined<BinaryOp::add>(b, a);
  } else if (i - packs < n % kPack) {
    const int64_t at = packs * kPack + (i - packs);
    y[at] = combined(BinaryOp::add, y[at], x[at]);
  }
}

template <class T>
__global__ void __launch_bounds__(kFlatThreads)
    accumulate_walk(const T* __restrict__ x, T* y, const Walk<2> walk) {
  const unsigned i = blockIdx.x * kFlatThreads + threadIdx.x;
  if (i >= walk.count) return;
  const Offsets<2> o = offsets_of(walk, i);
  y[o.at[1]] = combined(BinaryOp::add, y[o.at[1]], x[o.at[0]]);
}

// --- choosing

/// True where operand k of the plan keeps one value for `run` elements, then the next one, and starts again
/// after `period` values.
bool is_repeat(const Plan<3>& plan, int k, int64_t* run, int64_t* period) {
  *run = *period = 1;
  int d = 0;
  while (d < plan.rank && plan.stride[k][d] == 0) *run *= plan.size[d++];
  while (d < plan.rank && plan.stride[k][d] == *period) *period *= plan.size[d++];
  while (d < plan.rank && plan.stride[k][d] == 0) ++d;
  return d == plan.rank;
}

/// Launches the kernel for a repeated operand `k` and a packed other one; false where they are not stored so.
template <class T>
bool launch_repeat(BinaryOp op, const Plan<3>& plan, int k, const T* x, const T* repeated, T* y,
                   DeviceStream stream) {
  constexpr int kPack = kPerLoad<T>;
  int64_t run = 1, period = 1;
  const int64_t n = plan.count();
  if (n > kMostCounted || !plan.is_packed(2) || !plan.is_packed(1 - k) || !is_repeat(plan, k, &run, &period))
    return false;
  const bool by_runs = period == 1 || run % kPack == 0, by_packs = run == 1 && period % kPack == 0;
  if (!is_aligned(x) || !is_aligned(y) || !(by_runs || (by_packs && is_aligned(repeated)))) return false;
  const Repeat r{make_divider(run), make_divider(period), k == 0};
  if (by_runs)
    CAWE_LAUNCH((binary_repeat<T, true>), flat_blocks(n, kPack), kFlatThreads, 0, stream, op, x, repeated, y,
                n, r);
  else
    CAWE_LAUNCH((binary_repeat<T, false>), flat_blocks(n, kPack), kFlatThreads, 0, stream, op, x, repeated, y,
                n, r);
  return true;
}

template <class T>
void launch_binary(BinaryOp op, const Plan<3>& plan, const T* p, const T* q, T* y, DeviceStream stream) {
  const int64_t n = plan.count();
  if (plan.is_flat() && is_aligned(p) && is_aligned(q) && is_aligned(y)) {
    CAWE_LAUNCH(binary_flat<T>, flat_blocks(n, kPerLoad<T>), kFlatThreads, 0, stream, op, p, q, y, n);
    return;
  }
  if (launch_repeat(op, plan, 1, p, q, y, stream) || launch_repeat(op, plan, 0, q, p, y, stream)) return;
  in_parts(plan, {0, 0, 0}, [&](const Plan<3>& part, const int64_t(&first)[3]) {
    const Walk<3> walk = make_walk(part);
    CAWE_LAUNCH(binary_walk<T>, unsigned(ceil_div(walk.count, kFlatThreads)), kFlatThreads, 0, stream, op,
                p + first[0], q + first[1], y + first[2], walk);
  });
}

template <class T>
void launch_accumulate(const Plan<2>& plan, const T* x, T* y, DeviceStream stream) {
  const int64_t n = plan.count();
  if (plan.is_flat() && is_aligned(x) && is_aligned(y)) {
    CAWE_LAUNCH(accumulate_flat<T>, flat_blocks(n, kPerLoad<T>), kFlatThreads, 0, stream, x, y, n);
    return;
  }
  in_parts(plan, {0, 0}, [&](const Plan<2>& part, const int64_t(&first)[2]) {
    const Walk<2> walk = make_walk(part);
    CAWE_LAUNCH(accumulate_walk<T>, unsigned(ceil_div(walk.count, kFlatThreads)), kFlatThreads, 0, stream,
                x + first[0], y + first[1], walk);
  });
}

}  // namespace

void binary(Number number, BinaryOp op, const Operand& p, const Operand& q, const Result& y,
            DeviceStream stream) {
  const Plan<3> plan = make_plan<3>({&p.view, &q.view, &y.view});
  if (plan.count() == 0) return;
  CAWE_DISPATCH(number, T,
                launch_binary(op, plan, static_cast<const T*>(p.data), static_cast<const T*>(q.data),
                              static_cast<T*>(y.data), stream))
}

void accumulate(Number number, const Operand& x, const Result& y, DeviceStream stream) {
  const Plan<2> plan = make_plan<2>({&x.view, &y.view});
  if (plan.count() == 0) return;
  CAWE_DISPATCH(number, T,
                launch_accumulate(plan, static_cast<const T*>(x.data), static_cast<T*>(y.data), stream))
}

}  // namespace CAWE_DEVICE
