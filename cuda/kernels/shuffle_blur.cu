// SPDX-License-Identifier: Apache-2.0
// Blur, the mean of the 2 x 2 window that ends at each pixel with the first row and column repeated outwards,
// and its gradient, where a pixel gathers from the window that begins at it. Source: Sugawara et al. 2018,
// arXiv 1806.02658, as fastai places the window.
//
// Bytes     read n·e, write n·e: each number once.
// FLOPs     4 per number: memory-bound.
// Launch    256 threads. Channels-last: a thread computes 4 x 4 pixels of one channel, or of up to four where
//           they are a multiple of that. NCHW: 8 pixels of a column, lanes are neighbours of a row.
// Numerics  f32 (f64 for f64): the two of a row, then the rows, then a quarter, as on the CPU: its bits.
// Loads     channels-last: up to 128 bits; a tile of 16 pixels needs 25, each loaded once: 1.56 times the
//           numbers, of which memory sees one, caches the rest. NCHW: 9 rows for 8, each twice (the second
//           time one number to the left), 2.25 times, the second from L1.
#include "cuda/kernels/cells.cuh"
#include "cuda/kernels/shuffle.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256;

struct Sizes {
  int h, w, c;
};

/// sums[j]: of the two neighbours in row `row` that the window of pixel left + j covers. kGrad: windows begin
/// at their pixel, pixels beyond the border add nothing, and the first column counts twice.
template <class T, int kPack, int kColumns, bool kGrad>
__device__ __forceinline__ void row_sums(const T* image, const Sizes& s, int row, int left, int channel,
                                         Accumulator<T> (&sums)[kColumns][kPack]) {
  using A = Accumulator<T>;
  A before[kPack] = {};
#if defined(__CUDACC__)
#pragma unroll
#endif
  for (int j = 0; j <= kColumns; ++j) {
    const int wanted = kGrad ? left + j : left + j - 1, x = wanted < 0 ? 0 : wanted;
    A now[kPack] = {};
    if (x < s.w && row < s.h) {
      const auto p =
          *reinterpret_cast<const Pack<T, kPack>*>(image + (int64_t(row) * s.w + x) * s.c + channel);
      for (int k = 0; k < kPack; ++k) now[k] = widen(p.v[k]);
    }
    const A weight = kGrad && left + j == 1 ? A(2) : A(1);
    for (int k = 0; k < kPack; ++k) {
      if (j > 0) sums[j - 1][k] = weight * before[k] + now[k];
      before[k] = now[k];
    }
  }
}

/// Thread i: pack i of channels of the tile i of kRows x kColumns pixels.
template <class T, int kPack, int kRows, int kColumns, bool kGrad>
__global__ void __launch_bounds__(kThreads)
    blur_tiles(const T* __restrict__ from, T* __restrict__ to, const Sizes s, const Numbering by) {
  using A = Accumulator<T>;
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);
  const int64_t first = int64_t(cell.n) * s.h * s.w * s.c;
  const int top = cell.y * kRows, left = cell.x * kColumns, channel = int(cell.pack) * kPack;
  A before[kColumns][kPack], now[kColumns][kPack];
  const int above = kGrad ? top : top - 1;
  row_sums<T, kPack, kColumns, kGrad>(from + first, s, above < 0 ? 0 : above, left, channel, before);
#if defined(__CUDACC__)
#pragma unroll 1  // unrolled, ptxas spills registers for f64, and fewer warps fit
#endif
  for (int r = 0; r < kRows; ++r) {
    const int y = top + r;
    if (y >= s.h) break;
    row_sums<T, kPack, kColumns, kGrad>(from + first, s, kGrad ? y + 1 : y, left, channel, now);
    const A weight = kGrad && y == 0 ? A(2) : A(1);
    for (int j = 0; j < kColumns; ++j) {
      Pack<T, kPack> p;
      for (int k = 0; k < kPack; ++k) {
        p.v[k] = rounded<T>(A(0.25) * (weight * before[j][k] + now[j][k]));
        before[j][k] = now[j][k];
      }
      if (left + j < s.w)
        *reinterpret_cast<Pack<T, kPack>*>(to + first + (int64_t(y) * s.w + left + j) * s.c + channel) = p;
    }
  }
}

template <class T, int kPack, int kRows, int kColumns, bool kGrad>
void launch(const T* from, T* to, const Images& images, DeviceStream stream) {
  const Sizes s{int(images.h), int(images.w), int(images.c)};
  in_batches(images.n, images.numbers(), [&](int64_t first, int64_t n) {
    const Numbering by =
        numbering_of(n, ceil_div(images.h, kRows), ceil_div(images.w, kColumns), images.c / kPack);
    const int64_t at = first * images.numbers();
    CAWE_LAUNCH((blur_tiles<T, kPack, kRows, kColumns, kGrad>), unsigned(ceil_div(by.count, kThreads)),
                kThreads, 0, stream, from + at, to + at, s, by);
  });
}

template <bool kGrad>
void launch_any(Number number, const void* from, void* to, const Dims4& sizes, bool channels_last,
                DeviceStream stream) {
  const Images images = images_of(sizes, channels_last);
  if (images.n * images.numbers() == 0) return;
  CAWE_DISPATCH(number, T, {
    const T* const in = static_cast<const T*>(from);
    T* const out = static_cast<T*>(to);
    if (!channels_last)
      launch<T, 1, 8, 1, kGrad>(in, out, images, stream);
    else if (in_channel_packs<T>(images.c, in, out))
      launch<T, kChannelPack<T>, 4, 4, kGrad>(in, out, images, stream);
    else
      launch<T, 1, 4, 4, kGrad>(in, out, images, stream);
  })
}

}  // namespace

void blur(Number number, const void* x, void* y, const Dims4& sizes, bool channels_last,
          DeviceStream stream) {
  launch_any<false>(number, x, y, sizes, channels_last, stream);
}

void blur_grad(Number number, const void* dy, void* dx, const Dims4& sizes, bool channels_last,
               DeviceStream stream) {
  launch_any<true>(number, dy, dx, sizes, channels_last, stream);
}

}  // namespace CAWE_DEVICE
