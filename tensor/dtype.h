// SPDX-License-Identifier: Apache-2.0
// Element types, devices, and the conversion of 16-bit floats.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/error.h"

namespace cawe {

enum class DType : uint8_t { f32, f64, f16, bf16, i32, i64, u8, boolean };
enum class Device : uint8_t { cpu, cuda, emulated };

const char* name(DType dtype);
const char* name(Device device);
size_t size_of(DType dtype);
inline bool is_floating(DType d) {
  return d == DType::f32 || d == DType::f64 || d == DType::f16 || d == DType::bf16;
}

/// Storage-only 16-bit floats of the CPU; arithmetic converts to f32 (round to nearest even).
struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};
/// Exact to f32; to 16 bits rounded to nearest even, too large values to infinity, NaN stays NaN.
float to_float(Half value);
float to_float(BFloat16 value);
Half to_half(float value);
BFloat16 to_bfloat16(float value);

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<Half> {
  static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};

/// Calls fn(T{}) with T = float or double, the types that the CPU computes in.
template <class Fn>
void dispatch_floating(const char* op, DType dtype, Fn&& fn) {
  if (dtype == DType::f32) return fn(float{});
  if (dtype == DType::f64) return fn(double{});
  fail(Code::dtype, op, ": dtype ", name(dtype),
       " is not computed on the CPU (expected f32 or f64). Convert with Tensor::to.");
}

}  // namespace cawe
