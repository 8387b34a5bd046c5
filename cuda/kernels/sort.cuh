// SPDX-License-Identifier: Apache-2.0
// Shared by argsort and top-k: keys, and the sources of items.
#pragma once

#include "cuda/kernels/deciding.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

/// Unsigned keys whose ascending order is the numbers' descending order. -0 equals +0; NaN comes last.
/// Without a branch, by which the lanes of a warp would diverge.
template <class Key>
__device__ __forceinline__ Key descending_bits(Key bits, bool is_nan) {
  constexpr Key kSign = Key(1) << (8 * sizeof(Key) - 1);
  const Key negative = Key(0) - (bits / kSign);  // all bits set, or none
  return (bits ^ (~negative & (kSign - 1))) | (Key(0) - Key(is_nan));
}
__device__ __forceinline__ uint32_t descending_key(float x) {
  const float one_zero = x + 0.f;  // -0 becomes +0, other numbers stay
  return descending_bits(bits_of(one_zero), x != x);
}
__device__ __forceinline__ unsigned long long descending_key(double x) {
  const double one_zero = x + 0.;
  return descending_bits(bits_of(one_zero), x != x);
}

/// What is sorted: the key, then the position within the segment, so that no two items are equal.
template <class Key>
struct Item {
  Key key;
  uint32_t index;
};
template <class Key>
__device__ __forceinline__ bool precedes(const Item<Key>& a, const Item<Key>& b) {
  return (a.key < b.key) | ((a.key == b.key) & (a.index < b.index));
}
/// The item of the lane whose index differs from the caller's in these bits.
__device__ __forceinline__ Item<uint32_t> partner_of(const Item<uint32_t>& mine, int bits) {
  const unsigned long long both = static_cast<unsigned long long>(mine.key) << 32 | mine.index;
  const unsigned long long other = __shfl_xor_sync(0xffffffffu, both, bits);
  return {uint32_t(other >> 32), uint32_t(other)};
}
__device__ __forceinline__ Item<unsigned long long> partner_of(const Item<unsigned long long>& mine,
                                                               int bits) {
  return {__shfl_xor_sync(0xffffffffu, mine.key, bits), __shfl_xor_sync(0xffffffffu, mine.index, bits)};
}
template <class Key>
__device__ __forceinline__ Item<Key> chosen(bool first, const Item<Key>& a, const Item<Key>& b) {
  return {first ? a.key : b.key, first ? a.index : b.index};
}

// --- sources of items
/// Numbers, largest first.
template <class T>
struct ByValue {
  using Key = Bits<T>;
  const T* x;
  Segments segments;
  __device__ __forceinline__ int64_t begin(int64_t s) const { return begin_of(segments, s); }
  __device__ __forceinline__ uint32_t size(int64_t s) const { return size_of(segments, s); }
  __device__ __forceinline__ Key key(int64_t begin, uint32_t i) const { return descending_key(x[begin + i]); }
  __device__ __forceinline__ Item<Key> item(int64_t begin, uint32_t i) const { return {key(begin, i), i}; }
};

/// Keys that an earlier kernel wrote, with the positions that belong to them; segment s from s * stride on.
template <class Key_>
struct ByKey {
  using Key = Key_;
  const Key* keys;
  const uint32_t* indices;
  Segments segments;
  int64_t stride;
  __device__ __forceinline__ int64_t begin(int64_t s) const { return s * stride; }
  __device__ __forceinline__ uint32_t size(int64_t s) const {
    const uint32_t size = size_of(segments, s);
    return size < stride ? size : uint32_t(stride);
  }
  __device__ __forceinline__ Key key(int64_t begin, uint32_t i) const { return keys[begin + i]; }
  __device__ __forceinline__ Item<Key> item(int64_t begin, uint32_t i) const {
    return {keys[begin + i], indices[begin + i]};
  }
};

/// Row indices, smallest first; all those outside [0, rows) count as `rows`.
struct ByRow {
  using Key = uint32_t;
  const int64_t* index;
  int64_t rows, n;
  __device__ __forceinline__ int64_t begin(int64_t) const { return 0; }
  __device__ __forceinline__ uint32_t size(int64_t) const { return uint32_t(n); }
  __device__ __forceinline__ uint32_t key(int64_t, uint32_t i) const {
    const int64_t row = index[i];
    return uint32_t(row >= 0 && row < rows ? row : rows);
  }
  __device__ __forceinline__ Item<uint32_t> item(int64_t, uint32_t i) const { return {key(0, i), i}; }
};

/// Exclusive prefix sum over 256 threads in x (whole warps), the same for every threadIdx.y. `partial` is
/// shared memory for 8 values of this y. All threads of the block must call it.
__device__ __forceinline__ uint32_t exclusive_sum_of_256(uint32_t value, uint32_t* partial) {
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  uint32_t sum = value;
  for (unsigned distance = 1; distance < 32; distance *= 2) {
    const uint32_t below = __shfl_up_sync(0xffffffffu, sum, distance);
    if (lane >= distance) sum += below;
  }
  if (lane == 31) partial[warp] = sum;
  __syncthreads();
  for (unsigned w = 0; w < warp; ++w) sum += partial[w];
  return sum - value;
}

}  // namespace
}  // namespace CAWE_DEVICE
