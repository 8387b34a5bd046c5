// SPDX-License-Identifier: Apache-2.0
// Sums of every channel of [N, C, H, W] for batch norm: of x and x^2, and of the gradient g and g xhat.
// Source: Ioffe & Szegedy 2015, arXiv 1502.03167, Algorithm 1 and the gradients below it.
//
// Bytes     for n numbers of e bytes: n·e, of gradients 2n·e (3n·e where a ReLU's output is read); 16·C for each part, written
//           and read again, and 16·C written; of gradients two vectors [C] read.
// FLOPs     3 per number, of gradients 4 (f64). Memory-bound where f64 runs at half the rate of f32; where it
//           runs at 1/32 or less (sm_61, sm_75, sm_86, sm_89) f64 is the bound.
// Launch    256 threads. Channels-last: a lane holds a pack of channels; the 8 warps and, where there are
//           fewer than 32 packs, the parts of each warp take every so many rows of the image. NCHW: a block
//           for a channel and part. One more launch of 32 x 16 adds the parts.
// Numerics  f64: a square of an f32 number is exact there, so that the variance survives a mean far from
//           zero. Order: strided rows, tree over the block, parts by 16 strides and these in order. No
//           atomics: the same bits in every run and on every GPU.
//           A thread loads up to four rows before it adds them, in their order.
// Loads     128 bits where channels (NHWC) or cells (NCHW) are a multiple of what one load holds, else one
//           number per lane.
#include "cuda/kernels/batch_norm_channels.cuh"

namespace CAWE_DEVICE {
namespace {

constexpr int kBlocksOnSm = 3;          // leaves ptxas enough registers to spill none
constexpr int kAddRows = 16;            // rows of the block that adds parts
constexpr int64_t kBlocksOfSums = 512;  // enough to fill a GPU; more parts only cost more additions

// The terms that are summed. Channel: a channel's constants; `of` holds one for each number of a pack, or one
// for all. kAhead: rows that a thread loads before it adds the first of them, so that enough loads are under way.
template <class T>
struct Moments {
  struct Channel {};
  template <int kPack>
  using Loaded = Pack<T, kPack>;
  static constexpr int kAhead = 4;
  const T* x;
  template <int kChannels>
  __device__ __forceinline__ void channels(int, Channel (&)[kChannels]) const {}
  template <int kPack>
  __device__ __forceinline__ Loaded<kPack> loaded(size_t at) const {
    return load<kPack>(x, at);
  }
  template <int kPack, int kChannels>
  __device__ __forceinline__ void add(const Pack<T, kPack>& p, const Channel (&)[kChannels],
                                      double (&a)[kPack], double (&b)[kPack]) const {
    for (int k = 0; k < kPack; ++k) {
      const double v = double(widen(p.v[k]));
      a[k] += v;
      b[k] += v * v;
    }
  }
};

template <class T, bool kAgain>
struct GradientMoments {
  struct Channel {
    Accumulator<T> mean;
    Line<Accumulator<T>, kAgain> line;
  };
  template <int kPack>
  struct Loaded {
    Pack<T, kPack> x, dy, y;
  };
  static constexpr int kAhead = sizeof(T) == 2 ? 1 : 2;  // two of 8 channels would spill registers
  const T *dy, *x;
  Mask<T, kAgain> mask;
  const Accumulator<T>* mean;
  template <int kChannels>
  __device__ __forceinline__ void channels(int c, Channel (&of)[kChannels]) const {
    Accumulator<T> m[kChannels];
    load_vector(mean, c, m);
    for (int k = 0; k < kChannels; ++k) of[k].mean = m[k];
    mask.channels(c, of);
  }
  template <int kPack>
  __device__ __forceinline__ Loaded<kPack> loaded(size_t at) const {
    return {load<kPack>(x, at), load<kPack>(dy, at), mask.template loaded<kPack>(at)};
  }
  template <int kPack, int kChannels>
  __device__ __forceinline__ void add(const Loaded<kPack>& p, const Channel (&of)[kChannels],
                                      double (&a)[kPack], double (&b)[kPack]) const {
    const Pack<T, kPack> g = mask.masked(p.dy, p.y, p.x, of);
    for (int k = 0; k < kPack; ++k) {
      const double v = double(widen(g.v[k]));
      a[k] += v;
      b[k] += v * double(widen(p.x.v[k]) - of[k % kChannels].mean);
    }
  }
};

/// Tree sum over the block's rows: threads of the first row get their columns' sums; blockDim.y is a power of
/// two.
template <int kPack>
__device__ __forceinline__ void column_sums(double (&v)[kPack], double (&tile)[kPack][kThreads]) {
  const unsigned thread = threadIdx.y * blockDim.x + threadIdx.x;
  for (int k = 0; k < kPack; ++k) tile[k][thread] = v[k];
  for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y < half)
      for (int k = 0; k < kPack; ++k) {
        v[k] += tile[k][thread + half * blockDim.x];
        tile[k][thread] = v[k];
      }
  }
}

/// partial[part][2][C], channels-last. Lanes are neighbouring packs of channels. Row r of a block with R rows
/// takes rows part * R + r of the image, then every (R * number of parts)-th.
template <class T, int kPack, class Terms>
__global__ void __launch_bounds__(kThreads, kBlocksOnSm)
    sums_channels_last(Terms terms, double* __restrict__ partial, int c, unsigned rows) {
  __shared__ double tile[kPack][kThreads];
  const int channel = int(blockIdx.x * blockDim.x + threadIdx.x) * kPack;
  double a[kPack] = {}, b[kPack] = {};
  if (channel < c) {
    typename Terms::Channel of[kPack];
    terms.channels(channel, of);
    constexpr int kAhead = Terms::kAhead;
    const unsigned step = gridDim.y * blockDim.y;
    unsigned row = blockIdx.y * blockDim.y + threadIdx.y;
    for (; row + (kAhead - 1) * step < rows; row += kAhead * step) {
      typename Terms::template Loaded<kPack> p[kAhead];
      for (int k = 0; k < kAhead; ++k)
        p[k] = terms.template loaded<kPack>(size_t(row + k * step) * c + channel);
      for (int k = 0; k < kAhead; ++k) terms.add(p[k], of, a, b);
    }
    for (; row < rows; row += step)
      terms.add(terms.template loaded<kPack>(size_t(row) * c + channel), of, a, b);
  }
  column_sums(a, tile);
  __syncthreads();
  column_sums(b, tile);
  if (threadIdx.y != 0 || channel >= c) return;
  double* to = partial + size_t(blockIdx.y) * 2 * c;
  store_vector(to, channel, a);
  store_vector(to + c, channel, b);
}

/// partial[part][2][C], NCHW: block (channel, part) takes packs part * 256 + t of the channel's planes, then
/// on by the number of packs that all parts take together.
template <class T, int kPack, class Terms>
__global__ void __launch_bounds__(kThreads, kBlocksOnSm)
    sums_nchw(Terms terms, double* __restrict__ partial, int c, unsigned packs_of_plane, unsigned packs) {
  __shared__ double shared[2][32];
  const int channel = int(blockIdx.x);
  typename Terms::Channel of[1];
  terms.channels(channel, of);
  double a[kPack] = {}, b[kPack] = {};
  for (unsigned i = blockIdx.y * kThreads + threadIdx.x; i < packs; i += gridDim.y * kThreads) {
    const unsigned image = i / packs_of_plane, pack = i % packs_of_plane;
    const size_t at = ((size_t(image) * c + channel) * packs_of_plane + pack) * kPack;
    terms.add(terms.template loaded<kPack>(at), of, a, b);
  }
  double first = 0, second = 0;
  for (int k = 0; k < kPack; ++k) {
    first += a[k];
    second += b[k];
  }
  first = block_reduce(first, Sum{}, 0.0, shared[0]);
  second = block_reduce(second, Sum{}, 0.0, shared[1]);
  if (threadIdx.x != 0) return;
  double* to = partial + size_t(blockIdx.y) * 2 * c + channel;
  to[0] = first;
  to[c] = second;
}

/// sums[j] = sum over parts of partial[part][j]; the second row is multiplied by invstd where that is given.
template <class A>
__global__ void __launch_bounds__(32 * kAddRows)
    add_parts(const double* __restrict__ partial, const A* __restrict__ invstd, double* __restrict__ sums,
              int c, int parts) {
  __shared__ double tile[kAddRows][32];
  const int j = int(blockIdx.x * 32 + threadIdx.x);
  double sum = 0;
  if (j < 2 * c)
    for (int part = int(threadIdx.y); part < parts; part += kAddRows)
      sum += partial[size_t(part) * 2 * c + j];
  tile[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || j >= 2 * c) return;
  for (int row = 1; row < kAddRows; ++row) sum += tile[row][threadIdx.x];
  if (invstd != nullptr && j >= c) sum *= double(invstd[j - c]);
  sums[j] = sum;
}

/// At least 16 rows (NHWC) or 4 packs (NCHW) a thread.
int64_t parts_of(const ChannelShape& s, int pack) {
  if (s.channels_last) {
    const Columns columns(s.c / pack);
    return at_least(
        1, at_most(ceil_div(s.n * s.cells, columns.block_rows() * 16), kBlocksOfSums / columns.across));
  }
  return at_least(1, at_most(ceil_div(s.n * s.cells / pack, kThreads * 4), 2 * kBlocksOfSums / s.c));
}

template <class T, int kPack, class Terms>
void launch_sums(const ChannelShape& s, const Terms& terms, const Accumulator<T>* invstd, double* scratch,
                 double* sums, DeviceStream stream) {
  const int64_t parts = parts_of(s, kPack);
  if (s.channels_last) {
    const Columns columns(s.c / kPack);
    CAWE_LAUNCH((sums_channels_last<T, kPack, Terms>), dim3(unsigned(columns.across), unsigned(parts)),
                columns.block(), 0, stream, terms, scratch, int(s.c), unsigned(s.n * s.cells));
  } else {
    CAWE_LAUNCH((sums_nchw<T, kPack, Terms>), dim3(unsigned(s.c), unsigned(parts)), kThreads, 0, stream,
                terms, scratch, int(s.c), unsigned(s.cells / kPack), unsigned(s.n * s.cells / kPack));
  }
  CAWE_LAUNCH(add_parts<Accumulator<T>>, unsigned(ceil_div(2 * s.c, 32)), dim3(32, kAddRows), 0, stream,
              scratch, invstd, sums, int(s.c), int(parts));
}

template <class T, class Terms>
void sum(const ChannelShape& s, const Terms& terms, const Accumulator<T>* invstd, double* scratch,
         double* sums, DeviceStream stream) {
  if (s.c == 0) return;
  if (pack_of<T>(s) > 1)
    launch_sums<T, kPerLoad<T>>(s, terms, invstd, scratch, sums, stream);
  else
    launch_sums<T, 1>(s, terms, invstd, scratch, sums, stream);
}

}  // namespace

int64_t channel_sums_scratch(Number number, const ChannelShape& shape) {
  if (shape.c == 0) return 0;
  int64_t parts = 1;
  CAWE_DISPATCH(number, T, parts = parts_of(shape, pack_of<T>(shape)))
  return parts * 2 * shape.c;
}

void channel_sums(Number number, const ChannelShape& shape, const void* x, double* scratch, double* sums,
                  DeviceStream stream) {
  CAWE_DISPATCH(number, T, sum<T>(shape, Moments<T>{Typed{x}}, nullptr, scratch, sums, stream))
}

void batch_norm_grad_sums(Number number, const ChannelShape& shape, const void* dy, const void* x,
                          const ReluOutput& relu, const void* mean, const void* invstd, double* scratch,
                          double* sums, DeviceStream stream) {
  CAWE_DISPATCH(number, T, CAWE_DISPATCH_RELU(relu, kAgain, {
                  const Mask<T, kAgain> mask{Typed{relu.y}, Typed{relu.scale}, Typed{relu.shift}};
                  const GradientMoments<T, kAgain> terms{Typed{dy}, Typed{x}, mask, Typed{mean}};
                  sum<T>(shape, terms, Typed{invstd}, scratch, sums, stream);
                }))
}

}  // namespace CAWE_DEVICE
