// SPDX-License-Identifier: Apache-2.0
// Copies that change the element type.
//
// Bytes     read n·e of x, write n·e of y; each element once.
// FLOPs     none counted: 1 conversion an element.
// Launch    Both sides packed in one order and the types floating (or u8 to floating): 256 threads per block,
//           as many elements per thread as 16 bytes hold of the wider type. Else one element per thread in
//           y's order.
// Numerics  as `convert` of the CPU's backend: f16 and bf16 are read into f32 and rounded from f32, nearest,
//           ties to even; f64 to a 16-bit type rounds twice. Integers truncate; u8 by way of i32, so that -1
//           is 255.
// Loads     flat: 128 bits of the wider type; else one element per lane, y dense.
#include "cuda/kernels/memory.h"
#include "cuda/kernels/memory_convert.cuh"
#include "cuda/kernels/walk.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

template <class From, class To>
__global__ void __launch_bounds__(kFlatThreads)
    convert_flat(const From* __restrict__ x, To* __restrict__ y, int64_t n) {
  constexpr int kPack = kTogether<From, To>;
  const int64_t i = int64_t(blockIdx.x) * kFlatThreads + threadIdx.x, packs = n / kPack;
  if (i < packs) {
    const Pack<From, kPack> in = reinterpret_cast<const Pack<From, kPack>*>(x)[i];
    Pack<To, kPack> out;
    for (int k = 0; k < kPack; ++k) out.v[k] = converted<To>(in.v[k]);
    reinterpret_cast<Pack<To, kPack>*>(y)[i] = out;
  } else if (i - packs < n % kPack) {
    const int64_t at = packs * kPack + (i - packs);
    y[at] = converted<To>(x[at]);
  }
}

template <class To, class From>
__device__ __forceinline__ void store_as(void* y, int64_t at, From v) {
  static_cast<To*>(y)[at] = converted<To>(v);
}

template <class From>
__global__ void __launch_bounds__(kFlatThreads)
    convert_walk(const From* x, Element y_type, void* y, const Walk<2> walk, int64_t x_first,
                 int64_t y_first) {
  const unsigned i = blockIdx.x * kFlatThreads + threadIdx.x;
  if (i >= walk.count) return;
  const Offsets<2> o = offsets_of(walk, i);
  const From v = x[x_first + o.at[0]];
  const int64_t at = y_first + o.at[1];
  switch (y_type) {  // the same branch for all threads
    case Element::f32:
      return store_as<float>(y, at, v);
    case Element::f64:
      return store_as<double>(y, at, v);
    case Element::f16:
      return store_as<half>(y, at, v);
    case Element::bf16:
      return store_as<bf16>(y, at, v);
    case Element::i32:
      return store_as<int32_t>(y, at, v);
    case Element::i64:
      return store_as<int64_t>(y, at, v);
    case Element::u8:
      return store_as<uint8_t>(y, at, v);
    case Element::boolean:
      return store_as<bool>(y, at, v);
  }
}

template <class From, class To>
void launch_flat(const void* x, void* y, int64_t n, DeviceStream stream) {
  if constexpr (!std::is_same_v<From, To>)
    CAWE_LAUNCH((convert_flat<From, To>), flat_blocks(n, kTogether<From, To>), kFlatThreads, 0, stream,
                static_cast<const From*>(x), static_cast<To*>(y), n);
}

bool is_number(Element e) {
  return e == Element::f32 || e == Element::f64 || e == Element::f16 || e == Element::bf16;
}

/// From any other type to one of the four floating ones.
template <class From>
void launch_flat_to(Element y_type, const void* x, void* y, int64_t n, DeviceStream stream) {
  if (y_type == Element::f32) launch_flat<From, float>(x, y, n, stream);
  if (y_type == Element::f64) launch_flat<From, double>(x, y, n, stream);
  if (y_type == Element::f16) launch_flat<From, half>(x, y, n, stream);
  if (y_type == Element::bf16) launch_flat<From, bf16>(x, y, n, stream);
}

template <class From>
void launch_walk(const void* x, Element y_type, void* y, const Plan<2>& plan, DeviceStream stream) {
  in_parts(plan, {0, 0}, [&](const Plan<2>& part, const int64_t(&first)[2]) {
    const Walk<2> walk = make_walk(part);
    CAWE_LAUNCH(convert_walk<From>, unsigned(ceil_div(walk.count, kFlatThreads)), kFlatThreads, 0, stream,
                static_cast<const From*>(x), y_type, y, walk, first[0], first[1]);
  });
}

}  // namespace

void convert(Element x_type, const void* x, const StridedView& from, Element y_type, void* y,
             const StridedView& to, DeviceStream stream) {
  const Plan<2> plan = make_plan<2>({&from, &to});
  const int64_t n = plan.count();
  if (n == 0) return;
  const bool flat = plan.is_flat() && is_aligned(x) && is_aligned(y) && is_number(y_type);
  const auto run = [&](auto zero) {
    using From = decltype(zero);
    if (flat && (sizeof(From) == 1 || is_number(x_type)))
      launch_flat_to<From>(y_type, x, y, n, stream);
    else
      launch_walk<From>(x, y_type, y, plan, stream);
  };
  switch (x_type) {
    case Element::f32:
      return run(float{});
    case Element::f64:
      return run(double{});
    case Element::f16:
      return run(half{});
    case Element::bf16:
      return run(bf16{});
    case Element::i32:
      return launch_walk<int32_t>(x, y_type, y, plan, stream);
    case Element::i64:
      return launch_walk<int64_t>(x, y_type, y, plan, stream);
    case Element::u8:
    case Element::boolean:
      return run(uint8_t{});
  }
}

}  // namespace CAWE_DEVICE
