// SPDX-License-Identifier: Apache-2.0
// Batch norm number by number: y = x scale + shift (+ residual) (ReLU) over [N, C, H, W], its gradient, and
// that of batch norm by its input. Source: Ioffe & Szegedy 2015, arXiv 1502.03167, Algorithm 1 and the
// gradients below it.
//
// Bytes     for n numbers of e bytes: affine 2n·e (+ n·e with a residual), its gradient 2n·e, that of batch
//           norm 3n·e; gradients + n·e where a ReLU's output is read and + n·e where the residual wants its own. Vectors [C] once
//           per warp, mostly from L1 and L2.
// FLOPs     per number: affine 2 (3 with a residual), its gradient 1, that of batch norm 5: memory-bound on
//           every GPU.
// Launch    256 threads. Channels-last: lanes as in batch_norm_sums.cu, 8 rows per thread or more, so that
//           what a channel needs is loaded once for them. NCHW: a warp for 128 packs of one plane.
// Numerics  f32 (f64 for f64), rounded once. The means of the two sums are taken in f64.
// Loads     128 bits where channels (NHWC) or cells (NCHW) are a multiple of what one load holds, else one
//           number per lane. Vectors for packs of more than 16 bytes of f32 or f64 take several loads, each
//           of which touches all their sectors.
#include "cuda/kernels/batch_norm_channels.cuh"

namespace CAWE_DEVICE {
namespace {

constexpr int64_t kMostGridY = 65535, kBlocksOfMaps = 2048;  // not from occupancy: ADR 17

// The element-wise maps. Channel: a channel's constants, as in batch_norm_sums.cu.
template <class T>
struct Affine {
  using A = Accumulator<T>;
  struct Channel {
    A scale, shift;
  };
  const T* x;
  const A *scale, *shift;
  const T* residual;
  T* y;
  bool relu;
  template <int kChannels>
  __device__ __forceinline__ void channels(int c, Channel (&of)[kChannels]) const {
    A a[kChannels], b[kChannels];
    load_vector(scale, c, a);
    load_vector(shift, c, b);
    for (int k = 0; k < kChannels; ++k) of[k] = {a[k], b[k]};
  }
  template <int kPack, int kChannels>
  __device__ __forceinline__ void apply(size_t at, const Channel (&of)[kChannels]) const {
    const Pack<T, kPack> p = load<kPack>(x, at);
    A v[kPack];
    for (int k = 0; k < kPack; ++k)
      v[k] = affine_of(widen(p.v[k]), of[k % kChannels].scale, of[k % kChannels].shift);
    if (residual != nullptr) {
      const Pack<T, kPack> r = load<kPack>(residual, at);
      for (int k = 0; k < kPack; ++k) v[k] += widen(r.v[k]);
    }
    Pack<T, kPack> out;
    for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(relu && v[k] < A(0) ? A(0) : v[k]);
    store(y, at, out);
  }
};

template <class T, bool kAgain>
struct GradientByInput {
  using A = Accumulator<T>;
  struct Channel {
    A mean, scale, g_mean, slope;
    Line<A, kAgain> line;
  };
  const T *dy, *x;
  Mask<T, kAgain> mask;
  const A *mean, *invstd, *w;
  const double* sums;
  double one_over_count;
  int c;
  T *dx, *dresidual;
  template <int kChannels>
  __device__ __forceinline__ void channels(int first, Channel (&of)[kChannels]) const {
    A m[kChannels], r[kChannels], weight[kChannels];
    load_vector(mean, first, m);
    load_vector(invstd, first, r);
    load_vector(w, first, weight);
    double s[kChannels], products[kChannels];
    load_vector(sums, first, s);
    load_vector(sums + c, first, products);
    for (int k = 0; k < kChannels; ++k)
      of[k] = {m[k], weight[k] * r[k], A(s[k] * one_over_count), r[k] * A(products[k] * one_over_count), {}};
    mask.channels(first, of);
  }
  template <int kPack, int kChannels>
  __device__ __forceinline__ void apply(size_t at, const Channel (&of)[kChannels]) const {
    const Pack<T, kPack> p = load<kPack>(x, at),
                         g = mask.masked(load<kPack>(dy, at), mask.template loaded<kPack>(at), p, of);
    Pack<T, kPack> out;
    for (int k = 0; k < kPack; ++k) {
      const Channel& ch = of[k % kChannels];
      const A d = ch.scale * (widen(g.v[k]) - ch.g_mean - (widen(p.v[k]) - ch.mean) * ch.slope);
      out.v[k] = rounded<T>(d);
    }
    store(dx, at, out);
    if (dresidual != nullptr) store(dresidual, at, g);
  }
};

template <class T>
struct AffineGradient {
  using A = Accumulator<T>;
  struct Channel {
    A scale;
  };
  const T* dy;
  Mask<T, false> mask;
  const A* scale;
  T *dx, *dresidual;
  template <int kChannels>
  __device__ __forceinline__ void channels(int c, Channel (&of)[kChannels]) const {
    A a[kChannels];
    load_vector(scale, c, a);
    for (int k = 0; k < kChannels; ++k) of[k].scale = a[k];
  }
  template <int kPack, int kChannels>
  __device__ __forceinline__ void apply(size_t at, const Channel (&of)[kChannels]) const {
    const Pack<T, kPack> p = load<kPack>(dy, at), g = mask.masked(p, mask.template loaded<kPack>(at), p, of);
    Pack<T, kPack> out;
    for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(widen(g.v[k]) * of[k % kChannels].scale);
    store(dx, at, out);
    if (dresidual != nullptr) store(dresidual, at, g);
  }
};

/// Channels-last. Threads as in batch_norm_sums.cu: a channel's constants are loaded once and kept for all
/// rows.
template <class T, int kPack, class Map>
__global__ void __launch_bounds__(kThreads) map_channels_last(Map map, int c, unsigned rows) {
  const int channel = int(blockIdx.x * blockDim.x + threadIdx.x) * kPack;
  if (channel >= c) return;
  typename Map::Channel of[kPack];
  map.channels(channel, of);
  for (unsigned row = blockIdx.y * blockDim.y + threadIdx.y; row < rows; row += gridDim.y * blockDim.y)
    map.template apply<kPack>(size_t(row) * c + channel, of);
}

/// NCHW. One warp per plane or part of one: packs blockIdx.y * 32 + lane, then on by the number of packs that
/// all parts take together.
template <class T, int kPack, class Map>
__global__ void __launch_bounds__(kThreads)
    map_nchw(Map map, unsigned c, unsigned planes, unsigned packs_of_plane) {
  const unsigned plane = blockIdx.x * kWarps + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (plane >= planes) return;  // whole warps return, so no lane is missing in a shuffle
  typename Map::Channel of[1];
  map.channels(int(plane % c), of);
  for (unsigned i = blockIdx.y * 32 + lane; i < packs_of_plane; i += gridDim.y * 32)
    map.template apply<kPack>((size_t(plane) * packs_of_plane + i) * kPack, of);
}

template <class T, int kPack, class Map>
void launch_map(const ChannelShape& s, const Map& map, DeviceStream stream) {
  if (s.channels_last) {
    const Columns columns(s.c / kPack);
    const int64_t parts = at_most(ceil_div(s.n * s.cells, columns.block_rows() * 8),
                                  at_least(1, kBlocksOfMaps / columns.across));
    CAWE_LAUNCH((map_channels_last<T, kPack, Map>), dim3(unsigned(columns.across), unsigned(parts)),
                columns.block(), 0, stream, map, int(s.c), unsigned(s.n * s.cells));
  } else {
    const int64_t packs = s.cells / kPack, planes = s.n * s.c;
    const int64_t parts = at_most(ceil_div(packs, 128), kMostGridY);
    CAWE_LAUNCH((map_nchw<T, kPack, Map>), dim3(unsigned(ceil_div(planes, kWarps)), unsigned(parts)),
                kThreads, 0, stream, map, unsigned(s.c), unsigned(planes), unsigned(packs));
  }
}

template <class T, class Map>
void map_all(const ChannelShape& s, const Map& map, DeviceStream stream) {
  if (s.n * s.c * s.cells == 0) return;
  if (pack_of<T>(s) > 1)
    launch_map<T, kPerLoad<T>>(s, map, stream);
  else
    launch_map<T, 1>(s, map, stream);
}

}  // namespace

void channel_affine(Number number, const ChannelShape& shape, const void* x, const void* scale,
                    const void* shift, const void* residual, bool relu, void* y, DeviceStream stream) {
  CAWE_DISPATCH(number, T, {
    const Affine<T> map{Typed{x}, Typed{scale}, Typed{shift}, Typed{residual}, static_cast<T*>(y), relu};
    map_all<T>(shape, map, stream);
  })
}

void batch_norm_grad_input(Number number, const ChannelShape& shape, const void* dy, const void* x,
                           const ReluOutput& relu, const void* mean, const void* invstd, const void* w,
                           const double* sums, double count, void* dx, void* dresidual, DeviceStream stream) {
  CAWE_DISPATCH(number, T, CAWE_DISPATCH_RELU(relu, kAgain, {
                  const Mask<T, kAgain> mask{Typed{relu.y}, Typed{relu.scale}, Typed{relu.shift}};
                  const GradientByInput<T, kAgain> map{Typed{dy},
                                                       Typed{x},
                                                       mask,
                                                       Typed{mean},
                                                       Typed{invstd},
                                                       Typed{w},
                                                       sums,
                                                       1 / count,
                                                       int(shape.c),
                                                       static_cast<T*>(dx),
                                                       static_cast<T*>(dresidual)};
                  map_all<T>(shape, map, stream);
                }))
}

void channel_affine_grad(Number number, const ChannelShape& shape, const void* dy, const void* y,
                         const void* scale, void* dx, void* dresidual, DeviceStream stream) {
  CAWE_DISPATCH(number, T, {
    const AffineGradient<T> map{Typed{dy},
                                {Typed{y}, nullptr, nullptr},
                                Typed{scale},
                                static_cast<T*>(dx),
                                static_cast<T*>(dresidual)};
    map_all<T>(shape, map, stream);
  })
}

}  // namespace CAWE_DEVICE
