// SPDX-License-Identifier: Apache-2.0
// y = op(x) for the functions of one number in tensor/elementwise.h.
//
// Bytes     read n·e, write n·e; each element once.
// FLOPs     1 to 8 per element by the function (sigmoid: exp, add, divide ...), counted as 1: memory-bound.
// Launch    Both packed in one order: 256 threads per block, 16 bytes per thread. Else one element per thread
//           in y's order.
// Numerics  the functors of the CPU, in f32 for f16 and bf16 (f64 for f64); exp, log, tanh and log1p are
//           CUDA's (at most 2 units in the last place from the CPU's), and multiply-adds may be fused.
// Loads     flat: 128 bits. Else one element per lane: y dense, x as far apart as its strides. In place each thread reads
//           its elements before it writes them, and no __restrict__ promises otherwise.
#include "cuda/kernels/elementwise.h"
#include "cuda/kernels/walk.cuh"
#include "tensor/elementwise.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

template <class T, class Function>
__global__ void __launch_bounds__(kFlatThreads) unary_flat(const T* x, T* y, int64_t n, const Function f) {
  constexpr int kPack = kPerLoad<T>;
  const int64_t i = int64_t(blockIdx.x) * kFlatThreads + threadIdx.x, packs = n / kPack;
  if (i < packs) {
    Pack<T, kPack> p = reinterpret_cast<const Pack<T, kPack>*>(x)[i];
    // Two loops, since one would multiply the branches of f by those of rounding.
    Accumulator<T> value[kPack];
    for (int k = 0; k < kPack; ++k) value[k] = f.value(widen(p.v[k]));
    for (int k = 0; k < kPack; ++k) p.v[k] = rounded<T>(value[k]);
    reinterpret_cast<Pack<T, kPack>*>(y)[i] = p;
  } else if (i - packs < n % kPack) {
    const int64_t at = packs * kPack + (i - packs);
    y[at] = rounded<T>(f.value(widen(x[at])));
  }
}

template <class T>
__global__ void __launch_bounds__(kFlatThreads)
    unary_walk(UnaryOp op, Accumulator<T> a, Accumulator<T> b, const T* x, T* y, const Walk<2> walk) {
  const unsigned i = blockIdx.x * kFlatThreads + threadIdx.x;
  if (i >= walk.count) return;
  const Offsets<2> o = offsets_of(walk, i);
  const Accumulator<T> v = widen(x[o.at[0]]);
  y[o.at[1]] = rounded<T>(elementwise::visit(op, a, b, [v](auto f) { return f.value(v); }));
}

}  // namespace

void unary(Number number, UnaryOp op, double a, double b, const Operand& x, const Result& y,
           DeviceStream stream) {
  const Plan<2> plan = make_plan<2>({&x.view, &y.view});
  const int64_t n = plan.count();
  if (n == 0) return;
  const bool flat = plan.is_flat() && is_aligned(x.data) && is_aligned(y.data);
  CAWE_DISPATCH(number, T, {
    using A = Accumulator<T>;
    const T* const from = static_cast<const T*>(x.data);
    T* const to = static_cast<T*>(y.data);
    if (flat)
      elementwise::visit(op, A(a), A(b), [&](auto f) {
        CAWE_LAUNCH((unary_flat<T, decltype(f)>), flat_blocks(n, kPerLoad<T>), kFlatThreads, 0, stream, from,
                    to, n, f);
      });
    else
      in_parts(plan, {0, 0}, [&](const Plan<2>& part, const int64_t(&first)[2]) {
        const Walk<2> walk = make_walk(part);
        CAWE_LAUNCH(unary_walk<T>, unsigned(ceil_div(walk.count, kFlatThreads)), kFlatThreads, 0, stream, op,
                    A(a), A(b), from + first[0], to + first[1], walk);
      });
  })
}

}  // namespace CAWE_DEVICE
