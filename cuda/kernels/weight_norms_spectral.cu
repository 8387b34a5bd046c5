// SPDX-License-Identifier: Apache-2.0
// Spectral norm of a weight W [O, K] with its power iteration, and the gradient. Source: Miyato et al. 2018,
// arXiv 1802.05957, as torch.nn.utils.spectral_norm computes it.
//
// Bytes     with iteration W is read three times and y written once: W^T u, W v and W / sigma need all of W
//           one after the other. sigma = u . (W v) costs nothing more. Without iteration: read twice, written
//           once. Gradient: dy read twice, y once, dW written once.
// FLOPs     4OK an iteration, OK for the division; gradient 5OK. Memory-bound.
// Launch    W^T u: blocks of 8 warps over 128 rows and 32 packs of columns, then their sums. W v: a warp, or
//           from 2,048 columns on a block, for 4 rows. One launch for norms, sigma, u and v; one for y.
//           Gradient: <dy, y> by blocks, their sum, then 32 rows and 32 packs of columns per block.
// Numerics  sums in W's type over at most 8,192 numbers, then f64; every order is fixed, no atomics.
// Loads     128 bits where K is a multiple of what one load holds, else one number per lane.
#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/weight_norms.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int kSplitRows = 128;    // rows per block of W^T u
constexpr int kGradientRows = 32;  // rows per block of the gradient
constexpr int kRows = 4;           // rows per warp or block of W v
constexpr int kPacks = 8;          // packs of dy and y per thread
constexpr int64_t kWide = 2048;    // from this many columns on, a block per row instead of a warp

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T, int kPack>
__device__ __forceinline__ Pack<T, kPack> load(const T* from, int64_t pack) {
  return reinterpret_cast<const Pack<T, kPack>*>(from)[pack];
}

/// Block (32, 8): partial[split][k] = sum of u[o] w[o][k] over the split's rows, of which a warp takes every
/// eighth.
template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    transposed_product(const T* __restrict__ w, const T* __restrict__ u, T* __restrict__ partial, int rows,
                       int columns) {
  constexpr int kColumns = 32 * kPack;
  __shared__ Pack<T, kPack> sums[kWarps][32];
  const int packs = columns / kPack, pack = int(blockIdx.x) * 32 + int(threadIdx.x);
  const int begin = int(blockIdx.y) * kSplitRows, end = begin + kSplitRows < rows ? begin + kSplitRows : rows;
  Pack<T, kPack> sum{};
  if (pack < packs)
    for (int o = begin + int(threadIdx.y); o < end; o += kWarps) {
      const auto p = load<T, kPack>(w, int64_t(o) * packs + pack);
      const T factor = u[o];
      for (int k = 0; k < kPack; ++k) sum.v[k] += factor * p.v[k];
    }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  const int mine = int(threadIdx.y) * 32 + int(threadIdx.x), column = int(blockIdx.x) * kColumns + mine;
  if (mine >= kColumns || column >= columns) return;
  T total = 0;
  for (int warp = 0; warp < kWarps; ++warp) total += sums[warp][mine / kPack].v[mine % kPack];
  partial[int64_t(blockIdx.y) * columns + column] = total;
}

/// raw[k] = sum of the splits; squares[block] = sum of raw[k]^2 over the block's columns.
template <class T>
__global__ void __launch_bounds__(kThreads)
    add_splits(const T* __restrict__ partial, T* __restrict__ raw, double* __restrict__ squares, int splits,
               int columns) {
  __shared__ double warps[32];
  const int column = int(blockIdx.x) * kThreads + int(threadIdx.x);
  T sum = 0;
  if (column < columns) {
    for (int s = 0; s < splits; ++s) sum += partial[int64_t(s) * columns + column];
    raw[column] = sum;
  }
  const double total = block_reduce(double(sum) * double(sum), Sum{}, 0.0, warps);
  if (threadIdx.x == 0) squares[blockIdx.x] = total;
}

/// wv[o] = w[o] . v; a warp or a block takes kRows rows, for which it loads v once.
template <class T, int kPack, bool kBlock>
__global__ void __launch_bounds__(kThreads)
    product(const T* __restrict__ w, const T* __restrict__ v, T* __restrict__ wv, int rows, int columns) {
  __shared__ T warps[kRows][32];
  constexpr int kStep = kBlock ? kThreads : 32;
  const int first = kRows * (kBlock ? int(blockIdx.x) : int(blockIdx.x) * kWarps + int(threadIdx.x) / 32);
  if (first >= rows) return;  // whole warps return, so no lane is missing in a shuffle
  const int packs = columns / kPack;
  T sum[kRows] = {};
  for (int i = int(threadIdx.x) % kStep; i < packs; i += kStep) {
    const auto q = load<T, kPack>(v, i);
    for (int r = 0; r < kRows; ++r) {
      if (first + r >= rows) continue;
      const auto p = load<T, kPack>(w, int64_t(first + r) * packs + i);
      for (int k = 0; k < kPack; ++k) sum[r] += p.v[k] * q.v[k];
    }
  }
  for (int r = 0; r < kRows; ++r) {
    sum[r] = kBlock ? block_reduce(sum[r], Sum{}, T(0), warps[r]) : warp_reduce(sum[r], Sum{});
    if (threadIdx.x % kStep == 0 && first + r < rows) wv[first + r] = sum[r];
  }
}

/// Returns the sum of values(i) for i < n, computed by the block, to every thread. `warps`: 33 doubles of
/// shared memory.
template <class Values>
__device__ __forceinline__ double block_sum(int64_t n, double* warps, const Values& values) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < n; i += kThreads) sum += values(i);
  sum = block_reduce(sum, Sum{}, 0.0, warps);
  if (threadIdx.x == 0) warps[32] = sum;
  __syncthreads();
  return warps[32];
}

__device__ __forceinline__ double norm_of(double squares, double eps) {
  const double norm = ::sqrt(squares);
  return norm > eps ? norm : eps;
}

/// After an iteration, with wv = w raw: block 0 computes u and sigma, the others normalise v. n: number of
/// sums of squares.
template <class T>
__global__ void __launch_bounds__(kThreads)
    finish_iteration(const T* __restrict__ raw, const T* __restrict__ wv, const double* __restrict__ squares,
                     int n, T* __restrict__ u, T* __restrict__ v, T* __restrict__ sigma, int rows,
                     int columns, double eps) {
  __shared__ double warps[33], more_warps[33];
  const double right = norm_of(block_sum(n, warps, [=](int64_t i) { return squares[i]; }), eps);
  if (blockIdx.x > 0) {
    const int k = int(blockIdx.x - 1) * kThreads + int(threadIdx.x);
    if (k < columns) v[k] = T(double(raw[k]) / right);
    return;
  }
  const double sum = block_sum(rows, more_warps, [=](int64_t o) {
    const double x = double(wv[o]) / right;
    return x * x;
  });
  const double left = norm_of(sum, eps);
  for (int o = int(threadIdx.x); o < rows; o += kThreads) u[o] = T(double(wv[o]) / right / left);
  if (threadIdx.x == 0) *sigma = T(sum / left);
}

/// sigma = u . wv, by one block.
template <class T>
__global__ void __launch_bounds__(kThreads)
    make_sigma(const T* __restrict__ u, const T* __restrict__ wv, T* __restrict__ sigma, int rows) {
  __shared__ double warps[33];
  const double sum = block_sum(rows, warps, [=](int64_t o) { return double(u[o]) * double(wv[o]); });
  if (threadIdx.x == 0) *sigma = T(sum);
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    divide(const T* __restrict__ w, const T* __restrict__ sigma, T* __restrict__ y, int64_t packs) {
  const T inverse = T(1) / *sigma;
  const int64_t first = int64_t(blockIdx.x) * (kThreads * kPacks) + int(threadIdx.x);
  for (int64_t i = first; i < first + kThreads * kPacks && i < packs; i += kThreads) {
    auto p = load<T, kPack>(w, i);
    for (int k = 0; k < kPack; ++k) p.v[k] *= inverse;
    reinterpret_cast<Pack<T, kPack>*>(y)[i] = p;
  }
}

// --- gradient
/// sums[block] = <dy, y> over the block's packs.
template <class T, int kPack>
__global__ void __launch_bounds__(kThreads) inner_products(const T* __restrict__ dy, const T* __restrict__ y,
                                                           double* __restrict__ sums, int64_t packs) {
  __shared__ T warps[32];
  const int64_t first = int64_t(blockIdx.x) * (kThreads * kPacks) + int(threadIdx.x);
  T sum = 0;
  for (int64_t i = first; i < first + kThreads * kPacks && i < packs; i += kThreads) {
    const auto p = load<T, kPack>(dy, i), q = load<T, kPack>(y, i);
    for (int k = 0; k < kPack; ++k) sum += p.v[k] * q.v[k];
  }
  sum = block_reduce(sum, Sum{}, T(0), warps);
  if (threadIdx.x == 0) sums[blockIdx.x] = double(sum);
}

/// sums[n] = sum of sums[0 .. n), by one block.
__global__ void __launch_bounds__(kThreads) add_up(double* sums, int64_t n) {
  __shared__ double warps[33];
  const double sum = block_sum(n, warps, [=](int64_t i) { return sums[i]; });
  if (threadIdx.x == 0) sums[n] = sum;
}

/// Block (32, 8): 32 packs of columns of kGradientRows rows, of which a warp takes every eighth.
template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    gradient(const T* __restrict__ dy, const T* __restrict__ u, const T* __restrict__ v,
             const T* __restrict__ sigma, const double* __restrict__ along, T* __restrict__ dw, int rows,
             int columns) {
  const int packs = columns / kPack, pack = int(blockIdx.x) * 32 + int(threadIdx.x);
  if (pack >= packs) return;
  const int begin = int(blockIdx.y) * kGradientRows;
  const auto right = load<T, kPack>(v, pack);
  const T inverse = T(1) / *sigma, a = T(*along);
  for (int o = begin + int(threadIdx.y); o < begin + kGradientRows && o < rows; o += kWarps) {
    const T share = a * u[o];
    auto p = load<T, kPack>(dy, int64_t(o) * packs + pack);
    for (int k = 0; k < kPack; ++k) p.v[k] = (p.v[k] - share * right.v[k]) * inverse;
    reinterpret_cast<Pack<T, kPack>*>(dw)[int64_t(o) * packs + pack] = p;
  }
}

// --- launches
/// Layout of the scratch memory, doubles first.
template <class T>
struct Scratch {
  Scratch(const MatrixSize& size, void* memory)
      : splits(ceil_div(size.rows, kSplitRows)),
        column_blocks(ceil_div(size.columns, kThreads)),
        sums(static_cast<double*>(memory)),
        raw(reinterpret_cast<T*>(sums + doubles(size))),
        partial(raw + padded(size.columns)),
        wv(partial + splits * size.columns),
        bytes((wv - raw + size.rows) * int64_t(sizeof(T)) + doubles(size) * int64_t(sizeof(double))) {}
  /// Doubles: a sum of squares for each block of add_splits; in the gradient a sum for each block of <dy, y>,
  /// with the smallest packs, and their total.
  static int64_t doubles(const MatrixSize& size) {
    const int64_t squares = ceil_div(size.columns, kThreads),
                  products = ceil_div(size.rows * size.columns, kThreads * kPacks) + 1;
    return padded(squares > products ? squares : products);
  }
  /// n rounded up, so that what follows is 16-byte aligned.
  static int64_t padded(int64_t n) { return ceil_div(n, 4) * 4; }

  int64_t splits, column_blocks;
  double* sums;
  T *raw, *partial, *wv;
  int64_t bytes;
};

template <class T, int kPack>
void launch_forward(const T* w, const MatrixSize& size, bool iterate, double eps, T* u, T* v, T* sigma, T* y,
                    const Scratch<T>& m, DeviceStream stream) {
  const int rows = int(size.rows), columns = int(size.columns);
  const auto column_blocks = unsigned(m.column_blocks);
  if (iterate) {
    const dim3 grid(unsigned(ceil_div(columns, 32 * kPack)), unsigned(m.splits)), block(32, kWarps);
    CAWE_LAUNCH((transposed_product<T, kPack>), grid, block, 0, stream, w, u, m.partial, rows, columns);
    CAWE_LAUNCH(add_splits<T>, column_blocks, kThreads, 0, stream, m.partial, m.raw, m.sums, int(m.splits),
                columns);
  }
  const T* const right = iterate ? m.raw : v;
  if (columns >= kWide)
    CAWE_LAUNCH((product<T, kPack, true>), unsigned(ceil_div(rows, kRows)), kThreads, 0, stream, w, right,
                m.wv, rows, columns);
  else
    CAWE_LAUNCH((product<T, kPack, false>), unsigned(ceil_div(rows, kRows * kWarps)), kThreads, 0, stream, w,
                right, m.wv, rows, columns);
  if (iterate)
    CAWE_LAUNCH(finish_iteration<T>, 1 + column_blocks, kThreads, 0, stream, m.raw, m.wv, m.sums,
                int(column_blocks), u, v, sigma, rows, columns, eps);
  else
    CAWE_LAUNCH(make_sigma<T>, 1, kThreads, 0, stream, u, m.wv, sigma, rows);
  const int64_t packs = size.rows * size.columns / kPack;
  CAWE_LAUNCH((divide<T, kPack>), unsigned(ceil_div(packs, kThreads * kPacks)), kThreads, 0, stream, w, sigma,
              y, packs);
}

template <class T, int kPack>
void launch_gradient(const T* dy, const T* y, const MatrixSize& size, const T* u, const T* v, const T* sigma,
                     T* dw, const Scratch<T>& m, DeviceStream stream) {
  const int64_t packs = size.rows * size.columns / kPack, blocks = ceil_div(packs, kThreads * kPacks);
  CAWE_LAUNCH((inner_products<T, kPack>), unsigned(blocks), kThreads, 0, stream, dy, y, m.sums, packs);
  CAWE_LAUNCH(add_up, 1, kThreads, 0, stream, m.sums, blocks);
  const dim3 grid(unsigned(ceil_div(size.columns, 32 * kPack)), unsigned(ceil_div(size.rows, kGradientRows)));
  CAWE_LAUNCH((gradient<T, kPack>), grid, dim3(32, kWarps), 0, stream, dy, u, v, sigma, m.sums + blocks, dw,
              int(size.rows), int(size.columns));
}

}  // namespace

int64_t spectral_norm_scratch(Number number, const MatrixSize& size) {
  CAWE_DISPATCH_WEIGHTS(number, T, return Scratch<T>(size, nullptr).bytes)
}

void spectral_norm(Number number, const void* w, const MatrixSize& size, bool iterate, double eps, void* u,
                   void* v, void* sigma, void* y, void* scratch, DeviceStream stream) {
  CAWE_DISPATCH_WEIGHTS(number, T, {
    const Scratch<T> memory(size, scratch);
    const auto launch =
        size.columns % kPerLoad<T> == 0 ? launch_forward<T, kPerLoad<T>> : launch_forward<T, 1>;
    launch(static_cast<const T*>(w), size, iterate, eps, static_cast<T*>(u), static_cast<T*>(v),
           static_cast<T*>(sigma), static_cast<T*>(y), memory, stream);
  })
}

void spectral_norm_grad(Number number, const void* dy, const void* y, const MatrixSize& size, const void* u,
                        const void* v, const void* sigma, void* dw, void* scratch, DeviceStream stream) {
  CAWE_DISPATCH_WEIGHTS(number, T, {
    const Scratch<T> memory(size, scratch);
    const auto launch =
        size.columns % kPerLoad<T> == 0 ? launch_gradient<T, kPerLoad<T>> : launch_gradient<T, 1>;
    launch(static_cast<const T*>(dy), static_cast<const T*>(y), size, static_cast<const T*>(u),
           static_cast<const T*>(v), static_cast<const T*>(sigma), static_cast<T*>(dw), memory, stream);
  })
}

}  // namespace CAWE_DEVICE
