// SPDX-License-Identifier: Apache-2.0
// dx = dy * slope(x, y) for the functions of one number in tensor/elementwise.h.
//
// Bytes     read n·e of dy and n·e of x (relu, leaky_relu, log, square, abs, softplus, clamp) or of y
//           (sigmoid, tanh, exp, sqrt) or of neither (identity, affine), write n·e: what a slope ignores is
//           not loaded.
// FLOPs     1 to 8 per element, counted as 2 (slope, multiply): memory-bound.
// Launch    All packed in one order: 256 threads per block, 16 bytes of each operand per thread. Else one
//           element per thread in dx's order.
// Numerics  as elementwise_unary.cu.
// Loads     flat: 128 bits. Else one element per lane: dx dense, the others as far apart as their strides.
#include "cuda/kernels/elementwise.h"
#include "cuda/kernels/walk.cuh"
#include "tensor/elementwise.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

template <class T, class Function>
__device__ __forceinline__ T gradient(const Function& f, T x, T y, T dy) {
  return rounded<T>(widen(dy) * f.slope(widen(x), widen(y)));
}

template <class T, class Function>
__global__ void __launch_bounds__(kFlatThreads)
    unary_grad_flat(const T* __restrict__ x, const T* __restrict__ y, const T* __restrict__ dy,
                    T* __restrict__ dx, int64_t n, const Function f) {
  constexpr int kPack = kPerLoad<T>;
  using Numbers = Pack<T, kPack>;
  const int64_t i = int64_t(blockIdx.x) * kFlatThreads + threadIdx.x, packs = n / kPack;
  if (i < packs) {
    const Numbers in = reinterpret_cast<const Numbers*>(x)[i], out = reinterpret_cast<const Numbers*>(y)[i];
    Numbers g = reinterpret_cast<const Numbers*>(dy)[i];
    for (int k = 0; k < kPack; ++k) g.v[k] = gradient(f, in.v[k], out.v[k], g.v[k]);
    reinterpret_cast<Numbers*>(dx)[i] = g;
  } else if (i - packs < n % kPack) {
    const int64_t at = packs * kPack + (i - packs);
    dx[at] = gradient(f, x[at], y[at], dy[at]);
  }
}

template <class T>
__global__ void __launch_bounds__(kFlatThreads)
    unary_grad_walk(UnaryOp op, Accumulator<T> a, Accumulator<T> b, const T* __restrict__ x,
                    const T* __restrict__ y, const T* __restrict__ dy, T* __restrict__ dx,
                    const Walk<4> walk) {
  const unsigned i = blockIdx.x * kFlatThreads + threadIdx.x;
  if (i >= walk.count) return;
  const Offsets<4> o = offsets_of(walk, i);
  const T in = x[o.at[0]], out = y[o.at[1]], g = dy[o.at[2]];
  dx[o.at[3]] = elementwise::visit(op, a, b, [=](auto f) { return gradient(f, in, out, g); });
}

}  // namespace

void unary_grad(Number number, UnaryOp op, double a, double b, const Operand& x, const Operand& y,
                const Operand& dy, const Result& dx, DeviceStream stream) {
  const Plan<4> plan = make_plan<4>({&x.view, &y.view, &dy.view, &dx.view});
  const int64_t n = plan.count();
  if (n == 0) return;
  const bool flat = plan.is_flat() && is_aligned(x.data) && is_aligned(y.data) && is_aligned(dy.data) &&
                    is_aligned(dx.data);
  CAWE_DISPATCH(number, T, {
    using A = Accumulator<T>;
    const T* const px = static_cast<const T*>(x.data);
    const T* const py = static_cast<const T*>(y.data);
    const T* const pd = static_cast<const T*>(dy.data);
    T* const out = static_cast<T*>(dx.data);
    if (flat)
      elementwise::visit(op, A(a), A(b), [&](auto f) {
        CAWE_LAUNCH((unary_grad_flat<T, decltype(f)>), flat_blocks(n, kPerLoad<T>), kFlatThreads, 0, stream,
                    px, py, pd, out, n, f);
      });
    else
      in_parts(plan, {0, 0, 0, 0}, [&](const Plan<4>& part, const int64_t(&first)[4]) {
        const Walk<4> walk = make_walk(part);
        CAWE_LAUNCH(unary_grad_walk<T>, unsigned(ceil_div(walk.count, kFlatThreads)), kFlatThreads, 0, stream,
                    op, A(a), A(b), px + first[0], py + first[1], pd + first[2], out + first[3], walk);
      });
  })
}

}  // namespace CAWE_DEVICE
