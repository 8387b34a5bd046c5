// SPDX-License-Identifier: Apache-2.0
// Argsort of segments of at most 2,048 items: a block sorts a segment without leaving the chip.
// Argsort of segments of at most 2,048 items: a block sorts a segment in registers and shared memory.
// Bytes     n numbers of e bytes: read e n, write 8 bytes for each position asked for.
// FLOPs     none; log2(n) (log2(n) + 1) / 2 comparisons per item.
// Launch    one block per segment; one thread per item, two above 1,024. The list is filled up to a power of
//           two.
// Numerics  exact. Positions are compared where keys are equal, so that no two items are: one result.
// Loads     one number per lane. Partners less than 32 apart are lanes of a warp and exchange by shuffles.
//           The log2(n / 32) (log2(n / 32) + 1) / 2 wider steps go through shared memory, keys and positions
//           apart: no bank conflicts.
// Source    Batcher 1968, sorting networks.
#include "cuda/kernels/sort.cuh"
#include "cuda/kernels/sort.h"

namespace CAWE_DEVICE {
namespace {

// Item i of the list is held by thread i % blockDim.x in register i / blockDim.x.

/// Partners in one warp exchange by shuffles, in one thread through registers, others through shared memory.
template <class Key, int kPer>
__device__ __forceinline__ void bitonic_step(Item<Key> (&mine)[kPer], unsigned k, unsigned j, Key* keys,
                                             uint32_t* indices) {
  if (j >= 32 && j < blockDim.x) {
    for (int r = 0; r < kPer; ++r) {
      keys[threadIdx.x + r * blockDim.x] = mine[r].key;
      indices[threadIdx.x + r * blockDim.x] = mine[r].index;
    }
    __syncthreads();
  }
  Item<Key> other[kPer];
  for (int r = 0; r < kPer; ++r) {
    const unsigned partner = (threadIdx.x + r * blockDim.x) ^ j;
    if (j < 32)
      other[r] = partner_of(mine[r], int(j));
    else if (j < blockDim.x)
      other[r] = {keys[partner], indices[partner]};
    else
      other[r] = mine[kPer - 1 - r];
  }
  for (int r = 0; r < kPer; ++r) {
    const unsigned i = threadIdx.x + r * blockDim.x;
    const bool wants_smaller = ((i & k) == 0) == ((i & j) == 0);
    mine[r] = chosen(precedes(other[r], mine[r]) == wants_smaller, other[r], mine[r]);
  }
  if (j >= 32 && j < blockDim.x) __syncthreads();
}

/// One block sorts a segment of at most blockDim.x * kPer items: out[s, take] gets the first `take` positions
/// in x, -1 after the segment's last.
template <class Source, int kPer>
__global__ void __launch_bounds__(1024)
    sort_in_block(Source source, Segments segments, int64_t take, int64_t* __restrict__ out) {
  using Key = typename Source::Key;
  SIMT_DYN_SHARED(unsigned char, shared);
  Key* keys = reinterpret_cast<Key*>(shared);
  const unsigned n = blockDim.x * kPer;
  uint32_t* indices = reinterpret_cast<uint32_t*>(keys + n);
  const int64_t s = blockIdx.x, from = source.begin(s), begin = begin_of(segments, s);
  const uint32_t size = source.size(s);
  Item<Key> mine[kPer];
  for (int r = 0; r < kPer; ++r) {
    const uint32_t i = threadIdx.x + r * blockDim.x;
    if (i < size)
      mine[r] = source.item(from, i);
    else
      // Padding: sorts after everything, and no two are equal.
      mine[r] = {Key(~Key(0)), ~0u - n + i};
  }
  for (unsigned k = 2; k <= n; k *= 2)
    for (unsigned j = k / 2; j > 0; j /= 2) bitonic_step<Key, kPer>(mine, k, j, keys, indices);
  for (int r = 0; r < kPer; ++r) {
    const uint32_t i = threadIdx.x + r * blockDim.x;
    if (i < take) out[s * take + i] = i < size ? begin + mine[r].index : -1;
  }
}

/// `most`: no segment of the source has more items, and `take` is not above it. `segments` gives where
/// positions in x begin.
template <class Source>
void launch_sort(const Source& source, const Segments& segments, int64_t most, int64_t take, int64_t* out,
                 DeviceStream stream) {
  int64_t n = 32;
  while (n < most) n *= 2;
  const size_t shared = size_t(n) * (sizeof(typename Source::Key) + sizeof(uint32_t));
  const unsigned blocks = unsigned(segments.count);
  if (n <= 1024)
    CAWE_LAUNCH((sort_in_block<Source, 1>), blocks, unsigned(n), shared, stream, source, segments, take, out);
  else
    CAWE_LAUNCH((sort_in_block<Source, 2>), blocks, 1024u, shared, stream, source, segments, take, out);
}

}  // namespace

void sort_short(Number number, const void* x, const Segments& g, int64_t take, int64_t* out,
                DeviceStream stream) {
  CAWE_DISPATCH_EXACT(number, T,
                      launch_sort(ByValue<T>{static_cast<const T*>(x), g}, g, g.longest, take, out, stream))
}

void sort_short_keys(Number number, const void* keys, const uint32_t* indices, const Segments& g, int64_t k,
                     int64_t* out, DeviceStream stream) {
  CAWE_DISPATCH_EXACT(number, T, {
    using Key = Bits<T>;
    launch_sort(ByKey<Key>{static_cast<const Key*>(keys), indices, g, k}, g, k, k, out, stream);
  })
}

void sort_short_rows(const int64_t* index, int64_t n, int64_t rows, int64_t* order, DeviceStream stream) {
  launch_sort(ByRow{index, rows, n}, {1, n, nullptr, nullptr}, n, n, order, stream);
}

}  // namespace CAWE_DEVICE
