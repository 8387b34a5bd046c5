// SPDX-License-Identifier: Apache-2.0
// Fills, and copies between any two types and memory orders: plain loops.
#include <type_traits>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

using cpu::for_each_offset;

template <class From, class To>
To convert(From v) {
  if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>)
    return convert<float, To>(to_float(v));
  else if constexpr (std::is_same_v<To, Half>)
    return to_half(float(v));
  else if constexpr (std::is_same_v<To, BFloat16>)
    return to_bfloat16(float(v));
  else if constexpr (std::is_same_v<To, uint8_t> && std::is_floating_point_v<From>)
    return To(int32_t(v));  // converting a negative float to u8 directly is undefined in C++
  else
    return static_cast<To>(v);
}

template <class Fn>
void dispatch_any(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::f32:
      return fn(float{});
    case DType::f64:
      return fn(double{});
    case DType::f16:
      return fn(Half{});
    case DType::bf16:
      return fn(BFloat16{});
    case DType::i32:
      return fn(int32_t{});
    case DType::i64:
      return fn(int64_t{});
    case DType::u8:
      return fn(uint8_t{});
    case DType::boolean:
      return fn(bool{});
  }
}

}  // namespace

void ReferenceBackend::fill(Tensor& y, double value) {
  dispatch_any(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T v = convert<double, T>(value);
    T* p = y.data<T>();
    for_each_offset<1>(y.shape(), {y.strides()}, [&](const auto& at) { p[at[0]] = v; });
  });
}

void ReferenceBackend::copy(const Tensor& x, Tensor& y) {
  dispatch_any(x.dtype(), [&](auto from) {
    dispatch_any(y.dtype(), [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      const From* px = x.data<From>();
      To* py = y.data<To>();
      for_each_offset<2>(y.shape(), {x.strides(), y.strides()},
                         [&](const auto& at) { py[at[1]] = convert<From, To>(px[at[0]]); });
    });
  });
}

void ReferenceBackend::copy_list(const std::vector<Tensor>& x, const std::vector<Tensor>& y) {
  for (size_t i = 0; i < x.size(); ++i) {
    Tensor to = y[i];
    copy(x[i], to);
  }
}

}  // namespace cawe
