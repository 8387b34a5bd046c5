// SPDX-License-Identifier: Apache-2.0
// What attention_mma.cu moves and multiplies: tiles in shared memory, how they are filled and read without conflicts, and
// the two products of a warp. g is lane / 4, t lane % 4.
#pragma once

// Included by attention_mma.cu, after simt.cuh.

#include "cuda/kernels/attention.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kWarps = 8, kThreads = 32 * kWarps;
constexpr int kRows = 16 * kWarps, kColumns = 32;  // of a tile of scores
constexpr int kGroup = 32;                         // numbers of a row that four lanes load together
constexpr int kWide = 256;                         // columns of y or dv in a block
constexpr int kMostDeep = 128;                     // numbers in a query

/// Groups of channels of dy v at a time: as many as leave registers for a deep x.
template <int kDeep>
constexpr int kAlong = kDeep == 1 ? 8 : 4;

/// 8 numbers in four registers.
using Piece = Pack<uint32_t, 4>;

/// A tile's rows, for sums along the rows. Lanes 4 g + t read piece t of row g: of eight lanes that are served together,
/// four read an even row and four an odd one, so the odd rows lie behind the even ones and half a line of banks further.
template <int kGroups>
struct Lines {
  Piece at[kColumns * 4 * kGroups + 4];
  static __device__ __forceinline__ int place(int row, int piece) {
    return row % 2 * (kColumns * 2 * kGroups + 4) + row / 2 * 4 * kGroups + piece;
  }
};

/// A tile's rows, for sums over the rows. What a lane multiplies in one product lies together: of rows 2 t, 2 t + 1, 2 t
/// + 8 and 2 t + 9, a quad, the numbers of a column. A piece has two columns of a quad. Lanes 4 g + t read columns 4 g to
/// 4 g + 3 of quad t, in two pieces; first pieces lie together in a group, as do second ones, and two pieces of padding
/// bring four quads to different banks.
template <int kGroups>
struct Quads {
  Piece at[kColumns / 4 * (16 * kGroups + 2)];
  static __device__ __forceinline__ int place(int quad, int group, int g, int second) {
    return quad * (16 * kGroups + 2) + group * 16 + second * 8 + g;
  }
};
/// Row k of 4 of a quad.
__device__ __forceinline__ int row_of(int quad, int k) {
  return quad / 4 * 16 + quad % 4 * 2 + k % 2 + k / 2 * 8;
}

/// Nothing, where a kind needs no such tile.
struct None {};

/// A tile of columns in shared memory: y for the scores; for the second product z, or y once more; for slopes w.
template <Kind kKind, int kDeep>
struct Tile {
  Lines<kDeep> y;
  std::conditional_t<kHasSlopes<kKind>, Lines<kAlong<kDeep>>, Quads<kWide / kGroup>> wide;
  std::conditional_t<kHasSlopes<kKind>, Quads<kDeep>, None> narrow;
  alignas(16) float terms[3 * kColumns];  // of the queries in the columns
};

/// Two tiles where they fit: one is filled while the other is used.
template <Kind kKind, int kDeep>
constexpr int kTiles = 2 * sizeof(Tile<kKind, kDeep>) <= 48 * 1024 ? 2 : 1;

/// Numbers [first, first + 8) of a row, 0 beyond the last row or the row's end.
template <class T>
__device__ __forceinline__ Piece piece_of(const T* rows, int row, int count, int first, int length) {
  Piece piece{{0, 0, 0, 0}};
  if (row < count && first < length) piece = *reinterpret_cast<const Piece*>(rows + row * length + first);
  return piece;
}

/// What a thread has loaded for the next tile.
struct Ahead {
  Piece y[4], wide[4];
  float term;
};

/// A thread's rows of y: a quad where they are stored as such too, else two neighbours.
template <Kind kKind>
constexpr int kYRows = kHasSlopes<kKind> ? 4 : 2;
template <Kind kKind>
__device__ __forceinline__ int y_row(int part, int k) {
  return kHasSlopes<kKind> ? row_of(part, k) : 2 * part + k;
}

/// Where a launch's block stands.
struct Place {
  int image, row, rows;  ///< first row, and how many there are from it on
};

/// Of y or dv, the block's first.
__device__ __forceinline__ int out_column() { return int(blockIdx.y) * kWide; }

/// Groups of 32 in `numbers`, at most `most`.
__device__ __forceinline__ int groups_in(int numbers, int most) {
  return Min{}((numbers + kGroup - 1) / kGroup, most);
}

/// The first of the lane's two rows in the block: g of its warp's 16; the other is 8 further.
__device__ __forceinline__ int row_of_lane() {
  return int(threadIdx.x) / 32 * 16 + int(threadIdx.x) % 32 / 4;
}

/// A warp's rows g and g + 8, 8 numbers of a group each: what two products take.
struct Fragment {
  uint32_t front[4], back[4];
};

template <int kGroups, class T>
__device__ __forceinline__ void load_fragments(const T* rows, int count, int first, int length,
                                               Fragment (&to)[kGroups]) {
  const int row = row_of_lane(), t = int(threadIdx.x) % 4;
  CAWE_UNROLL
  for (int i = 0; i < kGroups; ++i) {
    const Piece upper = piece_of(rows, row, count, first + i * kGroup + t * 8, length);
    const Piece lower = piece_of(rows, row + 8, count, first + i * kGroup + t * 8, length);
    CAWE_UNROLL
    for (int k = 0; k < 2; ++k) {
      to[i].front[2 * k] = upper.v[k];
      to[i].front[2 * k + 1] = lower.v[k];
      to[i].back[2 * k] = upper.v[2 + k];
      to[i].back[2 * k + 1] = lower.v[2 + k];
    }
  }
}

/// sums[n] += rows x (columns 8 n to 8 n + 7 of the tile), along `groups` groups of 32 numbers.
template <class T, int kGroups>
__device__ __forceinline__ void multiply_rows(const Fragment (&rows)[kGroups], const Lines<kGroups>& tile,
                                              int groups, float (&sums)[4][4]) {
  const int g = int(threadIdx.x) % 32 / 4, t = int(threadIdx.x) % 4;
  CAWE_UNROLL
  for (int i = 0; i < kGroups; ++i) {
    if (i >= groups) continue;
    Piece columns[4];
    CAWE_UNROLL
    for (int n = 0; n < 4; ++n) columns[n] = tile.at[Lines<kGroups>::place(8 * n + g, 4 * i + t)];
    CAWE_UNROLL
    for (int n = 0; n < 4; ++n) mma_16x8x16<T>(sums[n], rows[i].front, columns[n].v[0], columns[n].v[1]);
    CAWE_UNROLL
    for (int n = 0; n < 4; ++n) mma_16x8x16<T>(sums[n], rows[i].back, columns[n].v[2], columns[n].v[3]);
  }
}

/// sums += weights (rounded) x tile. sums[j][n] are columns 32 j + 8 t + n, and 4 further, of rows g and g + 8.
template <class T, int kGroups>
__device__ __forceinline__ void mix_columns(const float (&weights)[4][4], const Quads<kGroups>& tile,
                                            int groups, float (&sums)[kGroups][4][4]) {
  const int g = int(threadIdx.x) % 32 / 4, t = int(threadIdx.x) % 4;
  uint32_t a[2][4];
  CAWE_UNROLL
  for (int n = 0; n < 4; ++n) {
    a[n / 2][n % 2 * 2] = rounded_pair<T>(weights[n][0], weights[n][1]);
    a[n / 2][n % 2 * 2 + 1] = rounded_pair<T>(weights[n][2], weights[n][3]);
  }
  CAWE_UNROLL
  for (int j = 0; j < kGroups; ++j) {
    if (j >= groups) continue;
    CAWE_UNROLL
    for (int s = 0; s < 2; ++s) {  // 16 columns of scores each
      const Piece first = tile.at[Quads<kGroups>::place(4 * s + t, j, g, 0)];
      const Piece second = tile.at[Quads<kGroups>::place(4 * s + t, j, g, 1)];
      CAWE_UNROLL
      for (int n = 0; n < 2; ++n) mma_16x8x16<T>(sums[j][n], a[s], first.v[2 * n], first.v[2 * n + 1]);
      CAWE_UNROLL
      for (int n = 0; n < 2; ++n) mma_16x8x16<T>(sums[j][2 + n], a[s], second.v[2 * n], second.v[2 * n + 1]);
    }
  }
}

/// Stores 8 numbers, piece `piece`, of the four rows of a quad. Lanes take turns with the halves of the numbers: in the
/// same half, neighbours would meet in a bank.
template <int kGroups>
__device__ __forceinline__ void store_quad(Quads<kGroups>& tile, int quad, int piece,
                                           const Piece (&rows)[4]) {
  const int turn = int(threadIdx.x) / 4 % 2;
  CAWE_UNROLL
  for (int i = 0; i < 4; ++i) {
    uint32_t of[4];  // two columns of each row
    CAWE_UNROLL
    for (int k = 0; k < 4; ++k) of[k] = turn ? rows[k].v[i ^ 2] : rows[k].v[i];
    const Piece words{{(of[0] & 0xffffu) | of[1] << 16, (of[2] & 0xffffu) | of[3] << 16,
                       of[0] >> 16 | (of[1] & 0xffff0000u), of[2] >> 16 | (of[3] & 0xffff0000u)}};
    tile.at[Quads<kGroups>::place(quad, piece / 4, piece % 4 * 2 + (i / 2 ^ turn), i % 2)] = words;
  }
}

/// Loads a thread's part of tile `column`: of y (`fresh`), the terms of its queries, and of z or of channels from
/// `channel` on of w.
template <Kind kKind, int kDeep, class T>
__device__ __forceinline__ void load_tile(const Work<T>& work, const Place& place, int column, bool fresh,
                                          int channel, Ahead& ahead) {
  const int tid = int(threadIdx.x), lane = tid % 32, warp = tid / 32, columns = work.columns - column;
  const int64_t first = int64_t(place.image) * work.columns + column;
  const int part = tid / (4 * kDeep), piece = tid % (4 * kDeep);
  if (fresh && part < kColumns / kYRows<kKind>) {
    CAWE_UNROLL
    for (int k = 0; k < kYRows<kKind>; ++k)
      ahead.y[k] =
          piece_of(work.y + first * work.depth, y_row<kKind>(part, k), columns, piece * 8, work.depth);
  }
  if (fresh && !kRowsAreQueries<kKind> && tid < 3 * kColumns) {
    ahead.term = 0;
    if (lane < columns) ahead.term = work.terms[warp * work.images * work.columns + first + lane];
  }
  if constexpr (kHasSlopes<kKind>) {
    constexpr int kAcross = 4 * kAlong<kDeep>;
    CAWE_UNROLL
    for (int k = 0; k < kAlong<kDeep> / 2; ++k)
      ahead.wide[k] = piece_of(work.w + first * work.channels, tid / kAcross + kThreads / kAcross * k,
                               columns, channel + tid % kAcross * 8, work.channels);
  } else {
    CAWE_UNROLL
    for (int k = 0; k < 4; ++k)
      ahead.wide[k] = piece_of(work.z + first * work.width, row_of(warp, k), columns, out_column() + lane * 8,
                               work.width);
  }
}

/// Stores what load_tile() loaded: y and its terms to `deep` (where `fresh`), z or w to `wide`.
template <Kind kKind, int kDeep>
__device__ __forceinline__ void store_tile(const Ahead& ahead, bool fresh, int groups,
                                           Tile<kKind, kDeep>& deep, Tile<kKind, kDeep>& wide) {
  const int tid = int(threadIdx.x), lane = tid % 32, warp = tid / 32;
  const int part = tid / (4 * kDeep), piece = tid % (4 * kDeep);
  if (fresh && part < kColumns / kYRows<kKind>) {
    CAWE_UNROLL
    for (int k = 0; k < kYRows<kKind>; ++k)
      deep.y.at[Lines<kDeep>::place(y_row<kKind>(part, k), piece)] = ahead.y[k];
    if constexpr (kHasSlopes<kKind>) store_quad(deep.narrow, part, piece, ahead.y);
  }
  if (fresh && !kRowsAreQueries<kKind> && tid < 3 * kColumns) deep.terms[tid] = ahead.term;
  if constexpr (kHasSlopes<kKind>) {
    constexpr int kAcross = 4 * kAlong<kDeep>;
    if (tid % kAcross >= 4 * groups) return;
    CAWE_UNROLL
    for (int k = 0; k < kAlong<kDeep> / 2; ++k)
      wide.wide.at[Lines<kAlong<kDeep>>::place(tid / kAcross + kThreads / kAcross * k, tid % kAcross)] =
          ahead.wide[k];
  } else {
    if (lane >= 4 * groups) return;
    store_quad(wide.wide, warp, lane, ahead.wide);
  }
}

}  // namespace
}  // namespace CAWE_DEVICE
