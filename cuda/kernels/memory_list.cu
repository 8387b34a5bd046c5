// SPDX-License-Identifier: Apache-2.0
// Conversions of many tensors at once: a network's parameters to 16 bits before a step, and its gradients back.
//
// Bytes     read n·e of x, write n·e of y; each element once.
// FLOPs     none counted: 1 conversion an element.
// Launch    up to 64 tensors; a block of 256 threads takes 4096 numbers of one (lists.cuh).
// Numerics  as memory_convert.cu.
// Loads     128 bits of the wider type where both addresses of a tensor are multiples of 16 bytes, else one number
//           per lane, as for the last few of a tensor.
#include "cuda/kernels/lists.cuh"
#include "cuda/kernels/memory.h"
#include "cuda/kernels/memory_convert.cuh"

namespace CAWE_DEVICE {
namespace {

template <class From, class To>
struct Convert {
  struct State {};
  __device__ __forceinline__ static bool aligned(const ListedCopy& e) { return are_aligned(e.x, e.y); }
  __device__ __forceinline__ bool prepare(State&) const { return true; }
  template <int kPack>
  __device__ __forceinline__ void apply(const ListedCopy& e, int64_t i, State) const {
    const Pack<From, kPack> in = load<From, kPack>(e.x, i);
    Pack<To, kPack> out;
    for (int k = 0; k < kPack; ++k) out.v[k] = converted<To>(in.v[k]);
    store(e.y, i, out);
  }
};

template <class From, class To>
void launch(const ListedCopy* list, int64_t length, DeviceStream stream) {
  launch_list<kTogether<From, To>>(list, length, Convert<From, To>{}, stream);
}

}  // namespace

bool converts_lists(Element x_type, Element y_type) {
  const auto is_wide = [](Element e) { return e == Element::f32; };
  const auto is_other = [](Element e) {
    return e == Element::f64 || e == Element::f16 || e == Element::bf16;
  };
  return (is_wide(x_type) && is_other(y_type)) || (is_wide(y_type) && is_other(x_type));
}

void convert_list(Element x_type, Element y_type, const ListedCopy* list, int64_t length,
                  DeviceStream stream) {
  if (y_type == Element::f64) return launch<float, double>(list, length, stream);
  if (y_type == Element::f16) return launch<float, half>(list, length, stream);
  if (y_type == Element::bf16) return launch<float, bf16>(list, length, stream);
  if (x_type == Element::f64) return launch<double, float>(list, length, stream);
  if (x_type == Element::f16) return launch<half, float>(list, length, stream);
  launch<bf16, float>(list, length, stream);
}

}  // namespace CAWE_DEVICE
