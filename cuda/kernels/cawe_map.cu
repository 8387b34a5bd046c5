// SPDX-License-Identifier: Apache-2.0
// CAWE's map L[n,h,w] = ReLU(sum_c w[n,c] F[n,c,h,w]) and, in the same launch, the range that L has once
// it is up-sampled to the image. Source: the paper's Eq. 2. The range serves to stretch L to [0, 1].
//
// Bytes     read N·C·h·w·e + N·C·e, write N·h·w·e; with the range 4·N·h·w more read and 16·N written.
// FLOPs     2 per feature. The range: 9 for each point looked at, about 4 h·w points and a few patches.
// Launch    NCHW: a block of 512 threads for 32 cells of an image; a warp takes as many channels at once as
//           one load holds numbers. Channels-last: a warp for 4 cells, 8 warps per block.
// Numerics  f32 sums (f64 for f64) in a fixed order: strided partial sums, butterflies, warps in order.
// Loads     128 bits where cells (NCHW) or channels (NHWC) are a multiple of what one load holds. Weights are
//           loaded once for 32 (NCHW) or 4 (NHWC) cells: in f32 1/16 or 1/4 more sectors than the features
//           alone have, from L1.
// Range     The extremes must have the bits that resize_bilinear gives, else the stretched map misses 0 or 1.
//           The block that finishes an image last (fence and ticket) looks for them. Between the same four
//           cells L is bilinear, so a patch has its extremes at its four outermost points, but roundings can
//           lift an inner one above them. A point has 6 roundings of at most 2^-24 of itself, as nothing is
//           negative. So: the outermost points of all patches, then every point of the patches whose four
//           cells come within 2^-20 of the extremes found.
#include "cuda/kernels/cawe_fuse.h"

#include "cuda/emulator/simt/simt.cuh"

#include "cuda/kernels/bilinear.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kPlaneWarps = 16, kPlaneCells = 32;
constexpr int kRowWarps = 8, kRowCells = 4;  ///< cells per warp

/// The range, which the last block of an image computes after the map.
template <class A>
struct RangeTask {
  A *low, *high;
  int32_t* constant;
  uint32_t* tickets;
  Scale y, x;
};

/// Output positions between the cells (first, first + 1) along one axis.
struct Span {
  int first, second, begin, end;
};
__device__ __forceinline__ Span span_of(int first, const Scale& s) {
  return {first, first + 1 < s.in ? first + 1 : first, first_output_of(first, s),
          first_output_of(first + 1, s)};
}

/// The image's points between four cells of the map.
template <class A>
struct Patch {
  Span rows, columns;
  A top[2], bottom[2];
  __device__ __forceinline__ bool empty() const {
    return rows.begin >= rows.end || columns.begin >= columns.end;
  }
  /// Whether there are points besides the outermost ones.
  __device__ __forceinline__ bool has_inner() const {
    return rows.end - rows.begin > 2 || columns.end - columns.begin > 2;
  }
  __device__ __forceinline__ A value(int row, int column, const RangeTask<A>& task) const {
    const Tap<A> across = tap_at<A>(column, task.x);
    return mix(tap_at<A>(row, task.y), mix(across, top[0], top[1]), mix(across, bottom[0], bottom[1]));
  }
};

template <class A>
__device__ __forceinline__ Patch<A> patch_at(int cell, const A* map, const RangeTask<A>& task) {
  Patch<A> p;
  p.rows = span_of(cell / task.x.in, task.y);
  p.columns = span_of(cell % task.x.in, task.x);
  const A *top = map + size_t(p.rows.first) * task.x.in, *bottom = map + size_t(p.rows.second) * task.x.in;
  p.top[0] = top[p.columns.first];
  p.top[1] = top[p.columns.second];
  p.bottom[0] = bottom[p.columns.first];
  p.bottom[1] = bottom[p.columns.second];
  return p;
}

template <class A>
struct Range {
  A low = A(INFINITY), high = A(-INFINITY);
  /// A value that is not finite sets `high` to infinity, which then stays.
  __device__ __forceinline__ void take(A x) {
    if (!(sub_rn(x, x) == A(0))) x = A(INFINITY);
    low = x < low ? x : low;
    high = x > high ? x : high;
  }
};

/// Reduces over the block; all threads get the range. `partial` is shared memory.
template <class A>
__device__ __forceinline__ Range<A> over_block(Range<A> mine, A (*partial)[32], A* both) {
  const A low = block_reduce(mine.low, Min{}, A(INFINITY), partial[0]);
  const A high = block_reduce(mine.high, Max{}, A(-INFINITY), partial[1]);
  if (threadIdx.x == 0) {
    both[0] = low;
    both[1] = high;
  }
  __syncthreads();
  Range<A> all;
  all.low = both[0];
  all.high = both[1];
  return all;
}

/// True where a point of the patch may lie outside the range seen so far. The relative slack does not cover
/// denormal numbers, whose rounding errors are larger: `tiny` does. If all four cells are 0, so are the
/// points.
template <class A>
__device__ __forceinline__ bool may_widen(const Patch<A>& p, const Range<A>& seen) {
  const A tiny = A(1e-43), slack = A(1.0 / (1 << 20));
  const A most = Max{}(Max{}(p.top[0], p.top[1]), Max{}(p.bottom[0], p.bottom[1]));
  const A least = Min{}(Min{}(p.top[0], p.top[1]), Min{}(p.bottom[0], p.bottom[1]));
  if (!(most > A(0)) || !p.has_inner()) return false;
  return most + most * slack + tiny > seen.high || Max{}(least - least * slack - tiny, A(0)) < seen.low;
}

/// First pass: each thread takes the outermost points of its patches.
template <class A>
__device__ __forceinline__ Range<A> outermost_points(const A* map, const RangeTask<A>& task) {
  Range<A> seen;
  for (int cell = int(threadIdx.x); cell < task.y.in * task.x.in; cell += int(blockDim.x)) {
    const Patch<A> p = patch_at(cell, map, task);
    if (p.empty()) continue;
    seen.take(p.value(p.rows.begin, p.columns.begin, task));
    seen.take(p.value(p.rows.begin, p.columns.end - 1, task));
    seen.take(p.value(p.rows.end - 1, p.columns.begin, task));
    seen.take(p.value(p.rows.end - 1, p.columns.end - 1, task));
  }
  return seen;
}

/// Second pass: of the patches that may widen the range, all points; a warp shares the work of its lanes'
/// patches.
template <class A>
__device__ __forceinline__ Range<A> points_that_matter(const A* map, const RangeTask<A>& task,
                                                       Range<A> seen) {
  const int lane = int(threadIdx.x) % 32, cells = task.y.in * task.x.in;
  const Range<A> bounds = seen;
  for (int first = int(threadIdx.x) - lane; first < cells; first += int(blockDim.x)) {
    const bool mine = first + lane < cells && may_widen(patch_at(first + lane, map, task), bounds);
    for (unsigned left = __ballot_sync(0xffffffffu, mine); left != 0; left &= left - 1) {
      const Patch<A> p = patch_at(first + __ffs(int(left)) - 1, map, task);
      const int columns = p.columns.end - p.columns.begin, points = columns * (p.rows.end - p.rows.begin);
      for (int i = lane; i < points; i += 32)
        seen.take(p.value(p.rows.begin + i / columns, p.columns.begin + i % columns, task));
    }
  }
  return seen;
}

/// Called by all threads of every block after its part of the map is stored.
template <class A>
__device__ __forceinline__ void finish_range(int image, const A* map, const RangeTask<A>& task) {
  __shared__ bool is_last;
  __shared__ A partial[2][32], both[2];
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    is_last = atomicAdd(&task.tickets[image], 1u) == gridDim.x - 1;
    if (is_last) task.tickets[image] = 0;
    __threadfence();
  }
  __syncthreads();
  if (!is_last) return;
  const Range<A> outermost = over_block(outermost_points(map, task), partial, both);
  const Range<A> all = over_block(points_that_matter(map, task, outermost), partial, both);
  if (threadIdx.x != 0) return;
  const bool finite = all.high < A(INFINITY);
  const double low = double(all.low), high = double(all.high);
  task.low[image] = finite ? all.low : A(NAN);
  task.high[image] = finite ? all.high : A(NAN);
  task.constant[image] = finite && high - low > 1e-8 * (high > 1.0 ? high : 1.0) ? 0 : 1;
}

/// f [n, c, cells]. A warp's lanes lie over 32 cells of kPack channels.
template <class T, int kPack, class M, bool kWithRange>
__global__ void __launch_bounds__(kPlaneWarps * 32)
    map_of_planes(const T* __restrict__ w, const T* __restrict__ f, M* map, int channels, int cells,
                  RangeTask<Accumulator<T>> task) {
  constexpr int kLanes = kPlaneCells / kPack;
  constexpr int kStore = kPack < kPerLoad<Accumulator<T>> ? kPack : kPerLoad<Accumulator<T>>;
  __shared__ Pack<Accumulator<T>, kStore> partial[kPlaneWarps][kPlaneCells / kStore];
  const int image = int(blockIdx.y), warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
  const int first = int(blockIdx.x) * kPlaneCells, cell = first + lane % kLanes * kPack;
  Accumulator<T> sum[kPack] = {};
  if (cell < cells)
    for (int c = warp * kPack + lane / kLanes; c < channels; c += kPlaneWarps * kPack) {
      const size_t row = size_t(image) * channels + c;
      const auto p = *reinterpret_cast<const Pack<T, kPack>*>(f + row * cells + cell);
      const Accumulator<T> weight = widen(w[row]);
      for (int k = 0; k < kPack; ++k) sum[k] += weight * widen(p.v[k]);
    }
  for (int distance = 16; distance >= kLanes; distance /= 2)
    for (int k = 0; k < kPack; ++k) sum[k] += __shfl_xor_sync(0xffffffffu, sum[k], distance);
  if (lane < kLanes)
    for (int k = 0; k < kPack; k += kStore) {
      Pack<Accumulator<T>, kStore> p;
      for (int i = 0; i < kStore; ++i) p.v[i] = sum[k + i];
      partial[warp][(lane * kPack + k) / kStore] = p;
    }
  __syncthreads();
  if (warp == 0 && first + lane < cells) {
    Accumulator<T> total = 0;
    for (int i = 0; i < kPlaneWarps; ++i) total += partial[i][lane / kStore].v[lane % kStore];
    narrow(total > Accumulator<T>(0) ? total : Accumulator<T>(0), map[size_t(image) * cells + first + lane]);
  }
  if constexpr (kWithRange) finish_range(image, map + size_t(image) * cells, task);
}

/// f [n, cells, c]. A warp's lanes lie over channels, for kRowCells cells at once.
template <class T, int kPack, class M, bool kWithRange>
__global__ void __launch_bounds__(kRowWarps * 32, 2)
    map_of_rows(const T* __restrict__ w, const T* __restrict__ f, M* map, int channels, int cells,
                RangeTask<Accumulator<T>> task) {
  const int image = int(blockIdx.y), lane = int(threadIdx.x) % 32;
  const int cell = (int(blockIdx.x) * kRowWarps + int(threadIdx.x) / 32) * kRowCells;
  const auto* weights = reinterpret_cast<const Pack<T, kPack>*>(w + size_t(image) * channels);
  Accumulator<T> sum[kRowCells] = {};
  if (cell < cells)
    for (int i = lane; i < channels / kPack; i += 32) {
      const Pack<T, kPack> weight = weights[i];
      for (int j = 0; j < kRowCells && cell + j < cells; ++j) {
        const T* row = f + (size_t(image) * cells + cell + j) * channels;
        const Pack<T, kPack> p = reinterpret_cast<const Pack<T, kPack>*>(row)[i];
        for (int k = 0; k < kPack; ++k) sum[j] += widen(weight.v[k]) * widen(p.v[k]);
      }
    }
  Accumulator<T> mine = 0;
  for (int j = 0; j < kRowCells; ++j) {
    const Accumulator<T> total = warp_reduce(sum[j], Sum{});
    if (lane == j) mine = total;
  }
  if (lane < kRowCells && cell + lane < cells)
    narrow(mine > Accumulator<T>(0) ? mine : Accumulator<T>(0), map[size_t(image) * cells + cell + lane]);
  if constexpr (kWithRange) finish_range(image, map + size_t(image) * cells, task);
}

bool aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

template <class T, int kPack, class M, bool kWithRange>
void launch_map(const T* w, const T* f, M* map, int64_t n, int64_t c, int64_t cells, bool channels_last,
                const RangeTask<Accumulator<T>>& task, DeviceStream stream) {
  const int64_t of_block = channels_last ? kRowWarps * kRowCells : kPlaneCells;
  const dim3 grid(unsigned((cells + of_block - 1) / of_block), unsigned(n));
  if (channels_last)
    CAWE_LAUNCH((map_of_rows<T, kPack, M, kWithRange>), grid, kRowWarps * 32, 0, stream, w, f, map, int(c),
                int(cells), task);
  else
    CAWE_LAUNCH((map_of_planes<T, kPack, M, kWithRange>), grid, kPlaneWarps * 32, 0, stream, w, f, map,
                int(c), int(cells), task);
}

template <class T, class M, bool kWithRange>
void choose_load(const void* w, const void* f, void* map, int64_t n, int64_t c, int64_t cells,
                 bool channels_last, const RangeTask<Accumulator<T>>& task, DeviceStream stream) {
  const auto *weights = static_cast<const T*>(w), *features = static_cast<const T*>(f);
  auto* out = static_cast<M*>(map);
  if ((channels_last ? c : cells) % kPerLoad<T> == 0 && aligned(f) && (aligned(w) || !channels_last))
    launch_map<T, kPerLoad<T>, M, kWithRange>(weights, features, out, n, c, cells, channels_last, task,
                                              stream);
  else
    launch_map<T, 1, M, kWithRange>(weights, features, out, n, c, cells, channels_last, task, stream);
}

}  // namespace

void cawe_map(Number number, const void* w, const void* f, void* map, int64_t n, int64_t c, int64_t cells,
              bool channels_last, DeviceStream stream) {
  if (n * cells == 0) return;
  CAWE_DISPATCH(number, T, choose_load<T, T, false>(w, f, map, n, c, cells, channels_last, {}, stream))
}

void cawe_map_extremes(Number number, const void* w, const void* f, void* map, const MapRange& range,
                       Dims4 features, bool channels_last, int64_t height, int64_t width,
                       DeviceStream stream) {
  const int64_t cells = features.h * features.w;
  if (features.n * cells * height * width == 0) return;
  CAWE_DISPATCH(number, T, {
    using A = Accumulator<T>;
    const RangeTask<A> task{
        static_cast<A*>(range.low),   static_cast<A*>(range.high), range.constant, range.tickets,
        scale_of(features.h, height), scale_of(features.w, width)};
    choose_load<T, A, true>(w, f, map, features.n, features.c, cells, channels_last, task, stream);
  })
}

}  // namespace CAWE_DEVICE
