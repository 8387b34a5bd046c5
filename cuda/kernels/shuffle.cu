// SPDX-License-Identifier: Apache-2.0
// Pixel shuffle by 2 and its inverse: y[n, c, 2h + i, 2w + j] = x[n, 4c + 2i + j, h, w]. Source: Shi et al.
// 2016, arXiv 1609.05158; the order of channels is PyTorch's.
//
// Bytes     read n·e, write n·e: each number once.
// FLOPs     none.
// Launch    256 threads. Channels-last: a thread takes the 4 numbers of one channel of y and one pixel of x.
//           NCHW: a thread takes two neighbours of a row of y.
// Numerics  numbers are moved, nothing is computed: the CPU's bits.
// Loads     channels-last: 4 numbers of x a lane (f64: in two halves), single numbers of y, of which 32 lanes
//           take neighbours: whole sectors where C is a multiple of 32. NCHW: pairs of y, and neighbours of
//           two planes of x. A copy by strides would read each sector of x four times.
#include "cuda/kernels/cells.cuh"
#include "cuda/kernels/shuffle.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256;

/// Sizes of x: c are y's channels, a quarter of x's.
struct Small {
  int h, w, c;
};

/// Thread i: channel and pixel i of x seen as [N, H, W, C, 4]. kForward: from is x and to is y, else the
/// reverse.
template <class T, bool kForward>
__global__ void __launch_bounds__(kThreads)
    shuffle_channels_last(const T* __restrict__ from, T* __restrict__ to, const Small s, const Numbering by) {
  constexpr int kPack = kPerLoad<T> < 4 ? kPerLoad<T> : 4;
  using Packed = Pack<T, kPack>;
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);
  const int64_t upper = offset_of(cell.n, 2 * cell.y, 2 * cell.x, 2 * s.h, 2 * s.w, s.c) + cell.pack,
                lower = upper + int64_t(2) * s.w * s.c;
  const int64_t corner[4] = {upper, upper + s.c, lower, lower + s.c};
  for (int p = 0; p < 4 / kPack; ++p) {
    const int64_t pack = int64_t(i) * (4 / kPack) + p;
    Packed numbers;
    if (kForward) numbers = reinterpret_cast<const Packed*>(from)[pack];
    for (int k = 0; k < kPack; ++k) {
      if (kForward)
        to[corner[p * kPack + k]] = numbers.v[k];
      else
        numbers.v[k] = from[corner[p * kPack + k]];
    }
    if (!kForward) reinterpret_cast<Packed*>(to)[pack] = numbers;
  }
}

/// Thread i: the pair i of y seen as [N * C, 2H, W, 2].
template <class T, bool kForward>
__global__ void __launch_bounds__(kThreads)
    shuffle_planes(const T* __restrict__ from, T* __restrict__ to, const Small s, const Numbering by) {
  using Pair = Pack<T, 2>;
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);
  const int64_t plane = int64_t(s.h) * s.w;
  const int64_t left = (int64_t(cell.n) * 4 + 2 * (cell.y % 2)) * plane + int64_t(cell.y / 2) * s.w + cell.x;
  if (kForward) {
    Pair p;
    p.v[0] = from[left];
    p.v[1] = from[left + plane];
    reinterpret_cast<Pair*>(to)[i] = p;
  } else {
    const Pair p = reinterpret_cast<const Pair*>(from)[i];
    to[left] = p.v[0];
    to[left + plane] = p.v[1];
  }
}

template <bool kForward>
void launch(Number number, const void* from, void* to, const Dims4& small, bool channels_last,
            DeviceStream stream) {
  const int64_t c = small.c / 4, numbers = small.c * small.h * small.w;
  if (small.n * numbers == 0) return;
  const Small s{int(small.h), int(small.w), int(c)};
  in_batches(small.n, numbers, [&](int64_t first, int64_t n) {
    const Numbering by =
        channels_last ? numbering_of(n, small.h, small.w, c) : numbering_of(n * c, 2 * small.h, small.w, 1);
    const auto blocks = unsigned(ceil_div(by.count, kThreads));
    CAWE_DISPATCH(number, T, {
      const T* const in = static_cast<const T*>(from) + first * numbers;
      T* const out = static_cast<T*>(to) + first * numbers;
      if (channels_last)
        CAWE_LAUNCH((shuffle_channels_last<T, kForward>), blocks, kThreads, 0, stream, in, out, s, by);
      else
        CAWE_LAUNCH((shuffle_planes<T, kForward>), blocks, kThreads, 0, stream, in, out, s, by);
    })
  });
}

}  // namespace

void pixel_shuffle(Number number, const void* x, void* y, const Dims4& small, bool channels_last,
                   DeviceStream stream) {
  launch<true>(number, x, y, small, channels_last, stream);
}

void pixel_shuffle_grad(Number number, const void* dy, void* dx, const Dims4& small, bool channels_last,
                        DeviceStream stream) {
  launch<false>(number, dy, dx, small, channels_last, stream);
}

}  // namespace CAWE_DEVICE
