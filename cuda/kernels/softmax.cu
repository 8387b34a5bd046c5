// SPDX-License-Identifier: Apache-2.0
// Softmax over the last dimension of [rows, columns] and its gradient. Source: Milakov & Gimelshein 2018,
// arXiv 1805.02867, for the running maximum and sum of rows that no block can hold.
//
// Bytes     forward: read n·e, write n·e; gradient: read 2n·e, write n·e; of a row beyond what a block holds
//           (8,192 columns, gradient 4,096; f64 2,048 and 4,096) the rest is read twice.
// FLOPs     forward 5 per number (maximum, subtract, exp, add, divide; 16 bits multiply instead), gradient 4: memory-bound.
// Launch    up to 8 columns: 8 lanes per row. Up to 1,024 (f64 forward 256): one warp per row, 8 rows per
//           block. Above: a block of 256 threads per row.
// Numerics  f32 (f64 for f64) in a fixed tree. A block's threads start their maxima at the lowest finite
//           number: a thread that sees nothing but -inf adds 0 and not NaN.
// Loads     128 bits where columns are a multiple of what one load holds, else one number per lane. Rows that
//           do not fill their sectors share them with neighbours in the same block.
#include "cuda/kernels/softmax.h"

#include "cuda/emulator/simt/simt.cuh"
// Needs simt.cuh before it.
#include "cuda/kernels/softmax.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256;
/// Numbers of a row that a thread keeps in registers: all its loops over them must be unrolled, which ptxas
/// does not do with more exp() of f64.
template <class T>
constexpr int kHeld = sizeof(T) == 8 ? 8 : 32;
constexpr int kHeldOfTwo = 16;  ///< of each of y and dy

/// Reduces by op over the block; all threads get the result. `partial` is shared memory for 33 values; it may
/// be used again at once, since block_reduce has a barrier before the next store to its last value.
template <class A, class Op>
__device__ __forceinline__ A block_total(A value, Op op, A identity, A* partial) {
  value = block_reduce(value, op, identity, partial);
  if (threadIdx.x == 0) partial[32] = value;
  __syncthreads();
  return partial[32];
}

/// A number's share of a row's sum. In 16 bits by the reciprocal, which is off by less than a thousandth of what the
/// rounding to them is: a division takes some ten instructions, and these, not memory, would bind the kernel.
template <class T>
struct Shares {
  using A = Accumulator<T>;
  A by;
  __device__ __forceinline__ explicit Shares(A sum) : by(sizeof(T) == 2 ? A(1) / sum : sum) {}
  __device__ __forceinline__ A operator()(A x) const { return sizeof(T) == 2 ? x * by : x / by; }
};

/// A row is held in the registers of kLanes lanes, kSteps packs each.
template <class T, int kPack, int kLanes, int kSteps>
__global__ void __launch_bounds__(kThreads, 2)
    softmax_in_lanes(const T* __restrict__ x, T* __restrict__ y, int64_t rows, int columns) {
  using A = Accumulator<T>;
  using Packed = Pack<T, kPack>;
  const int64_t row = (int64_t(blockIdx.x) * kThreads + int(threadIdx.x)) / kLanes;
  const int lane = int(threadIdx.x) % kLanes, packs = row < rows ? columns / kPack : 0;
  const auto* in = reinterpret_cast<const Packed*>(x + row * columns);
  auto* out = reinterpret_cast<Packed*>(y + row * columns);
  A v[kSteps][kPack];
  A most = A(-INFINITY);
  for (int s = 0; s < kSteps; ++s) {
    const int i = s * kLanes + lane;
    if (i >= packs) continue;
    const Packed p = in[i];
    for (int k = 0; k < kPack; ++k) {
      v[s][k] = widen(p.v[k]);
      most = Max{}(v[s][k], most);
    }
  }
  most = lanes_reduce<kLanes>(most, Max{});
  A sum = 0;
  for (int s = 0; s < kSteps; ++s) {
    if (s * kLanes + lane >= packs) continue;
    for (int k = 0; k < kPack; ++k) {
      v[s][k] = exponential(v[s][k] - most);
      sum += v[s][k];
    }
  }
  const Shares<T> by(lanes_reduce<kLanes>(sum, Sum{}));
  for (int s = 0; s < kSteps; ++s) {
    const int i = s * kLanes + lane;
    if (i >= packs) continue;
    Packed p;
    for (int k = 0; k < kPack; ++k) p.v[k] = rounded<T>(by(v[s][k]));
    out[i] = p;
  }
}

/// Online softmax over a thread's share of a row.
template <class A>
struct Running {
  A most = Lowest<A>::value, sum = 0;
  __device__ __forceinline__ void add(A x) {
    if (x > most) {
      sum *= exponential(most - x);
      most = x;
    }
    sum += exponential(x - most);
  }
};

/// One block per row: the first kHeld numbers of each thread stay in registers, the rest is read twice.
template <class T, int kPack>
__global__ void __launch_bounds__(kThreads, 2)
    softmax_in_block(const T* __restrict__ x, T* __restrict__ y, int columns) {
  using A = Accumulator<T>;
  using Packed = Pack<T, kPack>;
  constexpr int kSteps = kHeld<T> / kPack;
  __shared__ A partial[33];
  const int packs = columns / kPack, thread = int(threadIdx.x);
  const auto* in = reinterpret_cast<const Packed*>(x + size_t(blockIdx.x) * columns);
  auto* out = reinterpret_cast<Packed*>(y + size_t(blockIdx.x) * columns);
  Packed held[kSteps];
  Running<A> mine;
  for (int s = 0; s < kSteps; ++s) {
    if (s * kThreads + thread >= packs) continue;
    held[s] = in[s * kThreads + thread];
    for (int k = 0; k < kPack; ++k) mine.most = Max{}(widen(held[s].v[k]), mine.most);
  }
  for (int s = 0; s < kSteps; ++s)
    if (s * kThreads + thread < packs)
      for (int k = 0; k < kPack; ++k) mine.sum += exponential(widen(held[s].v[k]) - mine.most);
  for (int i = kSteps * kThreads + thread; i < packs; i += kThreads) {
    const Packed p = in[i];
    for (int k = 0; k < kPack; ++k) mine.add(widen(p.v[k]));
  }
  const A most = block_total(mine.most, Max{}, Lowest<A>::value, partial);
  const Shares<T> by(block_total(mine.sum * exponential(mine.most - most), Sum{}, A(0), partial));
  for (int s = 0; s < kSteps; ++s) {
    if (s * kThreads + thread >= packs) continue;
    for (int k = 0; k < kPack; ++k) held[s].v[k] = rounded<T>(by(exponential(widen(held[s].v[k]) - most)));
    out[s * kThreads + thread] = held[s];
  }
  for (int i = kSteps * kThreads + thread; i < packs; i += kThreads) {
    Packed p = in[i];
    for (int k = 0; k < kPack; ++k) p.v[k] = rounded<T>(by(exponential(widen(p.v[k]) - most)));
    out[i] = p;
  }
}

template <class T, int kPack>
__device__ __forceinline__ Accumulator<T> dot(const Pack<T, kPack>& p, const Pack<T, kPack>& q) {
  Accumulator<T> sum = 0;
  for (int k = 0; k < kPack; ++k) sum += widen(p.v[k]) * widen(q.v[k]);
  return sum;
}
/// y (dy - total)
template <class T, int kPack>
__device__ __forceinline__ Pack<T, kPack> slope(const Pack<T, kPack>& y, const Pack<T, kPack>& dy,
                                                Accumulator<T> total) {
  Pack<T, kPack> p;
  for (int k = 0; k < kPack; ++k) p.v[k] = rounded<T>(widen(y.v[k]) * (widen(dy.v[k]) - total));
  return p;
}

template <class T, int kPack, int kLanes, int kSteps>
__global__ void __launch_bounds__(kThreads)
    grad_in_lanes(const T* __restrict__ y, const T* dy, T* dx, int64_t rows, int columns) {
  using Packed = Pack<T, kPack>;
  const int64_t row = (int64_t(blockIdx.x) * kThreads + int(threadIdx.x)) / kLanes;
  const int lane = int(threadIdx.x) % kLanes, packs = row < rows ? columns / kPack : 0;
  const auto* yp = reinterpret_cast<const Packed*>(y + row * columns);
  const auto* dyp = reinterpret_cast<const Packed*>(dy + row * columns);
  auto* dxp = reinterpret_cast<Packed*>(dx + row * columns);
  Packed p[kSteps], q[kSteps];
  Accumulator<T> total = 0;
  for (int s = 0; s < kSteps; ++s) {
    const int i = s * kLanes + lane;
    if (i >= packs) continue;
    p[s] = yp[i];
    q[s] = dyp[i];
    total += dot(p[s], q[s]);
  }
  total = lanes_reduce<kLanes>(total, Sum{});
  for (int s = 0; s < kSteps; ++s) {
    const int i = s * kLanes + lane;
    if (i < packs) dxp[i] = slope(p[s], q[s], total);
  }
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    grad_in_block(const T* __restrict__ y, const T* dy, T* dx, int columns) {
  using Packed = Pack<T, kPack>;
  constexpr int kSteps = kHeldOfTwo / kPack;
  __shared__ Accumulator<T> partial[33];
  const int packs = columns / kPack, thread = int(threadIdx.x);
  const auto* yp = reinterpret_cast<const Packed*>(y + size_t(blockIdx.x) * columns);
  const auto* dyp = reinterpret_cast<const Packed*>(dy + size_t(blockIdx.x) * columns);
  auto* dxp = reinterpret_cast<Packed*>(dx + size_t(blockIdx.x) * columns);
  Packed p[kSteps], q[kSteps];
  Accumulator<T> total = 0;
  for (int s = 0; s < kSteps; ++s) {
    const int i = s * kThreads + thread;
    if (i >= packs) continue;
    p[s] = yp[i];
    q[s] = dyp[i];
    total += dot(p[s], q[s]);
  }
  for (int i = kSteps * kThreads + thread; i < packs; i += kThreads) {
    const Packed more_y = yp[i], more_dy = dyp[i];
    total += dot(more_y, more_dy);
  }
  total = block_total(total, Sum{}, Accumulator<T>(0), partial);
  for (int s = 0; s < kSteps; ++s) {
    const int i = s * kThreads + thread;
    if (i < packs) dxp[i] = slope(p[s], q[s], total);
  }
  for (int i = kSteps * kThreads + thread; i < packs; i += kThreads) {
    const Packed more_y = yp[i], more_dy = dyp[i];
    dxp[i] = slope(more_y, more_dy, total);
  }
}

bool aligned(const void* a, const void* b, const void* c = nullptr) {
  return (reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b) | reinterpret_cast<uintptr_t>(c)) %
             16 ==
         0;
}

unsigned blocks_of(int64_t rows, int lanes) {
  const int64_t of_block = kThreads / lanes;
  return unsigned((rows + of_block - 1) / of_block);
}

/// The matrix and options of one call.
template <class T>
struct Forward {
  const T* x;
  T* y;
  int64_t rows;
  int columns;
  DeviceStream stream;
  template <int kPack, int kLanes, int kSteps>
  void in_lanes() const {
    CAWE_LAUNCH((softmax_in_lanes<T, kPack, kLanes, kSteps>), blocks_of(rows, kLanes), kThreads, 0, stream, x,
                y, rows, columns);
  }
  template <int kPack>
  void in_block() const {
    CAWE_LAUNCH((softmax_in_block<T, kPack>), unsigned(rows), kThreads, 0, stream, x, y, columns);
  }
};
template <class T>
struct Gradient {
  const T *y, *dy;
  T* dx;
  int64_t rows;
  int columns;
  DeviceStream stream;
  template <int kPack, int kLanes, int kSteps>
  void in_lanes() const {
    CAWE_LAUNCH((grad_in_lanes<T, kPack, kLanes, kSteps>), blocks_of(rows, kLanes), kThreads, 0, stream, y,
                dy, dx, rows, columns);
  }
  template <int kPack>
  void in_block() const {
    CAWE_LAUNCH((grad_in_block<T, kPack>), unsigned(rows), kThreads, 0, stream, y, dy, dx, columns);
  }
};

/// Chooses the kernel by the row's length: lanes with the smallest sufficient number of steps (1, 4 or kAll),
/// or a block.
template <int kPack, int kAll, class Work>
void launch(const Work& work) {
  if (work.columns <= 8 && kPack == 1)
    work.template in_lanes<1, 8, 1>();
  else if (work.columns <= 32 * kPack)
    work.template in_lanes<kPack, 32, 1>();
  else if (work.columns <= 4 * 32 * kPack && kAll > 4)
    work.template in_lanes<kPack, 32, 4>();
  else if (work.columns <= kAll * 32 * kPack)
    work.template in_lanes<kPack, 32, kAll>();
  else
    work.template in_block<kPack>();
}

}  // namespace

void softmax(Number number, const void* x, void* y, int64_t rows, int64_t columns, DeviceStream stream) {
  if (rows * columns == 0) return;
  CAWE_DISPATCH(number, T, {
    const Forward<T> work{static_cast<const T*>(x), static_cast<T*>(y), rows, int(columns), stream};
    if (columns > 8 && columns % kPerLoad<T> == 0 && aligned(x, y))
      launch<kPerLoad<T>, kHeld<T> / kPerLoad<T>>(work);
    else
      launch<1, kHeld<T>>(work);
  })
}

void softmax_grad(Number number, const void* y, const void* dy, void* dx, int64_t rows, int64_t columns,
                  DeviceStream stream) {
  if (rows * columns == 0) return;
  CAWE_DISPATCH(number, T, {
    const Gradient<T> work{
        static_cast<const T*>(y), static_cast<const T*>(dy), static_cast<T*>(dx), rows, int(columns), stream};
    if (columns > 8 && columns % kPerLoad<T> == 0 && aligned(y, dy, dx))
      launch<kPerLoad<T>, 32 / kPerLoad<T>>(work);
    else
      launch<1, 32>(work);
  })
}

}  // namespace CAWE_DEVICE
