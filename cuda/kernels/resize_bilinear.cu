// SPDX-License-Identifier: Apache-2.0
// Bilinear resizing (align_corners=false, no antialias) and its gradient.
//
// Bytes     forward: read min(N·C·h·w, 4 N·C·H·W)·e, write N·C·H·W·e. Gradient: read N·C·H·W·e, write
//           N·C·h·w·e. Tables: 16 (f64: 24) per row and a column of the large side, gradient 8 more for those
//           of the small one.
// FLOPs     forward: 9 per output (6 products, 3 sums). Gradient: about 2 per number of dy and neighbour, 8.
// Launch    First the table, one thread a row or column: places and weights come from double arithmetic,
//           which most GPUs are slow at. Then 256 threads per block. Forward: a thread for 4 rows of an
//           output column; gradient: a thread for an input cell; of one channel, or of up to four where
//           channels lie together and are a multiple of that.
// Numerics  forward: the roundings of the CPU (f32 for 16-bit types), never contracted: its bits. Gradient:
//           f32 (f64 for f64), row-major order of dy, no atomics.
// Loads     channels-last: up to 128 bits, whole sectors; the table's entry is one for all. NCHW: lanes are
//           neighbours of a row; an entry of the table is 16 bytes per lane, for 4 rows (forward). Gradient:
//           lanes lie W/w numbers of dy apart, the sectors between are used by the thread's next columns,
//           from L1.
#include "cuda/kernels/cells.cuh"
#include "cuda/kernels/resize.h"
// Needs simt.cuh before it.
#include "cuda/kernels/bilinear.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kRowsOfAThread = 4;

/// A tap: 16 bytes, which is one load; 24 for double.
template <class A>
struct alignas(sizeof(A) == 4 ? 16 : 8) Entry {
  Tap<A> tap;
};

/// The outputs [begin, end) that use an input.
struct alignas(8) Users {
  int begin, end;
};

/// Taps of all output rows, then of all output columns.
template <class A>
__global__ void __launch_bounds__(kThreads) make_taps(Entry<A>* taps, const Scale rows, const Scale columns) {
  const int i = int(blockIdx.x * kThreads + threadIdx.x);
  if (i >= rows.out + columns.out) return;
  taps[i].tap = i < rows.out ? tap_at<A>(i, rows) : tap_at<A>(i - rows.out, columns);
}

/// Users of all input rows, then of all input columns: the outputs whose first tap is that input or the one
/// before.
__global__ void __launch_bounds__(kThreads) make_users(Users* users, const Scale rows, const Scale columns) {
  const int i = int(blockIdx.x * kThreads + threadIdx.x);
  if (i >= rows.in + columns.in) return;
  const bool row = i < rows.in;
  const int input = row ? i : i - rows.in;
  const Scale scale = row ? rows : columns;
  users[i] = {first_output_of(input - 1, scale), first_output_of(input + 1, scale)};
}

struct ResizeShape {
  int in_h, in_w, out_h, out_w, c;
};

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads) bilinear_forward(const T* __restrict__ x, T* __restrict__ y,
                                                             const Entry<Accumulator<T>>* __restrict__ taps,
                                                             const ResizeShape s, const Numbering by) {
  using A = Accumulator<T>;
  using Numbers = Pack<T, kPack>;
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);  // its y is an index of groups of rows
  const Entry<A> across = taps[s.out_h + cell.x];
  const int channel = int(cell.pack) * kPack;
  for (int row = cell.y * kRowsOfAThread; row < (cell.y + 1) * kRowsOfAThread && row < s.out_h; ++row) {
    const Entry<A> down = taps[row];
    const auto load = [&](int iy, int ix) {
      return *reinterpret_cast<const Numbers*>(x + offset_of(cell.n, iy, ix, s.in_h, s.in_w, s.c) + channel);
    };
    const Numbers a = load(down.tap.first, across.tap.first), b = load(down.tap.first, across.tap.second),
                  c = load(down.tap.second, across.tap.first), d = load(down.tap.second, across.tap.second);
    Numbers out;
    for (int k = 0; k < kPack; ++k)
      out.v[k] = rounded<T>(mix(down.tap, mix(across.tap, widen(a.v[k]), widen(b.v[k])),
                                mix(across.tap, widen(c.v[k]), widen(d.v[k]))));
    *reinterpret_cast<Numbers*>(y + offset_of(cell.n, row, cell.x, s.out_h, s.out_w, s.c) + channel) = out;
  }
}

/// The weight of one input in an output; at the border both taps may be that input.
template <class A>
__device__ __forceinline__ A weight_on(const Tap<A>& tap, int input) {
  return (tap.first == input ? tap.near : A(0)) + (tap.second == input ? tap.far : A(0));
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    bilinear_gradient(const T* __restrict__ dy, T* __restrict__ dx,
                      const Entry<Accumulator<T>>* __restrict__ taps, const Users* __restrict__ users,
                      const ResizeShape s, const Numbering by) {
  using A = Accumulator<T>;
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= by.count) return;
  const Cell cell = cell_of(i, by);
  const Users rows = users[cell.y], columns = users[s.in_h + cell.x];
  A sum[kPack] = {};
  for (int oy = rows.begin; oy < rows.end; ++oy) {
    const T* from = dy + offset_of(cell.n, oy, columns.begin, s.out_h, s.out_w, s.c) + cell.pack * kPack;
    A of_row[kPack] = {};
#if defined(__CUDACC__)
#pragma unroll 1  // unrolled, ptxas spills registers
#endif
    for (int ox = columns.begin; ox < columns.end; ++ox, from += s.c) {
      const Entry<A> across = taps[s.out_h + ox];
      const A share = weight_on(across.tap, cell.x);
      const auto g = *reinterpret_cast<const Pack<T, kPack>*>(from);
      for (int k = 0; k < kPack; ++k) of_row[k] += share * widen(g.v[k]);
    }
    const Entry<A> down = taps[oy];
    const A weight = weight_on(down.tap, cell.y);
    for (int k = 0; k < kPack; ++k) sum[k] += weight * of_row[k];
  }
  Pack<T, kPack> out;
  for (int k = 0; k < kPack; ++k) out.v[k] = rounded<T>(sum[k]);
  reinterpret_cast<Pack<T, kPack>*>(dx)[i] = out;
}

unsigned blocks_for(int64_t threads) { return unsigned(ceil_div(threads, kThreads)); }

ResizeShape shape_of(const Images& in, const Images& out) {
  return {int(in.h), int(in.w), int(out.h), int(out.w), int(in.c)};
}

/// The table of taps for a resize from `in` to `out`, at the start of the scratch.
template <class A>
Entry<A>* launch_taps(void* scratch, const Images& in, const Images& out, DeviceStream stream) {
  auto* const taps = static_cast<Entry<A>*>(scratch);
  CAWE_LAUNCH(make_taps<A>, blocks_for(out.h + out.w), kThreads, 0, stream, taps, scale_of(in.h, out.h),
              scale_of(in.w, out.w));
  return taps;
}

template <class T, int kPack>
void launch_forward(const T* x, T* y, const Entry<Accumulator<T>>* taps, const Images& in, const Images& out,
                    DeviceStream stream) {
  in_batches(out.n, out.numbers(), [&](int64_t first, int64_t n) {
    const Numbering by = numbering_of(n, ceil_div(out.h, kRowsOfAThread), out.w, out.c / kPack);
    CAWE_LAUNCH((bilinear_forward<T, kPack>), blocks_for(by.count), kThreads, 0, stream,
                x + first * in.numbers(), y + first * out.numbers(), taps, shape_of(in, out), by);
  });
}

template <class T, int kPack>
void launch_gradient(const T* dy, T* dx, const Entry<Accumulator<T>>* taps, const Users* users,
                     const Images& out, const Images& in, DeviceStream stream) {
  in_batches(in.n, in.numbers(), [&](int64_t first, int64_t n) {
    const Numbering by = numbering_of(n, in.h, in.w, in.c / kPack);
    CAWE_LAUNCH((bilinear_gradient<T, kPack>), blocks_for(by.count), kThreads, 0, stream,
                dy + first * out.numbers(), dx + first * in.numbers(), taps, users, shape_of(in, out), by);
  });
}

}  // namespace

int64_t resize_bilinear_scratch(Number number, const Dims4& in, const Dims4& out) {
  const size_t entry = number == Number::f64 ? sizeof(Entry<double>) : sizeof(Entry<float>);
  return (out.h + out.w) * int64_t(entry) + (in.h + in.w) * int64_t(sizeof(Users));
}

void resize_bilinear(Number number, const void* x, void* y, void* scratch, const Dims4& in_sizes,
                     const Dims4& out_sizes, bool channels_last, DeviceStream stream) {
  const Images in = images_of(in_sizes, channels_last), out = images_of(out_sizes, channels_last);
  if (out.n * out.numbers() == 0) return;
  CAWE_DISPATCH(number, T, {
    const auto* const taps = launch_taps<Accumulator<T>>(scratch, in, out, stream);
    const T* const from = static_cast<const T*>(x);
    T* const to = static_cast<T*>(y);
    if (in_channel_packs<T>(in.c, from, to))
      launch_forward<T, kChannelPack<T>>(from, to, taps, in, out, stream);
    else
      launch_forward<T, 1>(from, to, taps, in, out, stream);
  })
}

void resize_bilinear_grad(Number number, const void* dy, void* dx, void* scratch, const Dims4& out_sizes,
                          const Dims4& in_sizes, bool channels_last, DeviceStream stream) {
  const Images in = images_of(in_sizes, channels_last), out = images_of(out_sizes, channels_last);
  if (in.n * in.numbers() == 0) return;
  CAWE_DISPATCH(number, T, {
    const auto* const taps = launch_taps<Accumulator<T>>(scratch, in, out, stream);
    auto* const users =
        reinterpret_cast<Users*>(static_cast<Entry<Accumulator<T>>*>(scratch) + out.h + out.w);
    CAWE_LAUNCH(make_users, blocks_for(in.h + in.w), kThreads, 0, stream, users, scale_of(in.h, out.h),
                scale_of(in.w, out.w));
    const T* const from = static_cast<const T*>(dy);
    T* const to = static_cast<T*>(dx);
    if (in_channel_packs<T>(in.c, from, to))
      launch_gradient<T, kChannelPack<T>>(from, to, taps, users, out, in, stream);
    else
      launch_gradient<T, 1>(from, to, taps, users, out, in, stream);
  })
}

}  // namespace CAWE_DEVICE
