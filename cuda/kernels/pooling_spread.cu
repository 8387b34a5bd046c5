// SPDX-License-Identifier: Apache-2.0
// The gradient of global average pooling: every cell of a channel gets dy / cells.
//
// Bytes     read N·C·e, write N·C·H·W·e.
// FLOPs     1 per number written (the division): memory-bound.
// Launch    256 threads per block, 16 bytes written per thread; where the cells (NCHW) or channels
//           (channels-last) are no multiple of that, one number per thread.
// Numerics  f32 for f16 and bf16; f32 and f64 give the CPU's bits.
// Loads     dy: one number, the same for many lanes (NCHW), or 128 bits (channels-last).
#include "cuda/kernels/pooling.h"
#include "cuda/kernels/walk.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

/// In packs: pack i of y is filled from pack or number (i / run) * channels + i % channels of x. NCHW: run =
/// packs of a channel, channels = 1. Channels-last: run = packs of an image, channels = packs of a cell.
struct Spread {
  unsigned packs;
  Divider run, channels;
};

template <class T, int kPack, bool kLast>
__global__ void __launch_bounds__(kFlatThreads)
    spread_means(const T* __restrict__ dy, T* __restrict__ dx, const Spread s, Accumulator<T> cells) {
  const unsigned i = blockIdx.x * kFlatThreads + threadIdx.x;
  if (i >= s.packs) return;
  const unsigned outer = divide(i, s.run), channel = i - divide(i, s.channels) * s.channels.divisor;
  Pack<T, kPack> p;
  if (kLast) {
    p = reinterpret_cast<const Pack<T, kPack>*>(dy)[outer * s.channels.divisor + channel];
    for (int k = 0; k < kPack; ++k) p.v[k] = rounded<T>(widen(p.v[k]) / cells);
  } else {
    const T g = rounded<T>(widen(dy[outer]) / cells);
    for (int k = 0; k < kPack; ++k) p.v[k] = g;
  }
  reinterpret_cast<Pack<T, kPack>*>(dx)[i] = p;
}

template <class T, int kPack, bool kLast>
void launch_spread(const T* dy, T* dx, int64_t n, int64_t c, int64_t cells, DeviceStream stream) {
  const int64_t image = c * cells / kPack, most = image < kMostCounted ? kMostCounted / image : 1;
  for (int64_t first = 0; first < n; first += most) {
    const int64_t images = n - first < most ? n - first : most;
    const Spread s{unsigned(images * image), make_divider(kLast ? image : cells / kPack),
                   make_divider(kLast ? c / kPack : 1)};
    CAWE_LAUNCH((spread_means<T, kPack, kLast>), unsigned(ceil_div(s.packs, kFlatThreads)), kFlatThreads, 0,
                stream, dy + first * c, dx + first * c * cells, s, Accumulator<T>(cells));
  }
}

}  // namespace

void global_avg_pool_grad(Number number, const void* dy, void* dx, int64_t n, int64_t c, int64_t cells,
                          bool channels_last, DeviceStream stream) {
  if (n * c * cells == 0) return;
  CAWE_DISPATCH(number, T, {
    const T* const from = static_cast<const T*>(dy);
    T* const to = static_cast<T*>(dx);
    const bool packs = (channels_last ? c : cells) % kPerLoad<T> == 0 && is_aligned(dx) &&
                       (!channels_last || is_aligned(dy));
    if (channels_last && packs)
      launch_spread<T, kPerLoad<T>, true>(from, to, n, c, cells, stream);
    else if (channels_last)
      launch_spread<T, 1, true>(from, to, n, c, cells, stream);
    else if (packs)
      launch_spread<T, kPerLoad<T>, false>(from, to, n, c, cells, stream);
    else
      launch_spread<T, 1, false>(from, to, n, c, cells, stream);
  })
}

}  // namespace CAWE_DEVICE
