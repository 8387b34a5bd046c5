// SPDX-License-Identifier: Apache-2.0
// The column of the largest number of each row.
//
// Bytes     n numbers of e bytes: read n e; write 8 per row.
// FLOPs     none.
// Launch    one warp per row, 8 rows per block.
// Numerics  exact: comparisons of keys and columns alone.
// Loads     one number per lane, neighbours together.
#include "cuda/kernels/reductions.h"
#include "cuda/kernels/sort.cuh"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;

/// Orders numbers as a search from the left does: a NaN that comes first stays the largest.
template <class T>
__device__ __forceinline__ Bits<T> rank_key(T x, bool first) {
  using Key = Bits<T>;
  const auto wide = widen(x);
  return descending_key(wide) & (Key(first & (wide != wide)) - 1);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    argmax_warp_per_row(const T* __restrict__ x, int64_t rows, int64_t columns, int64_t* __restrict__ index) {
  using Key = Bits<T>;
  const int64_t row = int64_t(blockIdx.x) * kWarps + threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  if (row >= rows) return;
  const T* numbers = x + row * columns;
  Item<Key> best{Key(~Key(0)), ~0u};
  for (int64_t c = lane; c < columns; c += 32) {
    const Item<Key> item{rank_key(numbers[c], c == 0), uint32_t(c)};
    best = chosen(precedes(item, best), item, best);
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    const Item<Key> other = partner_of(best, distance);
    best = chosen(precedes(other, best), other, best);
  }
  if (lane == 0) index[row] = best.index;
}

}  // namespace

void argmax_rows(Number number, const void* x, int64_t rows, int64_t columns, int64_t* index,
                 DeviceStream stream) {
  if (rows == 0) return;
  const auto blocks = unsigned((rows + kWarps - 1) / kWarps);
  CAWE_DISPATCH(number, T,
                CAWE_LAUNCH(argmax_warp_per_row<T>, blocks, kThreads, 0, stream, static_cast<const T*>(x),
                            rows, columns, index))
}

}  // namespace CAWE_DEVICE
