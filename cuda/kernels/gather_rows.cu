// SPDX-License-Identifier: Apache-2.0
// Rows by index, and the gradient: for each row the sum of the gradients of its copies, in a fixed order.
//
// Bytes     gather: n rows read and written, 8 n of numbers. Gradient: dx written once as zeros; dy read once
//           and its rows of dx written; numbers sorted (sort.cu) and read twice in that order.
// FLOPs     gradient: one addition per element of dy.
// Launch    threads lie along a row (a power of two, at most 256), what is left of 256 along the rows.
// Numerics  gather copies bytes. Gradient: one thread an element adds in ascending order of k, in f32 (f64
//           for f64): no atomics, the CPU's bits in f32 and f64.
// Loads     gather: the widest of 16, 8, 4, 2 and 1 bytes that divides a row and its place. Gradient: one
//           number.
// Source    plain.
#include "cuda/kernels/gather_rows.h"

#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/scratch.h"
#include "cuda/kernels/sort.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256;

template <int kBytes>
struct Unit {
  using type = uint8_t;
};
template <>
struct Unit<2> {
  using type = uint16_t;
};
template <>
struct Unit<4> {
  using type = uint32_t;
};
template <>
struct Unit<8> {
  using type = uint2;
};
template <>
struct Unit<16> {
  using type = uint4;
};
template <class T>
__device__ __forceinline__ void set_ones(T* x) {
  *x = T(~T(0));
}
__device__ __forceinline__ void set_ones(uint2* x) { *x = {~0u, ~0u}; }
__device__ __forceinline__ void set_ones(uint4* x) { *x = {~0u, ~0u, ~0u, ~0u}; }

template <class U>
__global__ void __launch_bounds__(kThreads)
    gather_copy(const U* __restrict__ x, int64_t rows, int64_t width, const int64_t* __restrict__ index,
                int64_t n, U* __restrict__ y) {
  const int64_t k = int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
  if (k >= n) return;
  const int64_t row = index[k];
  const bool inside = row >= 0 && row < rows, none = row == -1;
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) {
    U value{};
    if (inside)
      value = x[row * width + i];
    else if (!none)
      set_ones(&value);
    y[k * width + i] = value;
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) fill_with_zeros(T* __restrict__ x, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) x[i] = rounded<T>(0);
}

/// order sorts the indices: equal ones are adjacent, in the order of k. The thread at the first of an index
/// sums its row.
template <class T>
__global__ void __launch_bounds__(kThreads)
    sum_runs(const T* __restrict__ dy, const int64_t* __restrict__ index, const int64_t* __restrict__ order,
             int64_t n, int64_t rows, int64_t width, T* __restrict__ dx) {
  const int64_t first = int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
  if (first >= n) return;
  const int64_t row = index[order[first]];
  if (row < 0 || row >= rows || (first > 0 && index[order[first - 1]] == row)) return;
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) {
    Accumulator<T> sum = 0;
    for (int64_t at = first; at < n; ++at) {
      const int64_t k = order[at];
      if (index[k] != row) break;
      sum += widen(dy[k * width + i]);
    }
    dx[row * width + i] = rounded<T>(sum);
  }
}

/// 256 threads, as many along a row as it has elements, rounded up to a power of two.
dim3 block_for(int64_t width) {
  unsigned along = 1;
  while (along < kThreads && along < width) along *= 2;
  return dim3(along, kThreads / along);
}
unsigned blocks_for(int64_t n, dim3 block) { return unsigned((n + block.y - 1) / block.y); }

template <int kBytes>
void launch_gather(const void* x, int64_t rows, int64_t row_bytes, const int64_t* index, int64_t n, void* y,
                   DeviceStream stream) {
  using U = typename Unit<kBytes>::type;
  const int64_t width = row_bytes / kBytes;
  const dim3 block = block_for(width);
  CAWE_LAUNCH(gather_copy<U>, blocks_for(n, block), block, 0, stream, static_cast<const U*>(x), rows, width,
              index, n, static_cast<U*>(y));
}

}  // namespace

void gather_rows(const void* x, int64_t rows, int64_t row_bytes, const int64_t* index, int64_t n, void* y,
                 DeviceStream stream) {
  if (n == 0 || row_bytes == 0) return;
  const auto places = reinterpret_cast<uintptr_t>(x) | reinterpret_cast<uintptr_t>(y) | uintptr_t(row_bytes);
  if (places % 16 == 0)
    launch_gather<16>(x, rows, row_bytes, index, n, y, stream);
  else if (places % 8 == 0)
    launch_gather<8>(x, rows, row_bytes, index, n, y, stream);
  else if (places % 4 == 0)
    launch_gather<4>(x, rows, row_bytes, index, n, y, stream);
  else if (places % 2 == 0)
    launch_gather<2>(x, rows, row_bytes, index, n, y, stream);
  else
    launch_gather<1>(x, rows, row_bytes, index, n, y, stream);
}

size_t gather_rows_grad_scratch(int64_t n) {
  Scratch scratch(nullptr);
  scratch.take<int64_t>(n);
  scratch.take<char>(int64_t(argsort_rows_scratch(n)));
  return scratch.used;
}

void gather_rows_grad(Number number, const void* dy, const int64_t* index, int64_t n, int64_t rows,
                      int64_t width, void* dx, void* memory, DeviceStream stream) {
  const int64_t elements = rows * width;
  if (elements == 0) return;
  Scratch scratch(memory);
  auto* order = scratch.take<int64_t>(n);
  if (n > 0)
    argsort_rows(index, n, rows, order, scratch.take<char>(int64_t(argsort_rows_scratch(n))), stream);
  const dim3 block = block_for(width);
  CAWE_DISPATCH(number, T, {
    CAWE_LAUNCH(fill_with_zeros<T>, unsigned((elements + kThreads - 1) / kThreads), kThreads, 0, stream,
                static_cast<T*>(dx), elements);
    if (n > 0)
      CAWE_LAUNCH(sum_runs<T>, blocks_for(n, block), block, 0, stream, static_cast<const T*>(dy), index,
                  order, n, rows, width, static_cast<T*>(dx));
  })
}

}  // namespace CAWE_DEVICE
