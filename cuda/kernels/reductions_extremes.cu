// SPDX-License-Identifier: Apache-2.0
// Smallest and largest number of each item of a batch.
//
// Bytes     read n·e; write 2e an item; an item of several pieces: 2e a piece more, written and read.
// FLOPs     2 per number (two comparisons): memory-bound.
// Launch    A block for each piece of at most 16,384 numbers, 256 threads, or one warp for items of up to
//           1,024. Items of several pieces: a second launch, one block of 256 per item.
// Numerics  comparisons only: exact, in any order. Where a NaN is in the item the answer of
//           std::minmax_element depends on the order, so one thread then goes through the item in row-major
//           order, as the CPU does: slow, and for broken input only. Which of +0 and -0 is named is not
//           specified.
// Loads     128 bits where items are a multiple of what one load holds, else one number per lane.
#include <cmath>

#include "cuda/kernels/reductions.h"
#include "cuda/kernels/walk.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kPiece = 16384, kShortItem = 1024;

template <class A>
struct Extremes {
  A low = A(INFINITY), high = -A(INFINITY);
  int nan = 0;

  __device__ __forceinline__ void add(A v) {
    low = v < low ? v : low;
    high = v > high ? v : high;
    nan |= v != v;
  }
};

/// Reduces over the block; thread 0 gets the result.
template <class A>
__device__ __forceinline__ Extremes<A> of_block(const Extremes<A>& mine) {
  __shared__ A lows[32], highs[32];
  __shared__ int nans[32];
  Extremes<A> all;
  all.low = block_reduce(mine.low, Min{}, A(INFINITY), lows);
  all.high = block_reduce(mine.high, Max{}, -A(INFINITY), highs);
  all.nan = block_reduce(mine.nan, Max{}, 0, nans);
  return all;
}

/// std::minmax_element over the item: pairs are compared with each other first, and a NaN loses every
/// comparison.
template <class T>
__device__ __forceinline__ Extremes<Accumulator<T>> in_order(const T* item, const Walk<1>& walk) {
  using A = Accumulator<T>;
  Extremes<A> e;
  e.low = e.high = widen(item[0]);
  for (unsigned i = 1; i < walk.count; i += 2) {
    const A a = i == 1 ? e.low : widen(item[offsets_of(walk, i - 1).at[0]]);
    const A b = widen(item[offsets_of(walk, i).at[0]]);
    const A smaller = b < a ? b : a, larger = b < a ? a : b;
    if (i == 1 || smaller < e.low) e.low = smaller;
    if (i == 1 || !(larger < e.high)) e.high = larger;
  }
  if (walk.count > 1 && walk.count % 2 == 1) {
    const A last = widen(item[offsets_of(walk, walk.count - 1).at[0]]);
    if (last < e.low)
      e.low = last;
    else if (!(last < e.high))
      e.high = last;
  }
  return e;
}

/// kWhole: a piece is an item, and the result is final; else a piece with a NaN returns NaN as its extremes.
template <class T, int kPack, bool kWhole>
__global__ void __launch_bounds__(kThreads)
    extremes_of_pieces(const T* __restrict__ x, T* __restrict__ lows, T* __restrict__ highs, int64_t length,
                       unsigned pieces, const Walk<1> walk) {
  using A = Accumulator<T>;
  const unsigned item = blockIdx.x / pieces;
  const int64_t begin = int64_t(blockIdx.x - item * pieces) * kPiece, left = length - begin;
  const int count = int(left < kPiece ? left : kPiece);
  const T* const numbers = x + item * length;
  const auto* packs = reinterpret_cast<const Pack<T, kPack>*>(numbers + begin);
  Extremes<A> mine;
  for (int i = int(threadIdx.x); i < count / kPack; i += int(blockDim.x)) {
    const Pack<T, kPack> p = packs[i];
    for (int k = 0; k < kPack; ++k) mine.add(widen(p.v[k]));
  }
  Extremes<A> all = of_block(mine);
  if (threadIdx.x != 0) return;
  if (all.nan && kWhole) all = in_order(numbers, walk);
  if (all.nan && !kWhole) all.low = all.high = A(NAN);
  lows[blockIdx.x] = rounded<T>(all.low);
  highs[blockIdx.x] = rounded<T>(all.high);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    extremes_of_items(const T* __restrict__ x, const T* __restrict__ piece_lows,
                      const T* __restrict__ piece_highs, T* __restrict__ lows, T* __restrict__ highs,
                      int64_t length, unsigned pieces, const Walk<1> walk) {
  Extremes<Accumulator<T>> mine;
  for (unsigned i = threadIdx.x; i < pieces; i += kThreads) {
    mine.add(widen(piece_lows[blockIdx.x * int64_t(pieces) + i]));
    mine.add(widen(piece_highs[blockIdx.x * int64_t(pieces) + i]));
  }
  Extremes<Accumulator<T>> all = of_block(mine);
  if (threadIdx.x != 0) return;
  if (all.nan) all = in_order(x + blockIdx.x * length, walk);
  lows[blockIdx.x] = rounded<T>(all.low);
  highs[blockIdx.x] = rounded<T>(all.high);
}

/// Walks an item in row-major order, the last dimension fastest.
Walk<1> row_major(const StridedView& item) {
  Plan<1> p;
  for (int d = item.rank - 1; d >= 0; --d) {
    p.size[p.rank] = item.size[d];
    p.stride[0][p.rank++] = item.stride[d];
  }
  return make_walk(p);
}

int64_t pieces_of(int64_t length) { return ceil_div(length, kPiece); }

template <class T, int kPack, bool kWhole>
void launch_pieces(const T* x, T* lows, T* highs, int64_t items, const Walk<1>& walk, DeviceStream stream) {
  const int64_t length = walk.count, pieces = pieces_of(length);
  CAWE_LAUNCH((extremes_of_pieces<T, kPack, kWhole>), unsigned(items * pieces),
              length <= kShortItem ? 32 : kThreads, 0, stream, x, lows, highs, length, unsigned(pieces),
              walk);
}

template <class T, bool kWhole>
void launch_pieces(const T* x, T* lows, T* highs, int64_t items, const Walk<1>& walk, DeviceStream stream) {
  if (walk.count % kPerLoad<T> == 0 && is_aligned(x))
    launch_pieces<T, kPerLoad<T>, kWhole>(x, lows, highs, items, walk, stream);
  else
    launch_pieces<T, 1, kWhole>(x, lows, highs, items, walk, stream);
}

}  // namespace

int64_t min_max_scratch(Number number, int64_t items, int64_t length) {
  const int64_t pieces = pieces_of(length), size = number == Number::f64 ? 8 : 4;
  return pieces > 1 ? 2 * items * pieces * size : 0;
}

void min_max(Number number, const void* x, const StridedView& item, int64_t items, void* low, void* high,
             void* scratch, DeviceStream stream) {
  const Walk<1> walk = row_major(item);
  if (items == 0 || walk.count == 0) return;
  const int64_t length = walk.count, pieces = pieces_of(length);
  CAWE_DISPATCH(number, T, {
    const T* const from = static_cast<const T*>(x);
    T* const lows = static_cast<T*>(low);
    T* const highs = static_cast<T*>(high);
    if (pieces == 1) {
      launch_pieces<T, true>(from, lows, highs, items, walk, stream);
      return;
    }
    T* const piece_lows = static_cast<T*>(scratch);
    T* const piece_highs = piece_lows + items * pieces;
    launch_pieces<T, false>(from, piece_lows, piece_highs, items, walk, stream);
    CAWE_LAUNCH(extremes_of_items<T>, unsigned(items), kThreads, 0, stream, from, piece_lows, piece_highs,
                lows, highs, length, unsigned(pieces), walk);
  })
}

}  // namespace CAWE_DEVICE
