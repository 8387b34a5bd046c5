// SPDX-License-Identifier: Apache-2.0
// Softmax attention and its gradient. Sources: Milakov & Gimelshein 2018 (arXiv 1805.02867) for the running
// softmax, Rabe & Staats 2021 (arXiv 2112.05682) and Dao et al. 2022 (arXiv 2205.14135) for tiles of scores
// that are never stored.
//
// f16 and bf16 of most shapes run in attention_mma.cu instead.
//
// One kernel, four ways: out[r] = sum over columns s of weight[r][s] z[s], where the weights come from tiles
// of scores. Forward: r are queries, s keys, z values, and the softmax runs along. dv: r are keys, s queries,
// z = dy. dq and dk: weights are softmax's slopes, z = k and q.
//
// Bytes     floor: every tensor once. A tile of rows reads all columns again: ceil(rows / 64) times (f64:
//           32), from the L2 where an image fits in it, and its own rows for every tile of columns.
// FLOPs     per score 2 depth; forward and dv 2 channels more, dq and dk 2 (channels + depth) more.
// Launch    256 threads for 64 rows (f64: 32) and up to 64 or 256 columns of y or dv, 64 or 128 of dq or dk
//           (f64: half of it). Wider outputs are cut, and each part makes the scores again. dy · y first, one
//           warp per query.
// Numerics  f32 (f64 for f64) in one order that only the shape decides, no atomics. Scores of 1e38 are safe.
// Loads     one number per lane, 32 bytes of a row together, so any depth and any width are possible; rows
//           that do not begin on a sector cost one more. Shared memory by 128-bit loads; places are turned
//           (place()) so that neither the stores nor the loads meet in a bank. Stores of 16-bit types meet in
//           twos: they fill whole sectors instead.
#include "cuda/kernels/attention.h"

#include "cuda/emulator/simt/simt.cuh"
// These need simt.cuh before them.
#include "cuda/kernels/attention.cuh"
#include "cuda/kernels/softmax.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kSide = 16;  // threads form a square: y counts rows, x columns
constexpr int kSlice = 16;                 // channels, or columns, in shared memory at a time
/// Rows and columns of a tile for each thread: as many sums as one 128-bit load holds.
template <class A>
constexpr int kEach = kPerLoad<A>;
template <class A>
constexpr int kTile = kSide* kEach<A>;
template <class A>
using Vector = Pack<A, kPerLoad<A>>;

/// Where number `column` of line `line` is stored in a tile. Columns are permuted by whole vectors (XOR with
/// `turn`), so that lanes which store to lines of different `turn` use different banks.
template <class A>
__device__ __forceinline__ int place(int line, int column, int turn) {
  return line * kTile<A> + (column ^ (kEach<A> * (turn % 8)));
}

template <class A>
__device__ __forceinline__ Vector<A> vector_at(const A* p) {
  return *reinterpret_cast<const Vector<A>*>(p);
}

/// Loads channels [first, first + kSlice) of up to kTile rows of x, transposed; 0 beyond the last.
template <class T>
__device__ __forceinline__ void stage_rows(const T* x, int rows, int depth, int first, Accumulator<T>* to) {
  using A = Accumulator<T>;
  constexpr int kAcross = sizeof(T) == 2 ? 16 : 8;  // lanes along a row: at least a sector
  const int d = int(threadIdx.x) % kAcross, r = int(threadIdx.x) / kAcross;
  for (int i = d; i < kSlice; i += kAcross)
    for (int j = r; j < kTile<A>; j += kThreads / kAcross) {
      A value = 0;
      if (j < rows && first + i < depth) value = widen(x[j * depth + first + i]);
      to[place<A>(i, j, i)] = value;
    }
}

/// sums[i][j] = x[row i of the thread] · y[column j of the thread].
template <class T>
__device__ __forceinline__ void products(const T* x, int rows, const T* y, int columns, int depth,
                                         Accumulator<T>* xs, Accumulator<T>* ys,
                                         Accumulator<T> (*sums)[kEach<Accumulator<T>>]) {
  using A = Accumulator<T>;
  const int tx = int(threadIdx.x) % kSide, ty = int(threadIdx.x) / kSide;
  for (int i = 0; i < kEach<A>; ++i)
    for (int j = 0; j < kEach<A>; ++j) sums[i][j] = 0;
  for (int first = 0; first < depth; first += kSlice) {
    stage_rows(x, rows, depth, first, xs);
    stage_rows(y, columns, depth, first, ys);
    __syncthreads();
    const int slice = depth - first < kSlice ? depth - first : kSlice;
    for (int d = 0; d < slice; ++d) {
      const Vector<A> a = vector_at(xs + place<A>(d, ty * kEach<A>, d));
      const Vector<A> b = vector_at(ys + place<A>(d, tx * kEach<A>, d));
      for (int i = 0; i < kEach<A>; ++i)
        for (int j = 0; j < kEach<A>; ++j) sums[i][j] += a.v[i] * b.v[j];
    }
    __syncthreads();
  }
}

/// Online softmax of one query: the largest score and the sum of exp(score - most) so far.
template <class A>
struct Running {
  A most = Lowest<A>::value, sum = 0;
};

/// Replaces the next scores of a row (16 lanes hold kEach each) by exp(score - most) and updates the row's
/// statistics; returns the factor by which the row's sums so far must be multiplied.
template <class A>
__device__ __forceinline__ A run_on(A* scores, Running<A>& row) {
  const A before = row.most;
  A most = before, sum = 0;
  for (int j = 0; j < kEach<A>; ++j) most = Max{}(scores[j], most);
  row.most = lanes_reduce<kSide>(most, Max{});
  for (int j = 0; j < kEach<A>; ++j) {
    scores[j] = exponential(scores[j] - row.most);
    sum += scores[j];
  }
  const A shrink = exponential(before - row.most);
  row.sum = row.sum * shrink + lanes_reduce<kSide>(sum, Sum{});
  return shrink;
}

/// A block's shared memory.
template <class A, int kWide>
struct alignas(16) Room {
  A xs[kSlice * kTile<A>], ys[kSlice * kTile<A>];  ///< slices of the two factors of the scores
  A weights[kTile<A> * kTile<A>];                  ///< transposed: a line is a column of scores
  A zs[kSlice * kWide];                            ///< a slice of z
  A terms[3 * kTile<A>];                           ///< of the queries in the columns
};

/// Loads the terms of up to kTile queries from `first` on.
template <class T>
__device__ __forceinline__ void stage_terms(const Work<T>& work, int64_t first, int queries,
                                            Accumulator<T>* to) {
  using A = Accumulator<T>;
  const int query = int(threadIdx.x);
  if (query >= kTile<A>) return;
  for (int k = 0; k < 3; ++k) {
    A term = 0;
    if (query < queries) term = work.terms[k * work.images * work.columns + first + query];
    to[k * kTile<A> + query] = term;
  }
}

/// Turns scores into weights (value_grad) or into gradients of scores; `products_c` are dy · v, terms those
/// of rows or columns, whichever are the queries. Beyond the last column a weight must be 0: column terms
/// ensure that; with row terms it would be exp(0 - most), possibly infinite, so it is set.
template <class T, Kind kKind, class A>
__device__ __forceinline__ void to_gradients(A (*scores)[kEach<A>], A (*products_c)[kEach<A>],
                                             const Term<A>* row_terms, const A* column_terms, int columns,
                                             A scale) {
  Vector<A> most, share, mean;
  if (!kRowsAreQueries<kKind>) {
    const A* mine = column_terms + int(threadIdx.x) % kSide * kEach<A>;
    most = vector_at(mine);
    share = vector_at(mine + kTile<A>);
    mean = vector_at(mine + 2 * kTile<A>);
  }
  for (int j = 0; j < kEach<A>; ++j)
    for (int i = 0; i < kEach<A>; ++i) {
      const Term<A> term = kRowsAreQueries<kKind> ? row_terms[i] : Term<A>{most.v[j], share.v[j], mean.v[j]};
      const bool missing = kRowsAreQueries<kKind> && int(threadIdx.x) % kSide * kEach<A> + j >= columns;
      const A weight = missing ? A(0) : exponential(scores[i][j] * scale - term.most) * term.share;
      scores[i][j] = kHasSlopes<kKind> ? scale * weight * (products_c[i][j] - term.mean) : weight;
    }
}

/// sums += weights z over up to kTile columns of scores from `first` on; z's columns from out_column on.
template <int kPacks, class T, class A>
__device__ __forceinline__ void accumulate(const Work<T>& work, int64_t first, int columns, int out_column,
                                           Room<A, kPacks * kTile<A>>* room, A (*sums)[kPacks][kEach<A>]) {
  constexpr int kN = kEach<A>, kWide = kPacks * kTile<A>;
  const int tx = int(threadIdx.x) % kSide, ty = int(threadIdx.x) / kSide;
  for (int s = 0; s < kTile<A> && s < columns; s += kSlice) {
    for (int i = int(threadIdx.x); i < kSlice * kWide; i += kThreads) {
      const int line = i / kWide, c = i % kWide;
      A value = 0;
      if (s + line < columns && out_column + c < work.width)
        value = widen(work.z[(first + s + line) * work.width + out_column + c]);
      room->zs[i] = value;
    }
    __syncthreads();
    for (int line = 0; line < kSlice; ++line) {
      const Vector<A> w = vector_at(room->weights + place<A>(s + line, ty * kN, (s + line) / kN));
      for (int p = 0; p < kPacks; ++p) {
        const Vector<A> z = vector_at(room->zs + line * kWide + (p * kSide + tx) * kN);
        for (int i = 0; i < kN; ++i)
          for (int k = 0; k < kN; ++k) sums[i][p][k] += w.v[i] * z.v[k];
      }
    }
    __syncthreads();
  }
}

/// Stores the thread's part of one row of the output, divided by `divisor`.
template <int kPacks, class T, class A>
__device__ __forceinline__ void store_row(const Work<T>& work, T* out, int out_column,
                                          const A (*sums)[kEach<A>], A divisor) {
  constexpr int kN = kEach<A>;
  CAWE_UNROLL  // also where rounding to bf16 makes the loop body long
      for (int p = 0; p < kPacks; ++p) {
    const int c = out_column + (p * kSide + int(threadIdx.x) % kSide) * kN;
    Pack<T, kN> values;
    for (int k = 0; k < kN; ++k) values.v[k] = rounded<T>(sums[p][k] / divisor);
    if (work.width % kN == 0) {
      if (c < work.width) *reinterpret_cast<Pack<T, kN>*>(out + c) = values;
    } else {
      for (int k = 0; k < kN; ++k)
        if (c + k < work.width) out[c + k] = values.v[k];
    }
  }
}

template <class T, Kind kKind, int kPacks>
__global__ void __launch_bounds__(kThreads, 2) attention_tiles(Work<T> work) {
  using A = Accumulator<T>;
  constexpr int kN = kEach<A>, kRows = kTile<A>, kWide = kPacks * kRows;
  using Shared = Room<A, kWide>;
  SIMT_DYN_SHARED(Shared, room);
  const int tx = int(threadIdx.x) % kSide, ty = int(threadIdx.x) / kSide;
  const int tiles = (work.rows + kRows - 1) / kRows, row = int(blockIdx.x % unsigned(tiles)) * kRows;
  const int rows = work.rows - row;  // of which this thread has kRows
  const int out_column = int(blockIdx.y) * kWide;
  const int64_t image = int64_t(blockIdx.x) / tiles, first_row = image * work.rows + row;
  Running<A> running[kN];
  Term<A> row_terms[kN];
  if (kKind == Kind::query_grad)
    for (int i = 0; i < kN; ++i) {
      row_terms[i] = {0, 0, 0};
      if (ty * kN + i >= rows) continue;
      const A* term = work.terms + first_row + ty * kN + i;
      row_terms[i].most = term[0];
      row_terms[i].share = term[work.images * work.rows];
      row_terms[i].mean = term[2 * work.images * work.rows];
    }
  A sums[kN][kPacks][kN];
  for (int i = 0; i < kN; ++i)
    for (int p = 0; p < kPacks; ++p)
      for (int k = 0; k < kN; ++k) sums[i][p][k] = 0;

  for (int column = 0; column < work.columns; column += kRows) {
    const int columns = work.columns - column;
    const int64_t first = image * work.columns + column;
    A scores[kN][kN];
    // Read after the next barrier; the last reads were before the previous one.
    if (!kRowsAreQueries<kKind>) stage_terms(work, first, columns, room->terms);
    products(work.x + first_row * work.depth, rows, work.y + first * work.depth, columns, work.depth,
             room->xs, room->ys, scores);
    if (kKind == Kind::forward) {
      for (int i = 0; i < kN; ++i) {
        for (int j = 0; j < kN; ++j)
          scores[i][j] = tx * kN + j < columns ? scores[i][j] * work.scale : A(-INFINITY);
        const A shrink = run_on(scores[i], running[i]);
        for (int p = 0; p < kPacks; ++p)
          for (int k = 0; k < kN; ++k) sums[i][p][k] *= shrink;
      }
    } else {
      A products_c[kN][kN];
      if (kHasSlopes<kKind>)
        products(work.u + first_row * work.channels, rows, work.w + first * work.channels, columns,
                 work.channels, room->xs, room->ys, products_c);
      to_gradients<T, kKind>(scores, products_c, row_terms, room->terms, columns, work.scale);
    }
    for (int j = 0; j < kN; ++j) {
      Vector<A> line;  // a thread's rows are adjacent
      for (int i = 0; i < kN; ++i) line.v[i] = scores[i][j];
      *reinterpret_cast<Vector<A>*>(room->weights + place<A>(tx * kN + j, ty * kN, tx)) = line;
    }
    accumulate<kPacks>(work, first, columns, out_column, room, sums);
  }

  CAWE_UNROLL
  for (int i = 0; i < kN; ++i) {
    if (ty * kN + i >= rows) continue;
    const int64_t r = first_row + ty * kN + i;
    if (kKind == Kind::forward && blockIdx.y == 0 && tx == 0) {
      Pack<A, 2> seen;
      seen.v[0] = running[i].most;
      seen.v[1] = running[i].sum;
      reinterpret_cast<Pack<A, 2>*>(work.seen)[r] = seen;
    }
    store_row<kPacks>(work, work.out + r * work.width, out_column, sums[i],
                      kKind == Kind::forward ? running[i].sum : A(1));
  }
}

/// terms = three arrays over n queries: largest score, 1 / sum and dy · y. One warp per query.
template <class T>
__global__ void __launch_bounds__(kThreads)
    attention_terms(const T* __restrict__ y, const T* __restrict__ dy,
                    const Accumulator<T>* __restrict__ seen, Accumulator<T>* __restrict__ terms, int64_t n,
                    int channels) {
  using A = Accumulator<T>;
  const int64_t query = (int64_t(blockIdx.x) * kThreads + int(threadIdx.x)) / 32;
  const int lane = int(threadIdx.x) % 32;
  if (query >= n) return;  // whole warps return, so no lane is missing in a shuffle
  A sum = 0;
  for (int c = lane; c < channels; c += 32)
    sum += widen(y[query * channels + c]) * widen(dy[query * channels + c]);
  sum = warp_reduce(sum, Sum{});
  if (lane != 0) return;
  const auto pair = reinterpret_cast<const Pack<A, 2>*>(seen)[query];
  terms[query] = pair.v[0];
  terms[n + query] = A(1) / pair.v[1];
  terms[2 * n + query] = sum;
}

template <Kind kKind, int kPacks, class T>
void launch(const Work<T>& work, DeviceStream stream) {
  constexpr int kRows = kTile<Accumulator<T>>, kWide = kPacks * kRows;
  constexpr size_t kShared = sizeof(Room<Accumulator<T>, kWide>);
  static_assert(kShared <= 48 * 1024, "what a block may have without asking");
  const int64_t blocks = work.images * ((work.rows + kRows - 1) / kRows);
  if (blocks * work.width == 0) return;
  const dim3 grid(unsigned(blocks), unsigned((work.width + kWide - 1) / kWide));
  CAWE_LAUNCH((attention_tiles<T, kKind, kPacks>), grid, kThreads, kShared, stream, work);
}

/// `launch` with as many packs of output columns per thread as the width needs.
template <Kind kKind, int kMost, class T>
void launch_fitting(const Work<T>& work, DeviceStream stream) {
  if (work.width <= kTile<Accumulator<T>>)
    launch<kKind, 1>(work, stream);
  else
    launch<kKind, kMost>(work, stream);
}

}  // namespace

void attention(Number number, const AttentionSizes& sizes, const void* q, const void* k, const void* v,
               void* y, void* seen, DeviceStream stream) {
  if (attention_mma_takes(number, sizes)) {
    attention_mma(number, sizes, q, k, v, y, seen, stream);
    return;
  }
  CAWE_DISPATCH(number, T,
                { launch_fitting<Kind::forward, 4>(forward_work<T>(sizes, q, k, v, y, seen), stream); })
}

void attention_grad(Number number, const AttentionSizes& sizes, const AttentionGradient& g,
                    DeviceStream stream) {
  const int64_t n = sizes.images * sizes.queries;
  CAWE_DISPATCH(number, T, {
    using A = Accumulator<T>;
    if (n > 0)
      CAWE_LAUNCH(attention_terms<T>, unsigned((n * 32 + kThreads - 1) / kThreads), kThreads, 0, stream,
                  in<T>(g.y), in<T>(g.dy), in<A>(g.seen), static_cast<A*>(g.terms), n, int(sizes.channels));
  })
  if (attention_mma_takes(number, sizes)) {
    attention_mma_grad(number, sizes, g, stream);
    return;
  }
  CAWE_DISPATCH(number, T, {
    launch_fitting<Kind::value_grad, 4>(value_grad_work<T>(sizes, g), stream);
    launch_fitting<Kind::key_grad, 2>(key_grad_work<T>(sizes, g), stream);
    launch_fitting<Kind::query_grad, 2>(query_grad_work<T>(sizes, g), stream);
  })
}

}  // namespace CAWE_DEVICE
