// SPDX-License-Identifier: Apache-2.0
// Stable argsort of several segments at once by radix sort. Segments of at most 2,048 items: sort_short.cu.
//
// Bytes     n numbers of e bytes, keys of e bytes (row numbers: 4). e passes of 8 bits (row numbers: 2 to 4):
//           a pass reads the keys twice and the positions once and writes both, (3 e + 8) n, and 1,024 bytes
//           of counters per tile, twice over. The last pass writes 8 n of order instead.
// FLOPs     none.
// Launch    tiles of 2,048 items by 256 threads; three kernels per pass: count, add up, move.
// Numerics  exact. Passes keep the order of equal digits: one result. Atomics only count, integers in shared
//           memory.
// Loads     one number per lane. A tile is put in order in shared memory first, so that a warp stores runs:
//           for random digits runs of 8 items, 2 sectors where a scattered store would take 8.
// Source    Merrill and Grimshaw 2011, radix sort on GPUs.
#include "cuda/kernels/sort.h"

#include "cuda/kernels/scratch.h"
#include "cuda/kernels/sort.cuh"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32, kPerThread = 8, kTile = kThreads * kPerThread;
constexpr int kBuckets = 256;

template <class Key>
__device__ __forceinline__ uint32_t digit_of(Key key, int shift) {
  return uint32_t(key >> shift) % kBuckets;
}

/// counts[s, tile, digit]
template <class Source>
__global__ void __launch_bounds__(kThreads)
    radix_count(Source source, int shift, uint32_t* __restrict__ counts) {
  __shared__ uint32_t bins[kBuckets];
  const int64_t s = blockIdx.y, from = source.begin(s);
  const uint32_t size = source.size(s), first = blockIdx.x * kTile;
  bins[threadIdx.x] = 0;
  __syncthreads();
  for (uint32_t i = first + threadIdx.x; i < size && i < first + kTile; i += kThreads)
    atomicAdd(&bins[digit_of(source.key(from, i), shift)], 1u);
  __syncthreads();
  counts[(s * gridDim.x + blockIdx.x) * kBuckets + threadIdx.x] = bins[threadIdx.x];
}

/// Turns counts into the position in its segment where each tile's items of a digit begin. Block (256 digits,
/// 4 quarters of the tiles).
__global__ void __launch_bounds__(4 * kBuckets) radix_begins(uint32_t* __restrict__ counts, int tiles) {
  __shared__ uint32_t quarter_sum[4][kBuckets], partial[4][8];
  const unsigned digit = threadIdx.x, quarter = threadIdx.y;
  uint32_t* mine = counts + int64_t(blockIdx.x) * tiles * kBuckets + digit;
  const int each = (tiles + 3) / 4, first = int(quarter) * each,
            end = first + each < tiles ? first + each : tiles;
  uint32_t sum = 0;
  for (int tile = first; tile < end; ++tile) sum += mine[int64_t(tile) * kBuckets];
  quarter_sum[quarter][digit] = sum;
  __syncthreads();
  uint32_t total = 0, before = 0;
  for (unsigned q = 0; q < 4; ++q) {
    if (q == quarter) before = total;
    total += quarter_sum[q][digit];
  }
  before += exclusive_sum_of_256(total, partial[quarter]);
  for (int tile = first; tile < end; ++tile) {
    const uint32_t here = mine[int64_t(tile) * kBuckets];
    mine[int64_t(tile) * kBuckets] = before;
    before += here;
  }
}

/// The lanes of `among` that have the caller's digit.
__device__ __forceinline__ unsigned lanes_with_same(uint32_t digit, unsigned among) {
  unsigned same = among;
  for (int bit = 0; bit < 8; ++bit) {
    const unsigned votes = __ballot_sync(0xffffffffu, int(digit >> bit & 1));
    same &= (digit >> bit & 1) != 0 ? votes : ~votes;
  }
  return same;
}

/// A tile in shared memory.
template <class Key>
struct Tile {
  Key keys[kTile];
  uint32_t indices[kTile];
  /// Per warp: its items of each digit; later those of the warps before it.
  uint32_t counts[kWarps][kBuckets];
  uint32_t begins[kBuckets];  ///< where a digit begins in the tile
  uint32_t partial[8];
};

/// Moves a tile's items to their positions by one digit. Warp w holds items 256 w to 256 w + 255 of the tile,
/// 32 at a time, so that tile, warp, round and lane together give the old order.
template <class Source, bool kLast>
__global__ void __launch_bounds__(kThreads)
    radix_scatter(Source source, Segments segments, int shift, const uint32_t* __restrict__ begins,
                  typename Source::Key* __restrict__ keys_out, uint32_t* __restrict__ indices_out,
                  int64_t* __restrict__ order) {
  using Key = typename Source::Key;
  SIMT_DYN_SHARED(Tile<Key>, tile);
  const int64_t s = blockIdx.y, from = source.begin(s);
  const uint32_t size = source.size(s), first = blockIdx.x * kTile;
  if (kLast)
    for (uint32_t i = first + threadIdx.x; i < first + kTile && i < segments.longest; i += kThreads)
      if (i >= size) order[s * segments.longest + i] = -1;
  if (first >= size) return;
  const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  for (int w = 0; w < kWarps; ++w) tile->counts[w][threadIdx.x] = 0;
  __syncthreads();
  Item<Key> mine[kPerThread];
  uint32_t rank[kPerThread];  // among the warp's items of that digit
  for (int r = 0; r < kPerThread; ++r) {
    const uint32_t i = first + warp * (kTile / kWarps) + r * 32 + lane;
    const bool there = i < size;
    if (there)
      mine[r] = source.item(from, i);
    else
      mine[r] = {0, 0};
    const uint32_t digit = digit_of(mine[r].key, shift);
    const unsigned same = lanes_with_same(digit, __ballot_sync(0xffffffffu, there));
    uint32_t& count = tile->counts[warp][digit];
    if (there) rank[r] = count + __popc(same & ((1u << lane) - 1));
    __syncwarp();
    if (there && int(lane) == __ffs(int(same)) - 1) count += __popc(same);
    __syncwarp();
  }
  __syncthreads();
  uint32_t total = 0;
  for (int w = 0; w < kWarps; ++w) {
    const uint32_t here = tile->counts[w][threadIdx.x];
    tile->counts[w][threadIdx.x] = total;
    total += here;
  }
  tile->begins[threadIdx.x] = exclusive_sum_of_256(total, tile->partial);
  __syncthreads();
  for (int r = 0; r < kPerThread; ++r) {
    if (first + warp * (kTile / kWarps) + r * 32 + lane >= size) continue;
    const uint32_t digit = digit_of(mine[r].key, shift);
    const uint32_t at = tile->begins[digit] + tile->counts[warp][digit] + rank[r];
    tile->keys[at] = mine[r].key;
    tile->indices[at] = mine[r].index;
  }
  __syncthreads();
  begins += (s * gridDim.x + blockIdx.x) * kBuckets;
  const int64_t begin = begin_of(segments, s);
  for (uint32_t at = threadIdx.x; at < kTile && first + at < size; at += kThreads) {
    const Key key = tile->keys[at];
    const uint32_t digit = digit_of(key, shift), to = begins[digit] + (at - tile->begins[digit]);
    if (kLast) {
      order[s * segments.longest + to] = begin + tile->indices[at];
    } else {
      keys_out[s * segments.longest + to] = key;
      indices_out[s * segments.longest + to] = tile->indices[at];
    }
  }
}

/// Two sets of keys and positions, used in turn, and counters.
template <class Key>
struct Buffers {
  Key* keys[2];
  uint32_t* indices[2];
  uint32_t* counts;
};

int64_t tiles_of(int64_t longest) { return (longest + kTile - 1) / kTile; }

template <class Key>
Buffers<Key> cut(Scratch& scratch, const Segments& g) {
  const int64_t n = g.count * g.longest;
  Buffers<Key> b;
  for (Key*& keys : b.keys) keys = scratch.take<Key>(n);
  for (uint32_t*& indices : b.indices) indices = scratch.take<uint32_t>(n);
  b.counts = scratch.take<uint32_t>(g.count * tiles_of(g.longest) * kBuckets);
  return b;
}

template <bool kLast, class Source>
void radix_pass(const Source& source, const Segments& g, int pass, const Buffers<typename Source::Key>& b,
                int64_t* order, DeviceStream stream) {
  const int64_t tiles = tiles_of(g.longest);
  const dim3 grid(unsigned(tiles), unsigned(g.count));
  CAWE_LAUNCH(radix_count<Source>, grid, kThreads, 0, stream, source, 8 * pass, b.counts);
  CAWE_LAUNCH(radix_begins, unsigned(g.count), dim3(kBuckets, 4), 0, stream, b.counts, int(tiles));
  CAWE_LAUNCH((radix_scatter<Source, kLast>), grid, kThreads, sizeof(Tile<typename Source::Key>), stream,
              source, g, 8 * pass, b.counts, b.keys[pass % 2], b.indices[pass % 2], order);
}

template <class Source>
void radix_sort(const Source& source, const Segments& g, int passes, int64_t* order, void* memory,
                DeviceStream stream) {
  using Key = typename Source::Key;
  Scratch scratch(memory);
  const Buffers<Key> b = cut<Key>(scratch, g);
  radix_pass<false>(source, g, 0, b, order, stream);
  for (int pass = 1; pass < passes; ++pass) {
    const ByKey<Key> from{b.keys[1 - pass % 2], b.indices[1 - pass % 2], g, g.longest};
    if (pass + 1 < passes)
      radix_pass<false>(from, g, pass, b, order, stream);
    else
      radix_pass<true>(from, g, pass, b, order, stream);
  }
}

template <class Key>
size_t scratch_of(const Segments& g) {
  Scratch scratch(nullptr);
  if (g.longest > kMostSortedAtOnce) cut<Key>(scratch, g);
  return scratch.used;
}

}  // namespace

size_t argsort_scratch(Number number, const Segments& g) {
  return number == Number::f64 ? scratch_of<Bits<double>>(g) : scratch_of<uint32_t>(g);
}

void argsort_descending(Number number, const void* x, const Segments& g, int64_t* order, void* scratch,
                        DeviceStream stream) {
  if (g.count == 0 || g.longest == 0) return;
  if (g.longest <= kMostSortedAtOnce) {
    sort_short(number, x, g, g.longest, order, stream);
    return;
  }
  CAWE_DISPATCH_EXACT(
      number, T,
      radix_sort(ByValue<T>{static_cast<const T*>(x), g}, g, int(sizeof(T)), order, scratch, stream))
}

size_t argsort_rows_scratch(int64_t n) { return scratch_of<uint32_t>({1, n, nullptr, nullptr}); }

void argsort_rows(const int64_t* index, int64_t n, int64_t rows, int64_t* order, void* scratch,
                  DeviceStream stream) {
  if (n == 0) return;
  if (n <= kMostSortedAtOnce) {
    sort_short_rows(index, n, rows, order, stream);
    return;
  }
  // As many as the digits of `rows`, which stands for every index out of range.
  int passes = 2;
  while (passes < 4 && rows >> 8 * passes != 0) ++passes;
  radix_sort(ByRow{index, rows, n}, {1, n, nullptr, nullptr}, passes, order, scratch, stream);
}

}  // namespace CAWE_DEVICE
