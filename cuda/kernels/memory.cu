// SPDX-License-Identifier: Apache-2.0
// Fills, and copies between any two memory orders of one element type.
//
// Bytes     fill: write n·e. copy: read n·e, write n·e; each element once.
// FLOPs     none.
// Launch    Flat (both sides packed in one order): 256 threads per block, 16 bytes per thread. Transposed (x
//           runs fastest along another dimension than y, both at least 8 long; NCHW to channels-last and
//           back): tiles of 32x32 through shared memory, block (32, 8). Else: one element per thread in y's
//           order, or 16, 8, 4, 2 bytes of a run that is fast in both.
// Numerics  bits are moved, nothing is computed.
// Loads     Flat: 128 bits. Tiles: a row of 32 elements per warp on both sides, whole sectors except at the
//           borders of odd sizes; rows in shared memory are one word longer, so that columns do not meet in a
//           bank. Else: writes are dense; reads are as far apart as x's strides.
#include "cuda/kernels/memory.h"

#include "cuda/kernels/walk.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kTile = 32, kTileRows = 8;

template <class U>
__global__ void __launch_bounds__(kFlatThreads) fill_flat(U* y, int64_t n, U value) {
  constexpr int kPack = kPerLoad<U>;
  const int64_t i = int64_t(blockIdx.x) * kFlatThreads + threadIdx.x, packs = n / kPack;
  if (i < packs) {
    Pack<U, kPack> p;
    for (int k = 0; k < kPack; ++k) p.v[k] = value;
    reinterpret_cast<Pack<U, kPack>*>(y)[i] = p;
  } else if (i - packs < n % kPack) {
    y[packs * kPack + (i - packs)] = value;
  }
}

template <class U>
__global__ void __launch_bounds__(kFlatThreads) fill_walk(U* y, const Walk<1> walk, U value) {
  const unsigned i = blockIdx.x * kFlatThreads + threadIdx.x;
  if (i < walk.count) y[offsets_of(walk, i).at[0]] = value;
}

__global__ void __launch_bounds__(kFlatThreads)
    copy_flat(const uint4* __restrict__ x, uint4* __restrict__ y, int64_t bytes) {
  const int64_t i = int64_t(blockIdx.x) * kFlatThreads + threadIdx.x, packs = bytes / 16;
  if (i < packs) {
    y[i] = x[i];
  } else if (i - packs < bytes % 16) {
    const int64_t at = packs * 16 + (i - packs);
    reinterpret_cast<unsigned char*>(y)[at] = reinterpret_cast<const unsigned char*>(x)[at];
  }
}

template <class U>
__global__ void __launch_bounds__(kFlatThreads)
    copy_walk(const U* __restrict__ x, U* __restrict__ y, const Walk<2> walk) {
  const unsigned i = blockIdx.x * kFlatThreads + threadIdx.x;
  if (i >= walk.count) return;
  const Offsets<2> o = offsets_of(walk, i);
  y[o.at[1]] = x[o.at[0]];
}

/// Two dimensions that are transposed: rows are fast in x, columns in y.
struct Transposition {
  unsigned rows, columns;
  int64_t column_stride;  ///< of x
  int64_t row_stride;     ///< of y
  Divider row_tiles, column_tiles;
};

template <class U>
__global__ void __launch_bounds__(kTile* kTileRows)
    copy_tiles(const U* __restrict__ x, U* __restrict__ y, const Transposition t, const Walk<2> outer) {
  // One word, so that the elements of a column are in 32 different banks.
  constexpr unsigned kPad = sizeof(U) < 4 ? 4 / sizeof(U) : 1;
  __shared__ U tile[kTile][kTile + kPad];
  const unsigned blocks_left = divide(blockIdx.x, t.column_tiles), item = divide(blocks_left, t.row_tiles);
  const unsigned column = (blockIdx.x - blocks_left * t.column_tiles.divisor) * kTile,
                 row = (blocks_left - item * t.row_tiles.divisor) * kTile;
  const Offsets<2> o = offsets_of(outer, item);
  for (unsigned k = threadIdx.y; k < kTile; k += kTileRows)
    if (column + k < t.columns && row + threadIdx.x < t.rows)
      tile[k][threadIdx.x] = x[o.at[0] + (column + k) * t.column_stride + row + threadIdx.x];
  __syncthreads();
  for (unsigned k = threadIdx.y; k < kTile; k += kTileRows)
    if (row + k < t.rows && column + threadIdx.x < t.columns)
      y[o.at[1] + (row + k) * t.row_stride + column + threadIdx.x] = tile[threadIdx.x][k];
}

// --- choosing

struct alignas(16) Bytes16 {
  uint4 v;
};

/// Runs the statement with U = an unsigned type of `size` bytes.
#define CAWE_BY_SIZE(size, U, ...) \
  switch (size) {                  \
    case 1: {                      \
      using U = uint8_t;           \
      __VA_ARGS__;                 \
      break;                       \
    }                              \
    case 2: {                      \
      using U = uint16_t;          \
      __VA_ARGS__;                 \
      break;                       \
    }                              \
    case 4: {                      \
      using U = uint32_t;          \
      __VA_ARGS__;                 \
      break;                       \
    }                              \
    default: {                     \
      using U = uint64_t;          \
      __VA_ARGS__;                 \
    }                              \
  }

template <class U>
void launch_walk(const void* x, void* y, const Plan<2>& plan, DeviceStream stream) {
  in_parts(plan, {0, 0}, [&](const Plan<2>& part, const int64_t(&first)[2]) {
    const Walk<2> walk = make_walk(part);
    CAWE_LAUNCH(copy_walk<U>, unsigned(ceil_div(walk.count, kFlatThreads)), kFlatThreads, 0, stream,
                static_cast<const U*>(x) + first[0], static_cast<U*>(y) + first[1], walk);
  });
}

/// The dimension along which x is contiguous, where a transposition by tiles is worth it; else 0.
int transposed_dimension(const Plan<2>& p) {
  if (p.rank < 2 || p.stride[1][0] != 1 || p.stride[0][0] == 1 || p.size[0] < kTileRows) return 0;
  for (int d = 1; d < p.rank; ++d)
    if (p.stride[0][d] == 1 && p.size[d] >= kTileRows) return d;
  return 0;
}

template <class U>
void launch_tiles(const void* x, void* y, const Plan<2>& plan, int fast_in_x, DeviceStream stream) {
  in_parts(plan, {0, 0}, [&](Plan<2> part, const int64_t(&first)[2]) {
    Transposition t{};
    t.columns = unsigned(part.size[0]);
    t.column_stride = part.stride[0][0];
    t.rows = unsigned(fast_in_x < part.rank ? part.size[fast_in_x] : 1);
    t.row_stride = part.stride[1][fast_in_x];
    if (fast_in_x < part.rank) part.drop(fast_in_x);
    part.drop(0);
    const Walk<2> outer = make_walk(part);
    const int64_t row_tiles = ceil_div(t.rows, kTile), column_tiles = ceil_div(t.columns, kTile);
    t.row_tiles = make_divider(row_tiles);
    t.column_tiles = make_divider(column_tiles);
    CAWE_LAUNCH(copy_tiles<U>, unsigned(row_tiles * column_tiles * outer.count), dim3(kTile, kTileRows), 0,
                stream, static_cast<const U*>(x) + first[0], static_cast<U*>(y) + first[1], t, outer);
  });
}

/// True where runs along dimension 0 can be moved in units of `bytes`; `size` is the size of an element.
bool goes_by(int bytes, int size, const Plan<2>& p, const void* x, const void* y) {
  if (p.rank == 0 || p.stride[0][0] != 1 || p.stride[1][0] != 1 || p.size[0] * size % bytes != 0)
    return false;
  for (int d = 1; d < p.rank; ++d)
    if (p.stride[0][d] * size % bytes != 0 || p.stride[1][d] * size % bytes != 0) return false;
  return is_aligned(x, size_t(bytes)) && is_aligned(y, size_t(bytes));
}

/// The same plan counted in units of `ratio` elements.
Plan<2> in_units(Plan<2> p, int ratio) {
  p.size[0] /= ratio;
  for (int d = 1; d < p.rank; ++d)
    for (int k = 0; k < 2; ++k) p.stride[k][d] /= ratio;
  return p;
}

void copy_by_walk(int size, const void* x, void* y, const Plan<2>& plan, DeviceStream stream) {
  int bytes = 16;
  while (bytes > size && !goes_by(bytes, size, plan, x, y)) bytes /= 2;
  const Plan<2> units = bytes > size ? in_units(plan, bytes / size) : plan;
  if (bytes == 16)
    launch_walk<Bytes16>(x, y, units, stream);
  else
    CAWE_BY_SIZE(bytes, U, launch_walk<U>(x, y, units, stream))
}

}  // namespace

void fill(int size, uint64_t bits, void* y, const StridedView& at, DeviceStream stream) {
  const Plan<1> plan = make_plan<1>({&at});
  const int64_t n = plan.count();
  if (n == 0) return;
  CAWE_BY_SIZE(size, U, {
    U* const out = static_cast<U*>(y);
    if (plan.is_flat() && is_aligned(y)) {
      CAWE_LAUNCH(fill_flat<U>, flat_blocks(n, kPerLoad<U>), kFlatThreads, 0, stream, out, n, U(bits));
      return;
    }
    in_parts(plan, {0}, [&](const Plan<1>& part, const int64_t(&first)[1]) {
      const Walk<1> walk = make_walk(part);
      CAWE_LAUNCH(fill_walk<U>, unsigned(ceil_div(walk.count, kFlatThreads)), kFlatThreads, 0, stream,
                  out + first[0], walk, U(bits));
    });
  })
}

void copy(int size, const void* x, const StridedView& from, void* y, const StridedView& to,
          DeviceStream stream) {
  const Plan<2> plan = make_plan<2>({&from, &to});
  const int64_t n = plan.count();
  if (n == 0) return;
  const int transposed = transposed_dimension(plan);
  if (plan.is_flat() && is_aligned(x) && is_aligned(y))
    CAWE_LAUNCH(copy_flat, flat_blocks(n * size, 16), kFlatThreads, 0, stream, static_cast<const uint4*>(x),
                static_cast<uint4*>(y), n * size);
  else if (transposed > 0)
    CAWE_BY_SIZE(size, U, launch_tiles<U>(x, y, plan, transposed, stream))
  else
    copy_by_walk(size, x, y, plan, stream);
}

}  // namespace CAWE_DEVICE
