// SPDX-License-Identifier: Apache-2.0
// The k largest numbers of several segments at once, in order.
//
// Up to 2,048 numbers per segment, and for k above 2,048: sort them all, keep the first k. Else radix select.
// 8 bits of the keys at a time, from the top: count how many items share the bits chosen so far, choose the
// digit in which the k-th item lies. Equal keys are told apart by the digits of their positions. What does
// not follow the k-th item is then written in any order, and sorted.
//
// Bytes     n numbers of e bytes: at most (e + 4) e n + e n read: each digit, then the gathering; 8 k
//           written. A digit that holds no more items than are wanted ends the search, for most inputs after
//           two or three.
// FLOPs     none.
// Launch    select: tiles of 4,096 numbers by 256 threads, one kernel per digit (e of the key, at most 4 of
//           the position); the last block of a segment chooses the digit.
// Numerics  exact and the same in every run: atomics count integers, or hand out places before the sort.
// Loads     one number per lane, neighbours together.
// Source    Alabi et al. 2012, k-selection on GPUs.
#include "cuda/kernels/detection_top_k.h"

#include "cuda/kernels/scratch.h"
#include "cuda/kernels/sort.cuh"
#include "cuda/kernels/sort.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 256, kTile = 4096, kBuckets = 256;

/// What is known of the k-th item: its digits found so far, then zeros. Once `done`, then ones: every item
/// that does not follow it is taken.
template <class Key>
struct Known {
  Key key;
  uint32_t index;
  uint32_t want;  ///< items to take among those that begin with these digits
  uint32_t done;
};

/// One digit of an item: first the key's, from the top, then the position's.
template <class Key>
struct Digit {
  bool of_key;
  int shift;
  __device__ __forceinline__ uint32_t of(const Item<Key>& item) const {
    return uint32_t(of_key ? uint32_t(item.key >> shift) : item.index >> shift) % kBuckets;
  }
  /// True where the item's digits above this one equal the known item's.
  __device__ __forceinline__ bool shares_prefix(const Item<Key>& item, Key key, uint32_t index) const {
    if (of_key) return (item.key ^ key) >> shift >> 8 == 0;
    return (item.key == key) & ((item.index ^ index) >> shift >> 8 == 0);
  }
};

template <class Key>
struct Selection {
  Known<Key>* known;  ///< [segments, digits + 1]
  uint32_t* counts;   ///< [segments, digits, 256]
  uint32_t* tickets;  ///< [segments, digits]
  uint32_t* taken;    ///< [segments]
  Key* keys;          ///< [segments, k]
  uint32_t* indices;  ///< [segments, k]
  int digits;
};

template <class Key>
__global__ void __launch_bounds__(kThreads) select_begin(Selection<Key> to, Segments segments, uint32_t k) {
  const int64_t s = blockIdx.x;
  for (int digit = 0; digit < to.digits; ++digit) {
    to.counts[(s * to.digits + digit) * kBuckets + threadIdx.x] = 0;
    if (threadIdx.x == 0) to.tickets[s * to.digits + digit] = 0;
  }
  if (threadIdx.x != 0) return;
  to.taken[s] = 0;
  const bool all = size_of(segments, s) <= k;
  Known<Key>& first = to.known[s * (to.digits + 1)];
  first.key = all ? Key(~Key(0)) : Key(0);
  first.index = all ? ~0u : 0u;
  first.want = k;
  first.done = all;
}

/// Counts one digit of the items that share the known digits; the last block of a segment to finish chooses
/// the next digit.
template <class T>
__global__ void __launch_bounds__(kThreads)
    select_digit(ByValue<T> source, Selection<Bits<T>> to, int number, Digit<Bits<T>> digit) {
  using Key = Bits<T>;
  __shared__ uint32_t bins[kBuckets], partial[8];
  __shared__ bool last;
  const int64_t s = blockIdx.y;
  const Known<Key>& known = to.known[s * (to.digits + 1) + number];
  Known<Key>& next = to.known[s * (to.digits + 1) + number + 1];
  const Key key = known.key;
  const uint32_t index = known.index, want = known.want;
  if (known.done != 0) {
    if (blockIdx.x == 0 && threadIdx.x == 0) {
      next.key = key;
      next.index = index;
      next.want = want;
      next.done = 1;
    }
    return;
  }
  bins[threadIdx.x] = 0;
  __syncthreads();
  const int64_t begin = source.begin(s);
  const uint32_t size = source.size(s), first = blockIdx.x * kTile;
  for (uint32_t i = first + threadIdx.x; i < size && i < first + kTile; i += kThreads) {
    const Item<Key> item = source.item(begin, i);
    if (!digit.shares_prefix(item, key, index)) continue;
    atomicAdd(&bins[digit.of(item)], 1u);
  }
  __syncthreads();
  uint32_t* counts = to.counts + (s * to.digits + number) * kBuckets;
  if (bins[threadIdx.x] != 0) atomicAdd(&counts[threadIdx.x], bins[threadIdx.x]);
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicAdd(&to.tickets[s * to.digits + number], 1u) == gridDim.x - 1;
  __syncthreads();
  if (!last) return;
  const uint32_t here = counts[threadIdx.x], before = exclusive_sum_of_256(here, partial);
  if (before >= want || want > before + here) return;  // exactly one thread goes on
  const bool all = want == before + here;
  const Key below = all ? Key((Key(1) << digit.shift) - 1) : Key(0);
  next.key = digit.of_key ? Key(key | Key(threadIdx.x) << digit.shift | below) : key;
  next.index =
      digit.of_key ? (all ? ~0u : 0u) : uint32_t(index | threadIdx.x << digit.shift | uint32_t(below));
  next.want = want - before;
  next.done = all;
}

/// Writes the items up to the k-th, those of a warp together, the warps in any order.
template <class T>
__global__ void __launch_bounds__(kThreads)
    select_gather(ByValue<T> source, Selection<Bits<T>> to, uint32_t k) {
  using Key = Bits<T>;
  const int64_t s = blockIdx.y, begin = source.begin(s);
  const uint32_t size = source.size(s), first = blockIdx.x * kTile, lane = threadIdx.x % 32;
  const Known<Key>& known = to.known[s * (to.digits + 1) + to.digits];
  const Item<Key> last{known.key, known.index};
  for (uint32_t round = 0; round < kTile / kThreads; ++round) {
    const uint32_t i = first + round * kThreads + threadIdx.x;
    Item<Key> item{0, 0};
    if (i < size) item = source.item(begin, i);
    const bool take = i < size && !precedes(last, item);
    const unsigned takers = __ballot_sync(0xffffffffu, take);
    if (takers == 0) continue;
    uint32_t at = 0;
    if (lane == 0) at = atomicAdd(&to.taken[s], uint32_t(__popc(takers)));
    at = __shfl_sync(0xffffffffu, at, 0) + __popc(takers & ((1u << lane) - 1));
    if (!take) continue;
    to.keys[s * k + at] = item.key;
    to.indices[s * k + at] = item.index;
  }
}

/// Copies the first k of each segment's full order [segments, longest].
__global__ void __launch_bounds__(kThreads)
    take_first(const int64_t* __restrict__ order, int64_t longest, int64_t k, int64_t* __restrict__ out) {
  const int64_t s = blockIdx.y, i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < k) out[s * k + i] = order[s * longest + i];
}

int digits_of(int64_t longest, size_t key_bytes) {
  int digits = int(key_bytes);
  for (int64_t positions = longest - 1; positions > 0; positions >>= 8) ++digits;
  return digits;
}

template <class Key>
Selection<Key> cut(Scratch& scratch, const Segments& g, int64_t k) {
  Selection<Key> to;
  to.digits = digits_of(g.longest, sizeof(Key));
  to.known = scratch.take<Known<Key>>(g.count * (to.digits + 1));
  to.counts = scratch.take<uint32_t>(g.count * to.digits * kBuckets);
  to.tickets = scratch.take<uint32_t>(g.count * to.digits);
  to.taken = scratch.take<uint32_t>(g.count);
  to.keys = scratch.take<Key>(g.count * k);
  to.indices = scratch.take<uint32_t>(g.count * k);
  return to;
}

template <class T>
void select(const T* x, const Segments& g, int64_t k, int64_t* out, void* memory, DeviceStream stream) {
  using Key = Bits<T>;
  Scratch scratch(memory);
  const Selection<Key> to = cut<Key>(scratch, g, k);
  const ByValue<T> source{x, g};
  const dim3 grid(unsigned((g.longest + kTile - 1) / kTile), unsigned(g.count));
  CAWE_LAUNCH(select_begin<Key>, unsigned(g.count), kThreads, 0, stream, to, g, uint32_t(k));
  for (int number = 0; number < to.digits; ++number) {
    const bool of_key = number < int(sizeof(Key));
    const Digit<Key> digit{of_key, 8 * ((of_key ? int(sizeof(Key)) : to.digits) - 1 - number)};
    CAWE_LAUNCH(select_digit<T>, grid, kThreads, 0, stream, source, to, number, digit);
  }
  CAWE_LAUNCH(select_gather<T>, grid, kThreads, 0, stream, source, to, uint32_t(k));
  sort_short_keys(sizeof(T) == 8 ? Number::f64 : Number::f32, to.keys, to.indices, g, k, out, stream);
}

bool sorts_all(const Segments& g, int64_t k) {
  return g.longest > kMostSortedAtOnce && k > kMostSortedAtOnce;
}
bool selects(const Segments& g, int64_t k) { return g.longest > kMostSortedAtOnce && k <= kMostSortedAtOnce; }

}  // namespace

size_t top_k_scratch(Number number, const Segments& g, int64_t k) {
  Scratch scratch(nullptr);
  if (sorts_all(g, k)) {
    scratch.take<int64_t>(g.count * g.longest);
    scratch.take<char>(int64_t(argsort_scratch(number, g)));
  } else if (selects(g, k)) {
    CAWE_DISPATCH_EXACT(number, T, cut<Bits<T>>(scratch, g, k))
  }
  return scratch.used;
}

void top_k(Number number, const void* x, const Segments& g, int64_t k, int64_t* out, void* memory,
           DeviceStream stream) {
  if (g.count == 0 || k == 0) return;
  if (sorts_all(g, k)) {
    Scratch scratch(memory);
    int64_t* order = scratch.take<int64_t>(g.count * g.longest);
    argsort_descending(number, x, g, order, scratch.take<char>(int64_t(argsort_scratch(number, g))), stream);
    const dim3 grid(unsigned((k + kThreads - 1) / kThreads), unsigned(g.count));
    CAWE_LAUNCH(take_first, grid, kThreads, 0, stream, order, g.longest, k, out);
    return;
  }
  if (selects(g, k))
    CAWE_DISPATCH_EXACT(number, T, select(static_cast<const T*>(x), g, k, out, memory, stream))
  else
    sort_short(number, x, g, k, out, stream);
}

}  // namespace CAWE_DEVICE
