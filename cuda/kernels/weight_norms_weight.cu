// SPDX-License-Identifier: Apache-2.0
// Weight norm y[o] = g[o] v[o] / |v[o]| over the rows of V [O, K], and its gradient by v and g. Source:
// Salimans and Kingma 2016, arXiv 1602.07868; torch.nn.utils.weight_norm over dimension 0.
//
// Bytes     read O·K·e, write O·K·e; gradient: read 2O·K·e, write O·K·e. A row is read a second time, once
//           its norm is known, while it is in L1: the rows that there are have 300 numbers.
// FLOPs     3 per number; gradient 4.
// Launch    one warp per row, 8 rows per block.
// Numerics  sums in V's type in a fixed tree; no atomics.
// Loads     128 bits where K is a multiple of what one load holds, else one number per lane.
#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/weight_norms.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kWarps = kThreads / 32;

template <class T, int kPack>
__device__ __forceinline__ Pack<T, kPack> load(const T* from, int64_t pack) {
  return reinterpret_cast<const Pack<T, kPack>*>(from)[pack];
}

/// p . q
template <class T, int kPack>
__device__ __forceinline__ T product(const Pack<T, kPack>& p, const Pack<T, kPack>& q) {
  T sum = 0;
  for (int k = 0; k < kPack; ++k) sum += p.v[k] * q.v[k];
  return sum;
}

__device__ __forceinline__ float root_of(float x) { return sqrtf(x); }
__device__ __forceinline__ double root_of(double x) { return ::sqrt(x); }

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    normalise_rows(const T* __restrict__ v, const T* __restrict__ g, T* __restrict__ norm, T* __restrict__ y,
                   int rows, int columns) {
  const int row = int(blockIdx.x) * kWarps + int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
  if (row >= rows) return;  // whole warps return, so no lane is missing in a shuffle
  const int packs = columns / kPack;
  const int64_t first = int64_t(row) * packs;
  T squares = 0;
  for (int i = lane; i < packs; i += 32) {
    const auto p = load<T, kPack>(v, first + i);
    squares += product(p, p);
  }
  const T length = root_of(warp_reduce(squares, Sum{})), factor = g[row] / length;
  if (lane == 0) norm[row] = length;
  for (int i = lane; i < packs; i += 32) {
    auto p = load<T, kPack>(v, first + i);
    for (int k = 0; k < kPack; ++k) p.v[k] *= factor;
    reinterpret_cast<Pack<T, kPack>*>(y)[first + i] = p;
  }
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    gradient_of_rows(const T* __restrict__ dy, const T* __restrict__ v, const T* __restrict__ g,
                     const T* __restrict__ norm, T* __restrict__ dv, T* __restrict__ dg, int rows,
                     int columns) {
  const int row = int(blockIdx.x) * kWarps + int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
  if (row >= rows) return;  // whole warps return, so no lane is missing in a shuffle
  const int packs = columns / kPack;
  const int64_t first = int64_t(row) * packs;
  T sum = 0;
  for (int i = lane; i < packs; i += 32) {
    const auto p = load<T, kPack>(dy, first + i), q = load<T, kPack>(v, first + i);
    sum += product(p, q);
  }
  const T length = norm[row], along = warp_reduce(sum, Sum{}) / length;
  const T factor = g[row] / length, share = along / length;
  if (lane == 0) dg[row] = along;
  for (int i = lane; i < packs; i += 32) {
    auto p = load<T, kPack>(dy, first + i);
    const auto q = load<T, kPack>(v, first + i);
    for (int k = 0; k < kPack; ++k) p.v[k] = factor * (p.v[k] - share * q.v[k]);
    reinterpret_cast<Pack<T, kPack>*>(dv)[first + i] = p;
  }
}

unsigned blocks_for(const MatrixSize& size) { return unsigned((size.rows + kWarps - 1) / kWarps); }

template <class T, int kPack>
void launch_forward(const T* v, const MatrixSize& size, const T* g, T* norm, T* y, DeviceStream stream) {
  CAWE_LAUNCH((normalise_rows<T, kPack>), blocks_for(size), kThreads, 0, stream, v, g, norm, y,
              int(size.rows), int(size.columns));
}

template <class T, int kPack>
void launch_gradient(const T* dy, const T* v, const MatrixSize& size, const T* g, const T* norm, T* dv, T* dg,
                     DeviceStream stream) {
  CAWE_LAUNCH((gradient_of_rows<T, kPack>), blocks_for(size), kThreads, 0, stream, dy, v, g, norm, dv, dg,
              int(size.rows), int(size.columns));
}

}  // namespace

void weight_norm(Number number, const void* v, const MatrixSize& size, const void* g, void* norm, void* y,
                 DeviceStream stream) {
  CAWE_DISPATCH_WEIGHTS(number, T, {
    const auto launch =
        size.columns % kPerLoad<T> == 0 ? launch_forward<T, kPerLoad<T>> : launch_forward<T, 1>;
    launch(static_cast<const T*>(v), size, static_cast<const T*>(g), static_cast<T*>(norm),
           static_cast<T*>(y), stream);
  })
}

void weight_norm_grad(Number number, const void* dy, const void* v, const MatrixSize& size, const void* g,
                      const void* norm, void* dv, void* dg, DeviceStream stream) {
  CAWE_DISPATCH_WEIGHTS(number, T, {
    const auto launch =
        size.columns % kPerLoad<T> == 0 ? launch_gradient<T, kPerLoad<T>> : launch_gradient<T, 1>;
    launch(static_cast<const T*>(dy), static_cast<const T*>(v), size, static_cast<const T*>(g),
           static_cast<const T*>(norm), static_cast<T*>(dv), static_cast<T*>(dg), stream);
  })
}

}  // namespace CAWE_DEVICE
