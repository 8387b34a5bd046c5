// SPDX-License-Identifier: Apache-2.0
// Softmax attention and its gradient on tensor cores, f16 and bf16: attention.cu's four kinds of one kernel, with tiles
// of 128 x 32 scores. Source: Dao 2023 (FlashAttention-2, arXiv 2307.08691): a warp owns 16 rows for all columns, and
// its scores go from one product to the next in registers.
//
// Bytes     floor: every tensor once. A tile of rows reads all columns again, ceil(rows / 128) times, from the L2.
// FLOPs     as attention.cu, on tensor cores: 2 depth a score; forward and dv 2 channels more, dq and dk 2 (channels +
//           depth) more; both rounded up to 32. exp and the running softmax on CUDA cores.
// Launch    256 threads for 128 rows and up to 256 columns of y or dv, or all of dq or dk. Wider y and dv are cut, and
//           each part makes the scores again. 256 channels of dy v (128 where depth is above 32) are in
//           shared memory at a time.
// Numerics  inputs exact, sums in f32, in one order that only the shape decides; no atomics. Weights, and slopes of
//           scores, are rounded to the type of the inputs before they are multiplied: with rounding u (2^-11 f16, 2^-8
//           bf16) y is off by u (|y| + sum of weight |v|), dv by u (|dv| + sum of weight |dy|), dq and dk by u (|dq| +
//           sum of |slope| |k|) and alike; attention.cu keeps f32 there and has the first term only. f16's slopes below
//           2^-14 lose digits: losses are scaled to stay above. The sums of weights are of unrounded ones.
// Loads     16 bytes a lane, whole sectors where depth is a multiple of 16. Operands come from shared memory by
//           128-bit loads without conflicts: 8 numbers of a row serve two products, since the order of the 16 numbers
//           that are multiplied and added is free as long as both operands have the same.
// Shapes    depth and channels multiples of 8 (16 bytes), depth up to 128; attention.cu takes the others, and bf16 where
//           the code that runs was compiled for less than sm_80, f16 where for less than sm_75.
#include "cuda/kernels/attention.h"

#include "cuda/emulator/simt/simt.cuh"
// These need simt.cuh before them.
#include "cuda/kernels/attention_mma.cuh"
#include "cuda/kernels/softmax.cuh"

namespace CAWE_DEVICE {
namespace {

/// The online softmax of a lane's rows g and g + 8: the largest score and the sum of exp(score - most) so far.
struct Running {
  float most[2] = {Lowest<float>::value, Lowest<float>::value}, sum[2] = {0, 0};
};

/// Turns scores into weights exp(score - most), and multiplies the sums so far by exp(before - most).
template <int kGroups>
__device__ __forceinline__ void run_on(float (&scores)[4][4], int columns, float scale, Running& running,
                                       float (&sums)[kGroups][4][4]) {
  const int t = int(threadIdx.x) % 4;
  float shrink[2];
  CAWE_UNROLL
  for (int h = 0; h < 2; ++h) {
    const float before = running.most[h];
    float most = before, sum = 0;
    CAWE_UNROLL
    for (int i = 0; i < 8; ++i) {
      float& score = scores[i / 2][2 * h + i % 2];
      score = i / 2 * 8 + 2 * t + i % 2 < columns ? score * scale : -INFINITY;
      most = Max{}(score, most);
    }
    running.most[h] = most = lanes_reduce<4>(most, Max{});
    CAWE_UNROLL
    for (int i = 0; i < 8; ++i) {
      float& score = scores[i / 2][2 * h + i % 2];
      score = __expf(score - most);
      sum += score;
    }
    shrink[h] = __expf(before - most);
    running.sum[h] = running.sum[h] * shrink[h] + lanes_reduce<4>(sum, Sum{});
  }
  // The largest score seldom changes.
  if (__any_sync(0xffffffffu, shrink[0] != 1.f || shrink[1] != 1.f)) {
    CAWE_UNROLL
    for (int i = 0; i < kGroups * 16; ++i) sums[i / 16][i / 4 % 4][i % 4] *= shrink[i / 2 % 2];
  }
}

/// Turns scores into weights (value_grad) or slopes of scores; `along` are dy v. As in attention.cu.
template <Kind kKind>
__device__ __forceinline__ void to_gradients(float (&scores)[4][4], const float (&along)[4][4],
                                             const Term<float> (&row_terms)[2], const float* column_terms,
                                             int columns, float scale) {
  const int t = int(threadIdx.x) % 4;
  CAWE_UNROLL
  for (int n = 0; n < 4; ++n) {
    Pack<float, 2> most, share, mean;
    if (!kRowsAreQueries<kKind>) {
      const auto* pairs = reinterpret_cast<const Pack<float, 2>*>(column_terms) + 4 * n + t;
      most = pairs[0];
      share = pairs[kColumns / 2];
      mean = pairs[kColumns];
    }
    CAWE_UNROLL
    for (int i = 0; i < 4; ++i) {
      const Term<float> term = kRowsAreQueries<kKind>
                                   ? row_terms[i / 2]
                                   : Term<float>{most.v[i % 2], share.v[i % 2], mean.v[i % 2]};
      const bool missing = kRowsAreQueries<kKind> && 8 * n + 2 * t + i % 2 >= columns;
      const float weight = missing ? 0.f : __expf(scores[n][i] * scale - term.most) * term.share;
      scores[n][i] = kHasSlopes<kKind> ? scale * weight * (along[n][i] - term.mean) : weight;
    }
  }
}

/// Stores row g, or g + 8 (`lower` 1), of the sums, times `share`.
template <class T, int kGroups>
__device__ __forceinline__ void store_row(T* row, int first, int length, const float (&sums)[kGroups][4][4],
                                          int lower, float share) {
  CAWE_UNROLL
  for (int j = 0; j < kGroups; ++j) {
    const int column = first + j * kGroup + int(threadIdx.x) % 4 * 8;
    Piece piece;
    CAWE_UNROLL
    for (int k = 0; k < 4; ++k) {
      const int n = k % 2 * 2, i = 2 * lower + k / 2;
      piece.v[k] = rounded_pair<T>(sums[j][n][i] * share, sums[j][n + 1][i] * share);
    }
    if (column < length) *reinterpret_cast<Piece*>(row + column) = piece;
  }
}

/// Stores the sums of the lane's two rows, in the forward pass divided by the sums of weights, and what has been seen.
template <Kind kKind, class T, int kGroups>
__device__ __forceinline__ void store_rows(const Work<T>& work, const Place& place, int64_t first_row,
                                           const float (&sums)[kGroups][4][4], const Running& running) {
  CAWE_UNROLL
  for (int h = 0; h < 2; ++h) {
    const int row = row_of_lane() + 8 * h;
    if (row >= place.rows) continue;
    float share = 1;
    if (kKind == Kind::forward) {
      share /= running.sum[h];
      if (blockIdx.y == 0 && threadIdx.x % 4 == 0) {
        Pack<float, 2> seen;
        seen.v[0] = running.most[h];
        seen.v[1] = running.sum[h];
        reinterpret_cast<Pack<float, 2>*>(work.seen)[first_row + row] = seen;
      }
    }
    store_row(work.out + (first_row + row) * work.width, out_column(), work.width, sums, h, share);
  }
}

template <Kind kKind, class T>
__device__ __forceinline__ Term<float> term_of_row(const Work<T>& work, const Place& place, int row) {
  Term<float> term{0, 0, 0};
  if (kKind != Kind::query_grad || row >= place.rows) return term;
  const int64_t n = work.images * work.rows;
  const float* at = work.terms + int64_t(place.image) * work.rows + place.row + row;
  term.most = at[0];
  term.share = at[n];
  term.mean = at[2 * n];
  return term;
}

template <class T, Kind kKind, int kDeep>
__global__ void __launch_bounds__(kThreads, 1) attention_mma_tiles(Work<T> work) {
  using Shared = Tile<kKind, kDeep>;
  constexpr int kTwo = kTiles<kKind, kDeep> - 1;  // 1 where there are two tiles
  constexpr bool kSlopes = kHasSlopes<kKind>;
  constexpr int kOut = kSlopes ? kDeep : kWide / kGroup;
  constexpr int kU = kAlong<kDeep>, kSlice = kU * kGroup;  // channels of dy v in a step
  SIMT_DYN_SHARED(Shared, tiles);
  const int row_tiles = (work.rows + kRows - 1) / kRows;
  Place place;
  place.image = int(blockIdx.x / unsigned(row_tiles));
  place.row = int(blockIdx.x % unsigned(row_tiles)) * kRows;
  place.rows = work.rows - place.row;
  const int64_t first_row = int64_t(place.image) * work.rows + place.row;
  const int deep = (work.depth + kGroup - 1) / kGroup;
  const int out_groups = kSlopes ? deep : groups_in(work.width - out_column(), kOut);
  const int slices = kSlopes ? (work.channels + kSlice - 1) / kSlice : 1;

  Fragment x[kDeep], u[kSlopes ? kU : 1];
  load_fragments(work.x + first_row * work.depth, place.rows, 0, work.depth, x);
  if (kSlopes && slices == 1)
    load_fragments(work.u + first_row * work.channels, place.rows, 0, work.channels, u);
  const Term<float> row_terms[2] = {term_of_row<kKind>(work, place, row_of_lane()),
                                    term_of_row<kKind>(work, place, row_of_lane() + 8)};
  Running running;
  float sums[kOut][4][4], scores[4][4], along[4][4];
  CAWE_UNROLL
  for (int i = 0; i < kOut * 16; ++i) sums[i / 16][i / 4 % 4][i % 4] = 0;

  Ahead ahead;
  int column = 0, slice = 0, deep_in_use = 0, wide_in_use = 0;
  load_tile<kKind, kDeep>(work, place, 0, true, 0, ahead);
  store_tile<kKind, kDeep>(ahead, true, kSlopes ? groups_in(work.channels, kU) : out_groups, tiles[0],
                           tiles[0]);
  __syncthreads();
  while (column < work.columns) {
    const bool last = slice + 1 == slices;
    const int next_column = last ? column + kColumns : column, next_channel = last ? 0 : (slice + 1) * kSlice;
    const bool more = next_column < work.columns;
    if (more) load_tile<kKind, kDeep>(work, place, next_column, last, next_channel, ahead);
    const Shared& tile = tiles[deep_in_use];
    if (slice == 0) {
      CAWE_UNROLL
      for (int i = 0; i < 16; ++i) scores[i / 4][i % 4] = along[i / 4][i % 4] = 0;
      multiply_rows<T>(x, tile.y, deep, scores);
    }
    if constexpr (kSlopes) {
      if (slices > 1)
        load_fragments(work.u + first_row * work.channels, place.rows, slice * kSlice, work.channels, u);
      multiply_rows<T>(u, tiles[wide_in_use].wide, groups_in(work.channels - slice * kSlice, kU), along);
    }
    if (last) {
      if constexpr (kKind == Kind::forward)
        run_on(scores, work.columns - column, work.scale, running, sums);
      else
        to_gradients<kKind>(scores, along, row_terms, tile.terms, work.columns - column, work.scale);
      if constexpr (kSlopes)
        mix_columns<T>(scores, tile.narrow, out_groups, sums);
      else
        mix_columns<T>(scores, tile.wide, out_groups, sums);
    }
    if (kTwo == 0) __syncthreads();
    if (last) deep_in_use ^= kTwo;
    wide_in_use ^= kTwo;
    if (more)
      store_tile<kKind, kDeep>(ahead, last,
                               kSlopes ? groups_in(work.channels - next_channel, kU) : out_groups,
                               tiles[deep_in_use], tiles[wide_in_use]);
    __syncthreads();
    slice = last ? 0 : slice + 1;
    column = next_column;
  }

  store_rows<kKind>(work, place, first_row, sums, running);
}

template <Kind kKind, int kDeep, class T>
void launch(const Work<T>& work, DeviceStream stream) {
  constexpr size_t kShared = kTiles<kKind, kDeep> * sizeof(Tile<kKind, kDeep>);
  static_assert(kShared <= 48 * 1024, "what a block may have without asking");
  const int64_t blocks = work.images * ((work.rows + kRows - 1) / kRows);
  if (blocks == 0) return;
  const int parts = kHasSlopes<kKind> ? 1 : (work.width + kWide - 1) / kWide;
  CAWE_LAUNCH((attention_mma_tiles<T, kKind, kDeep>), dim3(unsigned(blocks), unsigned(parts)), kThreads,
              kShared, stream, work);
}

template <Kind kKind, class T>
void launch_fitting(const Work<T>& work, DeviceStream stream) {
  if (work.depth <= kGroup)
    launch<kKind, 1>(work, stream);
  else
    launch<kKind, kMostDeep / kGroup>(work, stream);
}

/// Whether the kernels have their products on this device. All of them are compiled for the same architectures, so the
/// forward pass's answers for the gradient's.
template <class T>
bool have_products(const AttentionSizes& sizes) {
  return sizes.depth <= kGroup ? has_mma<T>(attention_mma_tiles<T, Kind::forward, 1>)
                               : has_mma<T>(attention_mma_tiles<T, Kind::forward, kMostDeep / kGroup>);
}

}  // namespace

bool attention_mma_takes(Number number, const AttentionSizes& sizes) {
  const bool fits =
      sizes.depth % 8 == 0 && sizes.channels % 8 == 0 && sizes.depth <= kMostDeep && sizes.channels > 0;
  return fits && ((number == Number::f16 && have_products<half>(sizes)) ||
                  (number == Number::bf16 && have_products<bf16>(sizes)));
}

void attention_mma(Number number, const AttentionSizes& sizes, const void* q, const void* k, const void* v,
                   void* y, void* seen, DeviceStream stream) {
  CAWE_DISPATCH(number, T, {
    if constexpr (sizeof(T) == 2)
      launch_fitting<Kind::forward>(forward_work<T>(sizes, q, k, v, y, seen), stream);
  })
}

void attention_mma_grad(Number number, const AttentionSizes& sizes, const AttentionGradient& g,
                        DeviceStream stream) {
  CAWE_DISPATCH(number, T, {
    if constexpr (sizeof(T) == 2) {
      launch_fitting<Kind::value_grad>(value_grad_work<T>(sizes, g), stream);
      launch_fitting<Kind::key_grad>(key_grad_work<T>(sizes, g), stream);
      launch_fitting<Kind::query_grad>(query_grad_work<T>(sizes, g), stream);
    }
  })
}

}  // namespace CAWE_DEVICE
