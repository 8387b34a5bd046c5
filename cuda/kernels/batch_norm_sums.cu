// SPDX-License-Identifier: Apache-2.0
// Sums of every channel of [N, C, H, W] for batch norm: of x and x^2, and of the gradient g and g xhat. Of x also what the
// normalisation needs of them (batch_norm_coefficients.cuh).
// Source: Ioffe & Szegedy 2015, arXiv 1502.03167, Algorithm 1 and the gradients below it.
//
// Bytes     for n numbers of e bytes: n·e, of gradients 2n·e (3n·e where a ReLU's output is read); where there are several
//           parts 16 a channel and part, written and read again; 16·C written, or the coefficients' 6 vectors [C], of which 4
//           are read, too; of gradients two vectors [C] read.
// FLOPs     3 per number, of gradients 4 (f64). Memory-bound where f64 runs at half the rate of f32; where it
//           runs at 1/32 or less (sm_61, sm_75, sm_86, sm_89) f64 is the bound.
// Launch    256 threads. Channels-last: a lane holds a pack of channels, 8 lanes a line of 128 bytes, and a block's 32 rows
//           of lanes take every so many rows of the image. NCHW: a block for a channel and part. The block that is the
//           last to finish a column of channels (fence and ticket) adds its parts: no second launch.
//           How many parts there are is the problem's alone, never the device's: sums must have the same bits on all.
//           Channels-last, at most 216 blocks: two an SM, which 128 registers allow, fill the 108 SMs of an A100 once and
//           132 (H100, H200) to .82, since a wave and a bit takes as long as two. More blocks would only be needed to
//           have enough loads under way; threads load rows ahead for that, and few parts are soon added. Small GPUs do 216
//           blocks in several waves (30 SMs: 3.6, 40: 2.7). NCHW: parts cost 16 bytes, so there are up to 1728 of them, 8
//           waves of 216, of which a part that is left over costs an eighth.
// Numerics  f64: a square of an f32 number is exact there, so that the variance survives a mean far from
//           zero. Order: strided rows, tree over the block, parts by strides of the block and a tree. Whichever block adds
//           them, it adds the same in the same order: the same bits in every run and on every GPU.
// Loads     128 bits where channels (NHWC) or cells (NCHW) are a multiple of what one load holds, else one
//           number per lane; several rows before the first is added, in their order.
#include "cuda/kernels/batch_norm_channels.cuh"
#include "cuda/kernels/batch_norm_coefficients.cuh"

namespace CAWE_DEVICE {
namespace {

constexpr int kBlocksOnSm = 2;
constexpr int64_t kBlocksOfRows = 216, kBlocksOfPlanes = 8 * kBlocksOfRows;
static_assert(kBlocksOfPlanes / 2 <= kSumTickets, "a column of several parts has a ticket");

// The terms that are summed. Channel: a channel's constants; `of` holds one for each number of a pack, or one
// for all. kAhead: rows that a thread loads before it adds the first of them, so that enough loads are under way;
// half as many packs in NCHW.
template <class T>
struct Moments {
  struct Channel {};
  template <int kPack>
  using Loaded = Pack<T, kPack>;
  static constexpr int kAhead = 8;
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
  static constexpr int kAhead = sizeof(T) != 2 ? 4 : kAgain ? 3 : 2;  // more would spill registers
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

/// What is done with a channel's sums: they are stored, the second times invstd where that is given.
template <class A>
struct StoredSums {
  double* sums;
  const A* invstd;
  int c;
  __device__ __forceinline__ void operator()(int channel, double first, double second) const {
    sums[channel] = first;
    sums[c + channel] = invstd == nullptr ? second : second * double(invstd[channel]);
  }
};

__device__ __forceinline__ unsigned thread_of_block() { return threadIdx.y * blockDim.x + threadIdx.x; }

/// Tree sum over the block's rows of `lanes` threads, a power of two: threads of the first row get their columns' sums.
template <int kCount, int kWidth>
__device__ __forceinline__ void column_sums(double (&v)[kCount], double (&tile)[kWidth][kThreads],
                                            unsigned lanes) {
  const unsigned thread = thread_of_block();
  for (int k = 0; k < kCount; ++k) tile[k][thread] = v[k];
  for (unsigned half = kThreads / 2; half >= lanes; half /= 2) {
    __syncthreads();
    if (thread < half)
      for (int k = 0; k < kCount; ++k) {
        v[k] += tile[k][thread + half];
        tile[k][thread] = v[k];
      }
  }
}

/// True in all threads of the block that comes here last of a column's. All before it have stored what they had to.
__device__ __forceinline__ bool is_last(uint32_t* tickets) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (thread_of_block() == 0) {
    last = atomicAdd(&tickets[blockIdx.x], 1u) == gridDim.y - 1;
    if (last) tickets[blockIdx.x] = 0;
    __threadfence();
  }
  __syncthreads();
  return last;
}

/// The first `channels` threads, a power of two, have the block's sums of a channel each. False in all blocks of a column
/// but one, in which they get those of all blocks: partial[column][part][channel][2].
template <int kWidth>
__device__ __forceinline__ bool add_parts(double (&of)[2], double (&tile)[kWidth][kThreads],
                                          unsigned channels, double* __restrict__ partial,
                                          uint32_t* tickets) {
  const unsigned parts = gridDim.y, thread = thread_of_block();
  if (parts == 1) return true;
  double* column = partial + size_t(blockIdx.x) * parts * 2 * channels;
  if (thread < channels) store_vector(column, int((blockIdx.y * channels + thread) * 2), of);
  if (!is_last(tickets)) return false;
  constexpr int kAhead = 8;
  const unsigned step = kThreads / channels;
  of[0] = of[1] = 0;
  for (unsigned part = thread / channels; part < parts; part += kAhead * step) {
    Pack<double, 2> p[kAhead] = {};
    for (int k = 0; k < kAhead; ++k)
      if (part + k * step < parts)
        p[k] = load<2>(column, size_t((part + k * step) * channels + thread % channels) * 2);
    for (int k = 0; k < kAhead; ++k)
      for (int i = 0; i < 2; ++i) of[i] += p[k].v[i];
  }
  column_sums(of, tile, channels);
  return true;
}

/// Channels-last. Lanes are neighbouring packs of channels. Row r of a block with R rows takes rows part * R + r of the
/// image, then every (R * number of parts)-th.
template <class T, int kPack, class Terms, class Finish>
__global__ void __launch_bounds__(kThreads, kBlocksOnSm)
    sums_channels_last(Terms terms, Finish finish, double* __restrict__ partial, uint32_t* tickets, int c,
                       unsigned rows) {
  constexpr int kAhead = Terms::kAhead;
  __shared__ double tile[kPack < 2 ? 2 : kPack][kThreads];
  __shared__ double both[kMostLanes<T, kPack> * kPack][2];
  const unsigned lanes = blockDim.x, channels = lanes * kPack, thread = thread_of_block();
  const int first = int(blockIdx.x * channels), channel = first + int(threadIdx.x) * kPack;
  double a[kPack] = {}, b[kPack] = {};
  if (channel < c) {
    typename Terms::Channel of[kPack];
    terms.channels(channel, of);
    const unsigned step = gridDim.y * blockDim.y;
    for (unsigned row = blockIdx.y * blockDim.y + threadIdx.y; row < rows; row += kAhead * step) {
      typename Terms::template Loaded<kPack> p[kAhead] = {};
      for (int k = 0; k < kAhead; ++k)
        if (row + k * step < rows) p[k] = terms.template loaded<kPack>(size_t(row + k * step) * c + channel);
      for (int k = 0; k < kAhead; ++k) terms.add(p[k], of, a, b);  // rows that are not there add 0
    }
  }
  column_sums(a, tile, lanes);
  __syncthreads();
  column_sums(b, tile, lanes);
  if (threadIdx.y == 0)
    for (int k = 0; k < kPack; ++k) {
      both[threadIdx.x * kPack + k][0] = a[k];
      both[threadIdx.x * kPack + k][1] = b[k];
    }
  __syncthreads();
  double mine[2] = {};
  if (thread < channels)
    for (int i = 0; i < 2; ++i) mine[i] = both[thread][i];
  if (!add_parts(mine, tile, channels, partial, tickets)) return;
  if (thread < channels && first + int(thread) < c) finish(first + int(thread), mine[0], mine[1]);
}

/// NCHW: block (channel, part) takes packs part * 256 + t of the channel's planes, then on by the number of packs that
/// all parts take together.
template <class T, int kPack, class Terms, class Finish>
__global__ void __launch_bounds__(kThreads, kBlocksOnSm)
    sums_nchw(Terms terms, Finish finish, double* __restrict__ partial, uint32_t* tickets, int c,
              unsigned packs_of_plane, unsigned packs) {
  constexpr int kAhead = Terms::kAhead / 2;
  __shared__ double tile[2][kThreads];
  const int channel = int(blockIdx.x);
  typename Terms::Channel of[1];
  terms.channels(channel, of);
  double a[kPack] = {}, b[kPack] = {};
  const unsigned step = gridDim.y * kThreads;
  for (unsigned i = blockIdx.y * kThreads + threadIdx.x; i < packs; i += kAhead * step) {
    typename Terms::template Loaded<kPack> p[kAhead] = {};
    for (int k = 0; k < kAhead; ++k)
      if (i + k * step < packs) {
        const unsigned image = (i + k * step) / packs_of_plane, pack = (i + k * step) % packs_of_plane;
        p[k] = terms.template loaded<kPack>(((size_t(image) * c + channel) * packs_of_plane + pack) * kPack);
      }
    for (int k = 0; k < kAhead; ++k) terms.add(p[k], of, a, b);
  }
  double mine[2] = {};
  for (int k = 0; k < kPack; ++k) {
    mine[0] += a[k];
    mine[1] += b[k];
  }
  column_sums(mine, tile, 1);
  if (!add_parts(mine, tile, 1, partial, tickets)) return;
  if (threadIdx.x == 0) finish(channel, mine[0], mine[1]);
}

// --- launches
/// At least 8 rows (NHWC) or 4 packs (NCHW) a thread.
template <class T, int kPack>
int64_t parts_of(const ChannelShape& s) {
  if (s.channels_last) {
    const Columns columns(s.c / kPack, kMostLanes<T, kPack>);
    return at_least(
        1, at_most(ceil_div(s.n * s.cells, columns.block_rows() * 8), kBlocksOfRows / columns.across));
  }
  return at_least(1, at_most(ceil_div(s.n * s.cells / kPack, kThreads * 4), kBlocksOfPlanes / s.c));
}

template <class T, int kPack, class Terms, class Finish>
void launch_sums(const ChannelShape& s, const Terms& terms, const Finish& finish, const SumScratch& scratch,
                 DeviceStream stream) {
  const auto parts = unsigned(parts_of<T, kPack>(s));
  if (s.channels_last) {
    const Columns columns(s.c / kPack, kMostLanes<T, kPack>);
    CAWE_LAUNCH((sums_channels_last<T, kPack, Terms, Finish>), dim3(unsigned(columns.across), parts),
                columns.block(), 0, stream, terms, finish, scratch.partial, scratch.tickets, int(s.c),
                unsigned(s.n * s.cells));
  } else {
    CAWE_LAUNCH((sums_nchw<T, kPack, Terms, Finish>), dim3(unsigned(s.c), parts), kThreads, 0, stream, terms,
                finish, scratch.partial, scratch.tickets, int(s.c), unsigned(s.cells / kPack),
                unsigned(s.n * s.cells / kPack));
  }
}

template <class T, class Terms, class Finish>
void sum(const ChannelShape& s, const Terms& terms, const Finish& finish, const SumScratch& scratch,
         DeviceStream stream) {
  if (s.c == 0) return;
  if (pack_of<T>(s) > 1)
    launch_sums<T, kPerLoad<T>>(s, terms, finish, scratch, stream);
  else
    launch_sums<T, 1>(s, terms, finish, scratch, stream);
}

/// Doubles of all parts; a column's channels are counted whole.
template <class T, int kPack>
int64_t partial_of(const ChannelShape& s) {
  const Columns columns(s.channels_last ? s.c / kPack : 1, kMostLanes<T, kPack>);
  const int64_t channels = s.channels_last ? columns.across * columns.lanes * kPack : s.c;
  const int64_t parts = parts_of<T, kPack>(s);
  return parts == 1 ? 0 : parts * 2 * channels;
}

}  // namespace

int64_t channel_sums_scratch(Number number, const ChannelShape& shape) {
  if (shape.c == 0) return 0;
  int64_t doubles = 0;
  CAWE_DISPATCH(number, T,
                doubles = pack_of<T>(shape) > 1 ? partial_of<T, kPerLoad<T>>(shape) : partial_of<T, 1>(shape))
  return doubles;
}

void channel_sums(Number number, const ChannelShape& shape, const void* x, const SumScratch& scratch,
                  double* sums, DeviceStream stream) {
  CAWE_DISPATCH(number, T, {
    const StoredSums<Accumulator<T>> stored{sums, nullptr, int(shape.c)};
    sum<T>(shape, Moments<T>{Typed{x}}, stored, scratch, stream);
  })
}

void channel_coefficients(Number number, const ChannelShape& shape, const void* x,
                          const NormalisedBatch& batch, const SumScratch& scratch, DeviceStream stream) {
  CAWE_DISPATCH(number, T, {
    using A = Accumulator<T>;
    const Normalisation<A> norm{double(shape.n * shape.cells),
                                batch.momentum,
                                batch.eps,
                                Typed{batch.w},
                                Typed{batch.b},
                                static_cast<A*>(batch.running_mean),
                                static_cast<A*>(batch.running_var),
                                static_cast<A*>(batch.out),
                                int(shape.c)};
    sum<T>(shape, Moments<T>{Typed{x}}, norm, scratch, stream);
  })
}

void batch_norm_grad_sums(Number number, const ChannelShape& shape, const void* dy, const void* x,
                          const ReluOutput& relu, const void* mean, const void* invstd,
                          const SumScratch& scratch, double* sums, DeviceStream stream) {
  CAWE_DISPATCH(number, T, CAWE_DISPATCH_RELU(relu, kAgain, {
                  const Mask<T, kAgain> mask{Typed{relu.y}, Typed{relu.scale}, Typed{relu.shift}};
                  const GradientMoments<T, kAgain> terms{Typed{dy}, Typed{x}, mask, Typed{mean}};
                  const StoredSums<Accumulator<T>> stored{sums, Typed{invstd}, int(shape.c)};
                  sum<T>(shape, terms, stored, scratch, stream);
                }))
}

}  // namespace CAWE_DEVICE
