// SPDX-License-Identifier: Apache-2.0
// Sums of rows and of columns of dense tensors. A sum over any dimensions of a dense tensor is a chain of
// these two; global average pooling is one of them.
//
// Bytes     read n·e; write e or, for a piece of a long sum, 4 (f64: 8) for each sum. Sums in two launches
//           write and read at most n/256 partial sums more.
// FLOPs     n additions. Memory-bound.
// Launch    Rows from 1,024 numbers on: a block of 256 threads for a piece of at most 16,384. Shorter rows: 1
//           to 32 lanes for a row, 256 threads per block. Columns: block of 256, width x depth lanes, a lane
//           adds up every depth-th row of its column, at most 32 of them in a piece (width 256 for few rows,
//           32 for many).
// Numerics  f32 (f64 for f64). Fixed order: a lane adds at most 64 numbers of a piece as they lie, lanes meet
//           in a butterfly or a tree.
// Loads     rows: 128 bits where rows are a multiple of what one load holds, else one number per lane.
//           Columns: one number per lane, neighbouring columns in neighbouring lanes.
#include "cuda/kernels/divider.cuh"
#include "cuda/kernels/reductions.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kRowPiece = 16384, kRowsOfALane = 32, kLongRow = 1024;

struct Itself {
  template <class A>
  __device__ __forceinline__ A operator()(A x) const {
    return x;
  }
};
struct Squared {
  template <class A>
  __device__ __forceinline__ double operator()(A x) const {
    return double(x) * double(x);
  }
};

/// Sum of term(x[first]), term(x[first + step]), ... in packs of kPack.
template <class A, int kPack, class In, class Term>
__device__ __forceinline__ A strided_sum(const In* x, int count, int first, int step, Term term) {
  const auto* packs = reinterpret_cast<const Pack<In, kPack>*>(x);
  A sum = 0;
  for (int i = first; i < count / kPack; i += step) {
    const Pack<In, kPack> p = packs[i];
    for (int k = 0; k < kPack; ++k) sum += term(widen(p.v[k]));
  }
  return sum;
}

/// The numbers of one piece of a row.
struct Piece {
  int64_t begin;
  int count;
};
__device__ __forceinline__ Piece piece_of(int64_t length, unsigned piece) {
  const int64_t begin = int64_t(piece) * kRowPiece, left = length - begin;
  return {begin, int(left < kRowPiece ? left : kRowPiece)};
}

template <class In, class Out, int kPack>
__global__ void __launch_bounds__(kThreads)
    sum_long_rows(const In* __restrict__ x, Out* __restrict__ y, int64_t length, unsigned pieces,
                  Accumulator<In> divisor) {
  using A = Accumulator<In>;
  __shared__ A partial[32];
  const unsigned row = blockIdx.x / pieces;
  const Piece p = piece_of(length, blockIdx.x - row * pieces);
  const A mine =
      strided_sum<A, kPack>(x + row * length + p.begin, p.count, int(threadIdx.x), kThreads, Itself{});
  const A sum = block_reduce(mine, Sum{}, A(0), partial);
  if (threadIdx.x == 0) y[blockIdx.x] = rounded<Out>(sum / divisor);
}

template <class In, class Out, int kPack>
__global__ void __launch_bounds__(kThreads)
    sum_short_rows(const In* __restrict__ x, Out* __restrict__ y, int64_t rows, int length, int lanes,
                   Accumulator<In> divisor) {
  using A = Accumulator<In>;
  const int64_t row = (int64_t(blockIdx.x) * kThreads + threadIdx.x) / lanes;
  const int lane = int(threadIdx.x) % lanes;
  A sum = 0;
  if (row < rows) sum = strided_sum<A, kPack>(x + row * length, length, lane, lanes, Itself{});
  for (int distance = lanes / 2; distance > 0; distance /= 2)
    sum += __shfl_xor_sync(0xffffffffu, sum, distance);
  if (lane == 0 && row < rows) y[row] = rounded<Out>(sum / divisor);
}

/// The shape of a block over columns; the grid is [batch, pieces, columns / width].
struct ColumnGrid {
  unsigned width, depth;  ///< lanes over columns and over rows
  unsigned across, pieces;
  unsigned rows, columns;
};

template <class In, class Out>
__global__ void __launch_bounds__(kThreads) sum_of_columns(const In* __restrict__ x, Out* __restrict__ y,
                                                           const ColumnGrid g, Accumulator<In> divisor) {
  using A = Accumulator<In>;
  __shared__ A partial[kThreads];
  const unsigned left = blockIdx.x / g.across, item = left / g.pieces, piece = left - item * g.pieces;
  const unsigned depth = threadIdx.x / g.width,
                 column = (blockIdx.x - left * g.across) * g.width + threadIdx.x % g.width;
  const unsigned begin = piece * g.depth * kRowsOfALane, past = begin + g.depth * kRowsOfALane,
                 end = past < g.rows ? past : g.rows;
  A sum = 0;
  if (column < g.columns) {
    const In* from = x + int64_t(item) * g.rows * g.columns + column;
    for (unsigned row = begin + depth; row < end; row += g.depth)
      sum += widen(from[int64_t(row) * g.columns]);
  }
  partial[threadIdx.x] = sum;
  for (unsigned half = g.depth / 2; half > 0; half /= 2) {
    __syncthreads();
    if (depth < half) partial[threadIdx.x] = sum += partial[threadIdx.x + half * g.width];
  }
  if (depth == 0 && column < g.columns) y[int64_t(left) * g.columns + column] = rounded<Out>(sum / divisor);
}

// --- choosing

/// Calls run(In{}, Out{}) with the types of two Numbers.
template <class Run>
void with_types(Number in, Number out, const Run& run) {
  if (in == Number::f64) return run(double{}, double{});
  if (in == Number::f32) {
    if (out == Number::f16) return run(float{}, half{});
    if (out == Number::bf16) return run(float{}, bf16{});
    return run(float{}, float{});
  }
  if (in == Number::f16) return out == Number::f32 ? run(half{}, float{}) : run(half{}, half{});
  return out == Number::f32 ? run(bf16{}, float{}) : run(bf16{}, bf16{});
}

template <class In>
bool in_packs(const In* x, int64_t length) {
  return length % kPerLoad<In> == 0 && reinterpret_cast<uintptr_t>(x) % 16 == 0;
}

template <class In, class Out, int kPack>
void launch_rows(const In* x, Out* y, int64_t rows, int64_t length, double divisor, DeviceStream stream) {
  using A = Accumulator<In>;
  const int64_t pieces = row_pieces(length);
  if (length >= kLongRow) {
    CAWE_LAUNCH((sum_long_rows<In, Out, kPack>), unsigned(rows * pieces), kThreads, 0, stream, x, y, length,
                unsigned(pieces), A(divisor));
    return;
  }
  int lanes = 1;
  while (lanes < 32 && lanes < length / kPack) lanes *= 2;
  CAWE_LAUNCH((sum_short_rows<In, Out, kPack>), unsigned(ceil_div(rows * lanes, kThreads)), kThreads, 0,
              stream, x, y, rows, int(length), lanes, A(divisor));
}

/// Wide blocks for few rows, deep ones for many.
ColumnGrid column_grid(int64_t rows, int64_t columns) {
  ColumnGrid g{};
  g.width = 1;
  while (g.width < kThreads && g.width < columns) g.width *= 2;
  while (g.width > 32 && (kThreads / g.width) * 8 < rows) g.width /= 2;
  g.depth = kThreads / g.width;
  g.across = unsigned(ceil_div(columns, g.width));
  g.rows = unsigned(rows);
  g.columns = unsigned(columns);
  const int64_t pieces = ceil_div(rows, int64_t(g.depth) * kRowsOfALane);
  g.pieces = unsigned(pieces > 1 ? pieces : 1);
  return g;
}

}  // namespace

int64_t row_pieces(int64_t length) { return length > kRowPiece ? ceil_div(length, kRowPiece) : 1; }

int64_t column_pieces(int64_t rows, int64_t columns) { return column_grid(rows, columns).pieces; }

void sum_rows(Number in, Number out, const void* x, void* y, int64_t rows, int64_t length, double divisor,
              DeviceStream stream) {
  if (rows == 0) return;
  with_types(in, out, [&](auto from, auto to) {
    using In = decltype(from);
    using Out = decltype(to);
    const In* const numbers = static_cast<const In*>(x);
    if (in_packs(numbers, length))
      launch_rows<In, Out, kPerLoad<In>>(numbers, static_cast<Out*>(y), rows, length, divisor, stream);
    else
      launch_rows<In, Out, 1>(numbers, static_cast<Out*>(y), rows, length, divisor, stream);
  });
}

void sum_columns(Number in, Number out, const void* x, void* y, int64_t batch, int64_t rows, int64_t columns,
                 double divisor, DeviceStream stream) {
  if (batch * columns == 0) return;
  const ColumnGrid g = column_grid(rows, columns);
  with_types(in, out, [&](auto from, auto to) {
    using In = decltype(from);
    using Out = decltype(to);
    CAWE_LAUNCH((sum_of_columns<In, Out>), unsigned(batch * g.pieces * g.across), kThreads, 0, stream,
                static_cast<const In*>(x), static_cast<Out*>(y), g, Accumulator<In>(divisor));
  });
}

}  // namespace CAWE_DEVICE
