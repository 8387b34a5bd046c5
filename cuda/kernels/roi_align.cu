// SPDX-License-Identifier: Apache-2.0
// RoIAlign over a pyramid and its gradient. Source: He et al. 2017, arXiv 1703.06870, with torchvision's
// conventions (tensor/roi_bins.h has them).
//
// Bytes     K regions, P x P bins. Forward: read the cells that are touched and 24K, write K·P²·C·e.
//           Gradient: read K·P²·C·e and 24K, write the whole pyramid, untouched cells as zeros: nothing
//           clears it before. Shares: written and read, 8 (f64: 16) each, 4 for each bin and axis.
// FLOPs     2 for each cell that a bin takes a share of, each way: up to 32 per output with 2 x 2 samples.
// Launch    First the shares: a thread for a bin of one axis of a region. Its samples' places are worked out
//           in double, which most GPUs are slow at, once for all channels; those on the same row or column
//           are joined. Forward: a thread for a bin and a pack of channels. Gradient: a block for a tile of 8
//           columns and, by the number of channels, 8 to 32 rows; a thread sums its row of the tile for a
//           pack of channels.
// Numerics  f32 sums (f64 for f64). Gradient: a gather, no atomics. A cell's sum goes over the regions in
//           their order, then bin rows, then bin columns, whatever the grid: the same bits in every run.
// Loads     Up to 128 bits; the lanes of a warp lie side by side in the channels, so that sectors are whole.
//           Shares: one for all lanes. Shared memory: a row's share is one word for all lanes, and so are a
//           column's.
#include "cuda/kernels/roi_align.h"

#include "cuda/kernels/cells.cuh"
#include "cuda/kernels/scratch.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kWarps = kThreads / 32;

/// The weight that a bin gives to a row or column of cells.
template <class A>
struct alignas(2 * sizeof(A)) Share {
  int cell;
  A weight;
};

/// Weights of all bins: weight `s` of bin b at [s * bins + b], with b = (2 region + axis) * pooled + bin;
/// axis 0 is vertical.
template <class A>
struct ShareTable {
  Share<A>* shares;
  int* counts;
  int bins;
};

__device__ __forceinline__ bool is_on(const RoiPyramid& pyramid, const Pack<int, 2>& place) {
  return place.v[0] >= 0 && place.v[0] < pyramid.n && place.v[1] >= 0 && place.v[1] < pyramid.levels;
}

/// roi_axis() of tensor/roi_bins.h, bit for bit.
struct Axis {
  double start, bin;
  int samples;
};
__device__ __forceinline__ Axis axis_of(float low, float high, double scale, const RoiRule& rule) {
  const double shift = rule.aligned ? 0.5 : 0.0;
  const double start = __dsub_rn(__dmul_rn(double(low), scale), shift),
               end = __dsub_rn(__dmul_rn(double(high), scale), shift);
  double size = __dsub_rn(end, start);
  if (!rule.aligned && !(size >= 1.0)) size = 1.0;
  const double bin = __ddiv_rn(size, double(rule.pooled));
  if (rule.sampling > 0) return {start, bin, rule.sampling};
  return {start, bin, bin > 0 ? int(::ceil(bin < 1048576.0 ? bin : 1048576.0)) : 0};
}

/// Collects a bin's weights as its samples come and joins those of the same cell; samples move in one
/// direction, so only the last two can be of the same cell.
template <class A>
struct Joiner {
  const ShareTable<A>& table;
  int bin, count = 0;
  int cell[2] = {-1, -1};
  double weight[2] = {};

  __device__ __forceinline__ void store(int which, int at) {
    table.shares[int64_t(at) * table.bins + bin] = {cell[which], A(weight[which])};
  }
  __device__ __forceinline__ void add(int to, double w) {
    if (to == cell[0]) {
      weight[0] += w;
      return;
    }
    if (to == cell[1]) {
      weight[1] += w;
      return;
    }
    if (count > 1) store(0, count - 2);
    cell[0] = cell[1];
    weight[0] = weight[1];
    cell[1] = to;
    weight[1] = w;
    ++count;
  }
  __device__ __forceinline__ void finish() {
    if (count > 1) store(0, count - 2);
    if (count > 0) store(1, count - 1);
    table.counts[bin] = count;
  }
};

template <class A>
__global__ void __launch_bounds__(kThreads)
    make_shares(const ShareTable<A> table, const RoiPyramid pyramid, const RoiList list, const RoiRule rule) {
  const int i = int(blockIdx.x * kThreads + threadIdx.x);
  if (i >= table.bins) return;
  const int region = i / (2 * rule.pooled), bin = i % rule.pooled;
  const bool down = i / rule.pooled % 2 == 0;
  const auto place = reinterpret_cast<const Pack<int, 2>*>(list.place)[region];
  if (!is_on(pyramid, place)) return;
  const auto box = reinterpret_cast<const Pack<float, 4>*>(list.rois)[region];
  const RoiLevel level = pyramid.level[place.v[1]];
  const Axis axis = axis_of(down ? box.v[1] : box.v[0], down ? box.v[3] : box.v[2], level.scale, rule);
  const int size = down ? level.h : level.w;
  const double first_edge = __dadd_rn(axis.start, __dmul_rn(double(bin), axis.bin));
  Joiner<A> joined{table, i};
  for (int sample = 0; sample < axis.samples; ++sample) {
    const double at =
        __dadd_rn(first_edge, __ddiv_rn(__dmul_rn(double(sample) + 0.5, axis.bin), double(axis.samples)));
    if (!(at >= -1.0 && at <= double(size))) continue;
    const double inside = at > 0.0 ? at : 0.0;
    const int first = int(inside) < size - 1 ? int(inside) : size - 1;
    const double far = first < size - 1 ? inside - double(first) : 0.0;
    joined.add(first, (1.0 - far) / double(axis.samples));
    if (first < size - 1) joined.add(first + 1, far / double(axis.samples));
  }
  joined.finish();
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    pool_bins(const RoiPyramid pyramid, const int32_t* __restrict__ places, T* __restrict__ y,
              const ShareTable<Accumulator<T>> table, const Numbering by) {
  using A = Accumulator<T>;
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);  // its n is an index of regions
  const auto place = reinterpret_cast<const Pack<int, 2>*>(places)[cell.n];
  A sum[kPack] = {};
  if (is_on(pyramid, place)) {
    const RoiLevel level = pyramid.level[place.v[1]];
    const T* const image = static_cast<const T*>(level.data) +
                           offset_of(unsigned(place.v[0]), 0, 0, level.h, level.w, int(pyramid.c)) +
                           cell.pack * kPack;
    const int pooled = int(by.h.divisor), down = int(cell.n) * 2 * pooled + cell.y,
              across = (int(cell.n) * 2 + 1) * pooled + cell.x;
    const int rows = table.counts[down], columns = table.counts[across];
    for (int a = 0; a < rows; ++a) {
      const Share<A> row = table.shares[int64_t(a) * table.bins + down];
      for (int b = 0; b < columns; ++b) {
        const Share<A> column = table.shares[int64_t(b) * table.bins + across];
        const auto p = *reinterpret_cast<const Pack<T, kPack>*>(
            image + (int64_t(row.cell) * level.w + column.cell) * pyramid.c);
        const A weight = row.weight * column.weight;
        for (int k = 0; k < kPack; ++k) sum[k] += weight * widen(p.v[k]);
      }
    }
  }
  Pack<T, kPack> out;
  for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(sum[k]);
  reinterpret_cast<Pack<T, kPack>*>(y)[i] = out;
}

// --- gradient
constexpr int kTileWidth = 8, kSlots = 128;
/// Distance between cells in shared memory: rows that a warp reads together are in different banks.
constexpr int kStride = kSlots + 1;
/// Blocks per multiprocessor that ptxas is told to allow for: with more it would spill registers.
template <class T>
constexpr int kBlocksOfSm = sizeof(T) == 8 ? 2 : 3;

/// A level's tiles: `across` of them side by side, in the blocks from `first` on.
struct LevelTiles {
  unsigned first;
  int across, level;
};

/// The levels in order; missing ones have no block. lanes: packs of channels side by side in a block.
struct Tiles {
  LevelTiles of[kMostRoiLevels];
  int lanes;
};

__device__ __forceinline__ LevelTiles tiles_of(unsigned block, const Tiles& tiles) {
  LevelTiles found = tiles.of[0];
#if defined(__CUDACC__)
#pragma unroll  // constant indices, else the parameters would be copied to local memory
#endif
  for (int l = 1; l < kMostRoiLevels; ++l)
    if (block >= tiles.of[l].first) found = tiles.of[l];
  return found;
}

struct Tile {
  int top, left, height;
};

/// True where a region may touch the tile. The region is taken two cells wider on each side, for the
/// half-pixel shift, the smallest size and the second cell of a sample.
__device__ __forceinline__ bool may_touch(const Pack<float, 4>& box, float scale, const Tile& tile) {
  const float left = Min{}(box.v[0], box.v[2]) * scale - 2.0f,
              right = Max{}(box.v[0], box.v[2]) * scale + 2.0f,
              top = Min{}(box.v[1], box.v[3]) * scale - 2.0f,
              bottom = Max{}(box.v[1], box.v[3]) * scale + 2.0f;
  return right >= float(tile.left) && left < float(tile.left + kTileWidth) && bottom >= float(tile.top) &&
         top < float(tile.top + tile.height);
}

/// Writes first + threadIdx.x of the threads where `wanted` to found[0..), in order, and returns their number
/// to all threads.
__device__ __forceinline__ int collect(bool wanted, int first, int (&found)[kThreads],
                                       int (&of_warps)[kWarps]) {
  const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
  const unsigned votes = __ballot_sync(0xffffffffu, wanted);
  if (lane == 0) of_warps[warp] = __popc(votes);
  __syncthreads();
  int at = __popc(votes & ((1u << lane) - 1)), all = 0;
  for (int w = 0; w < kWarps; ++w) {
    const int count = of_warps[w];
    if (w < warp) at += count;
    all += count;
  }
  if (wanted) found[at] = first + int(threadIdx.x);
  __syncthreads();
  return all;
}

/// Weights of the tile's rows and columns, [cell][slot]; a slot is a bin of one of the regions in this round.
template <class A>
struct TileShares {
  A *rows, *columns;
};

/// Threads 0 to 127 write the rows' weights of `slots` bins, the others the columns'.
template <class A>
__device__ __forceinline__ void spread_shares(const TileShares<A>& to, const ShareTable<A>& table,
                                              const int* regions, int slots, int pooled, const Tile& tile) {
  const int slot = int(threadIdx.x) % kSlots, axis = int(threadIdx.x) / kSlots;
  if (slot >= slots) return;
  A* const own = (axis == 0 ? to.rows : to.columns) + slot;
  const int cells = axis == 0 ? tile.height : kTileWidth, origin = axis == 0 ? tile.top : tile.left;
  for (int k = 0; k < cells; ++k) own[k * kStride] = A(0);
  const int bin = (2 * regions[slot / pooled] + axis) * pooled + slot % pooled;
  const int count = table.counts[bin];
  for (int s = 0; s < count; ++s) {
    const Share<A> share = table.shares[int64_t(s) * table.bins + bin];
    const int k = share.cell - origin;
    if (k >= 0 && k < cells) own[k * kStride] = share.weight;
  }
}

/// Adds the contributions of `slots` bins to row `row` of the tile, for the pack of channels at dy.
template <class T, int kPack>
__device__ __forceinline__ void add_regions(Accumulator<T> (&sums)[kTileWidth][kPack],
                                            const TileShares<Accumulator<T>>& shares, const T* dy,
                                            const int* regions, int slots, int pooled, int row, int64_t c) {
  using A = Accumulator<T>;
  for (int down = 0; down < slots; ++down) {
    const A of_row = shares.rows[row * kStride + down];
    if (of_row == A(0)) continue;
    const int slot = down / pooled, first = slot * pooled;
    const T* bin = dy + (int64_t(regions[slot]) * pooled + (down - first)) * pooled * c;
    for (int across = first; across < first + pooled; ++across, bin += c) {
      A weights[kTileWidth];
      bool some = false;
      for (int k = 0; k < kTileWidth; ++k) {
        weights[k] = shares.columns[k * kStride + across];
        some |= weights[k] != A(0);
      }
      if (!some) continue;
      const auto g = *reinterpret_cast<const Pack<T, kPack>*>(bin);
#if defined(__CUDACC__)
#pragma unroll  // sums stay in registers
#endif
      for (int k = 0; k < kTileWidth; ++k) {
        if (weights[k] == A(0)) continue;  // 0 times an infinite gradient would be NaN
        for (int j = 0; j < kPack; ++j) sums[k][j] += of_row * weights[k] * widen(g.v[j]);
      }
    }
  }
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads, kBlocksOfSm<T>)
    gather_gradient(const T* __restrict__ dy, const RoiPyramid pyramid, const RoiList list,
                    const ShareTable<Accumulator<T>> table, const Tiles tiles, int pooled) {
  using A = Accumulator<T>;
  SIMT_DYN_SHARED(A, shared);
  __shared__ int found[kThreads], of_warps[kWarps];
  const LevelTiles of_level = tiles_of(blockIdx.x, tiles);
  const RoiLevel level = pyramid.level[of_level.level];
  const int number = int(blockIdx.x - of_level.first), height = kThreads / tiles.lanes;
  const Tile tile{number / of_level.across * height, number % of_level.across * kTileWidth, height};
  const TileShares<A> shares{shared, shared + height * kStride};
  const int row = int(threadIdx.x) / tiles.lanes, c = int(pyramid.c);
  const int channel = (int(blockIdx.y) * tiles.lanes + int(threadIdx.x) % tiles.lanes) * kPack;
  const int image = int(blockIdx.z), of_image = int(list.count / pyramid.n), end = (image + 1) * of_image;
  A sums[kTileWidth][kPack] = {};
  for (int first = image * of_image; first < end; first += kThreads) {
    const int region = first + int(threadIdx.x);
    bool wanted = false;
    if (region < end) {
      const auto place = reinterpret_cast<const Pack<int, 2>*>(list.place)[region];
      if (place.v[0] == image && place.v[1] == of_level.level) {
        const auto box = reinterpret_cast<const Pack<float, 4>*>(list.rois)[region];
        wanted = may_touch(box, float(level.scale), tile);
      }
    }
    const int all = collect(wanted, first, found, of_warps), at_once = kSlots / pooled;
    for (int begin = 0; begin < all; begin += at_once) {
      const int regions = all - begin < at_once ? all - begin : at_once;
      spread_shares(shares, table, found + begin, regions * pooled, pooled, tile);
      __syncthreads();
      if (channel < c)
        add_regions<T, kPack>(sums, shares, dy + channel, found + begin, regions * pooled, pooled, row, c);
      __syncthreads();
    }
  }
  if (channel >= c || tile.top + row >= level.h) return;
  T* const to = static_cast<T*>(level.data) +
                offset_of(unsigned(image), tile.top + row, tile.left, level.h, level.w, c) + channel;
  for (int k = 0; k < kTileWidth && tile.left + k < level.w; ++k) {
    Pack<T, kPack> out;
    for (int j = 0; j < kPack; ++j) out.v[j] = rounded<T>(sums[k][j]);
    *reinterpret_cast<Pack<T, kPack>*>(to + int64_t(k) * c) = out;
  }
}

// --- launches
template <class A>
ShareTable<A> cut_table(Scratch& scratch, const RoiPyramid& pyramid, int64_t regions, const RoiRule& rule) {
  int64_t most = 2 * rule.sampling;  // most weights that a bin can have
  for (int l = 0; l < pyramid.levels && rule.sampling == 0; ++l) {
    const int h = pyramid.level[l].h, w = pyramid.level[l].w, side = h > w ? h : w;
    most = side > most ? side : most;
  }
  const int64_t bins = regions * 2 * rule.pooled;
  Share<A>* const shares = scratch.take<Share<A>>(bins * most);
  return {shares, scratch.take<int>(bins), int(bins)};
}

template <class A>
ShareTable<A> launch_shares(const RoiPyramid& pyramid, const RoiList& list, const RoiRule& rule, void* memory,
                            DeviceStream stream) {
  Scratch scratch(memory);
  const ShareTable<A> table = cut_table<A>(scratch, pyramid, list.count, rule);
  if (table.bins > 0)
    CAWE_LAUNCH(make_shares<A>, unsigned(ceil_div(table.bins, kThreads)), kThreads, 0, stream, table, pyramid,
                list, rule);
  return table;
}

template <class T, int kPack>
void launch_pool(const RoiPyramid& pyramid, const RoiList& list, const RoiRule& rule, T* y, void* scratch,
                 DeviceStream stream) {
  const auto table = launch_shares<Accumulator<T>>(pyramid, list, rule, scratch, stream);
  const Numbering by = numbering_of(list.count, rule.pooled, rule.pooled, pyramid.c / kPack);
  CAWE_LAUNCH((pool_bins<T, kPack>), unsigned(ceil_div(by.count, kThreads)), kThreads, 0, stream, pyramid,
              list.place, y, table, by);
}

template <class T, int kPack>
void launch_gradient(const T* dy, const RoiList& list, const RoiRule& rule, const RoiPyramid& pyramid,
                     void* scratch, DeviceStream stream) {
  using A = Accumulator<T>;
  const ShareTable<A> table = launch_shares<A>(pyramid, list, rule, scratch, stream);
  const int64_t packs = pyramid.c / kPack;
  Tiles tiles{};
  tiles.lanes = packs > 16 ? 32 : packs > 8 ? 16 : 8;
  const int height = kThreads / tiles.lanes;
  int64_t blocks = 0;
  for (int l = 0; l < pyramid.levels; ++l) {
    tiles.of[l] = {unsigned(blocks), int(ceil_div(pyramid.level[l].w, kTileWidth)), l};
    blocks += tiles.of[l].across * ceil_div(pyramid.level[l].h, height);
  }
  for (int l = pyramid.levels; l < kMostRoiLevels; ++l) tiles.of[l].first = unsigned(blocks);
  const dim3 grid(unsigned(blocks), unsigned(ceil_div(packs, tiles.lanes)), unsigned(pyramid.n));
  const size_t shared = size_t(height + kTileWidth) * kStride * sizeof(A);
  CAWE_LAUNCH((gather_gradient<T, kPack>), grid, kThreads, shared, stream, dy, pyramid, list, table, tiles,
              rule.pooled);
}

}  // namespace

int64_t roi_align_scratch(Number number, const RoiPyramid& pyramid, int64_t regions, const RoiRule& rule) {
  Scratch scratch(nullptr);
  CAWE_DISPATCH(number, T, cut_table<Accumulator<T>>(scratch, pyramid, regions, rule))
  return int64_t(scratch.used);
}

void roi_align(Number number, const RoiPyramid& pyramid, const RoiList& list, const RoiRule& rule, void* y,
               void* scratch, DeviceStream stream) {
  if (list.count * pyramid.c == 0) return;
  CAWE_DISPATCH(number, T, {
    T* const to = static_cast<T*>(y);
    if (in_channel_packs<T>(pyramid.c, to))
      launch_pool<T, kChannelPack<T>>(pyramid, list, rule, to, scratch, stream);
    else
      launch_pool<T, 1>(pyramid, list, rule, to, scratch, stream);
  })
}

void roi_align_grad(Number number, const void* dy, const RoiList& list, const RoiRule& rule,
                    const RoiPyramid& pyramid, void* scratch, DeviceStream stream) {
  if (pyramid.n * pyramid.c == 0) return;
  CAWE_DISPATCH(number, T, {
    const T* const from = static_cast<const T*>(dy);
    if (in_channel_packs<T>(pyramid.c, from))
      launch_gradient<T, kChannelPack<T>>(from, list, rule, pyramid, scratch, stream);
    else
      launch_gradient<T, 1>(from, list, rule, pyramid, scratch, stream);
  })
}

}  // namespace CAWE_DEVICE
