// SPDX-License-Identifier: Apache-2.0
// Films in [0, 1] to a network's input: minus the mean, over the standard deviation, gray to three channels.
//
// Bytes     read 4·n of x (4/3·n where it is gray), write n·e; each number once.
// FLOPs     2 per number of y; a division is some ten instructions, so that memory binds, but not by far.
// Launch    channels-last: 192 threads per block, 4 packs of 4 numbers per thread: the numbers of a block and those between
//           two packs of a thread are multiples of 3, so that the channel is found once, from the thread's place alone.
//           NCHW: a block belongs to one plane of x, 256 threads with a pack each; of a gray plane a thread makes three.
// Numerics  one subtraction and one division in f32, each rounded by itself: the CPU's bits; then rounded to y's type.
// Loads     channels-last: x of three channels 16 bytes, of one 4 and 4 (a pack begins or ends in the middle of a pixel); y
//           16 or 8 bytes. NCHW: the same 16, and 16 or 8, where a plane has a multiple of 4 numbers; else number by number.
// Source    plain.
#include "cuda/kernels/films.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kPack = 4, kTurns = 4;
constexpr unsigned kThreads = 192, kPlaneThreads = 256;
static_assert(kThreads * kPack % 3 == 0, "a block begins with the first channel, and so does each turn");

/// Element c + k of three, over and over; c < 3.
__device__ __forceinline__ float turned(const float (&v)[3], unsigned c, int k) {
  const unsigned i = c + unsigned(k % 3), at = i < 3 ? i : i - 3;
  return at == 0 ? v[0] : at == 1 ? v[1] : v[2];
}

/// n numbers of y, of which this thread's pack begins at `first`.
template <bool kGray>
__device__ __forceinline__ Pack<float, kPack> read_pack(const float* __restrict__ x, int64_t first, int64_t n,
                                                        unsigned channel) {
  Pack<float, kPack> p{};
  if (kGray) {
    // The pack's numbers belong to the pixel it begins in and to the next one.
    const int64_t pixel = (first - channel) / 3;
    const float v[3] = {x[pixel], 3 * (pixel + 1) < n ? x[pixel + 1] : 0.0f, 0.0f};
    for (int k = 0; k < kPack; ++k) p.v[k] = channel + unsigned(k) < 3 ? v[0] : v[1];
  } else if (first + kPack <= n) {
    p = *reinterpret_cast<const Pack<float, kPack>*>(x + first);
  } else {
    for (int k = 0; k < kPack; ++k)
      if (first + k < n) p.v[k] = x[first + k];
  }
  return p;
}

template <class Y, bool kGray>
__global__ void __launch_bounds__(kThreads)
    normalise_numbers(const float* __restrict__ x, const ChannelScale by, int64_t n, Y* __restrict__ y) {
  constexpr int64_t kTurn = int64_t(kThreads) * kPack;
  const unsigned channel = threadIdx.x * kPack % 3;
  float mean[3], stddev[3];
  for (int k = 0; k < 3; ++k) {
    mean[k] = turned(by.mean, channel, k);
    stddev[k] = turned(by.stddev, channel, k);
  }
  for (int turn = 0; turn < kTurns; ++turn) {
    const int64_t first = (int64_t(blockIdx.x) * kTurns + turn) * kTurn + threadIdx.x * kPack;
    if (first >= n) return;
    const Pack<float, kPack> in = read_pack<kGray>(x, first, n, channel);
    Pack<Y, kPack> out;
    for (int k = 0; k < kPack; ++k)
      out.v[k] = rounded<Y>(div_rn(sub_rn(in.v[k], mean[k % 3]), stddev[k % 3]));
    if (first + kPack <= n) {
      *reinterpret_cast<Pack<Y, kPack>*>(y + first) = out;
    } else {
      for (int k = 0; k < kPack; ++k)
        if (first + k < n) y[first + k] = out.v[k];
    }
  }
}

/// `count` numbers of a pack, 1 to kPack; whole ones in one access where the planes allow it.
template <class T>
__device__ __forceinline__ Pack<T, kPack> read_part(const T* from, int64_t count, bool whole) {
  if (whole) return *reinterpret_cast<const Pack<T, kPack>*>(from);
  Pack<T, kPack> p{};
  for (int k = 0; k < kPack; ++k)
    if (k < count) p.v[k] = from[k];
  return p;
}
template <class T>
__device__ __forceinline__ void write_part(const Pack<T, kPack>& p, T* to, int64_t count, bool whole) {
  if (whole) {
    *reinterpret_cast<Pack<T, kPack>*>(to) = p;
    return;
  }
  for (int k = 0; k < kPack; ++k)
    if (k < count) to[k] = p.v[k];
}

/// blocks_of_plane blocks for each plane of x, which has `cells` numbers.
template <class Y, bool kGray>
__global__ void __launch_bounds__(kPlaneThreads)
    normalise_planes(const float* __restrict__ x, const ChannelScale by, int64_t cells,
                     unsigned blocks_of_plane, Y* __restrict__ y) {
  const unsigned plane = blockIdx.x / blocks_of_plane, block = blockIdx.x % blocks_of_plane;
  const int64_t first = (int64_t(block) * kPlaneThreads + threadIdx.x) * kPack;
  if (first >= cells) return;
  const bool whole = cells % kPack == 0;
  const Pack<float, kPack> in = read_part(x + plane * cells + first, cells - first, whole);
  for (unsigned i = 0; i < (kGray ? 3u : 1u); ++i) {
    const unsigned to = kGray ? 3 * plane + i : plane, channel = to % 3;
    const float mean = channel == 0 ? by.mean[0] : channel == 1 ? by.mean[1] : by.mean[2];
    const float stddev = channel == 0 ? by.stddev[0] : channel == 1 ? by.stddev[1] : by.stddev[2];
    Pack<Y, kPack> out;
    for (int k = 0; k < kPack; ++k) out.v[k] = rounded<Y>(div_rn(sub_rn(in.v[k], mean), stddev));
    write_part(out, y + to * cells + first, cells - first, whole);
  }
}

template <class Y>
void launch(const float* x, bool gray, const ChannelScale& by, int64_t n, void* y, DeviceStream stream) {
  constexpr int64_t kEach = int64_t(kThreads) * kPack * kTurns;
  const auto blocks = unsigned((n + kEach - 1) / kEach);
  if (gray)
    CAWE_LAUNCH((normalise_numbers<Y, true>), blocks, kThreads, 0, stream, x, by, n, static_cast<Y*>(y));
  else
    CAWE_LAUNCH((normalise_numbers<Y, false>), blocks, kThreads, 0, stream, x, by, n, static_cast<Y*>(y));
}

template <class Y>
void launch_planes(const float* x, bool gray, const ChannelScale& by, int64_t images, int64_t cells, void* y,
                   DeviceStream stream) {
  constexpr int64_t kEach = int64_t(kPlaneThreads) * kPack;
  const auto of_plane = unsigned((cells + kEach - 1) / kEach);
  const auto blocks = unsigned(images) * (gray ? 1 : 3) * of_plane;
  if (gray)
    CAWE_LAUNCH((normalise_planes<Y, true>), blocks, kPlaneThreads, 0, stream, x, by, cells, of_plane,
                static_cast<Y*>(y));
  else
    CAWE_LAUNCH((normalise_planes<Y, false>), blocks, kPlaneThreads, 0, stream, x, by, cells, of_plane,
                static_cast<Y*>(y));
}

}  // namespace

void normalise_planes(Number y_number, const float* x, bool gray, const ChannelScale& by, int64_t images,
                      int64_t cells, void* y, DeviceStream stream) {
  if (images * cells == 0) return;
  if (y_number == Number::f16)
    launch_planes<half>(x, gray, by, images, cells, y, stream);
  else if (y_number == Number::bf16)
    launch_planes<bf16>(x, gray, by, images, cells, y, stream);
  else
    launch_planes<float>(x, gray, by, images, cells, y, stream);
}

void normalise_films(Number y_number, const float* x, bool gray, const ChannelScale& by, int64_t n, void* y,
                     DeviceStream stream) {
  if (n == 0) return;
  if (y_number == Number::f16)
    launch<half>(x, gray, by, n, y, stream);
  else if (y_number == Number::bf16)
    launch<bf16>(x, gray, by, n, y, stream);
  else
    launch<float>(x, gray, by, n, y, stream);
}

}  // namespace CAWE_DEVICE
