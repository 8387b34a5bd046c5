// SPDX-License-Identifier: Apache-2.0
#include "tensor/dtype.h"

#include <cstring>

namespace cawe {
namespace {

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

}  // namespace

const char* name(DType dtype) {
  static const char* const names[] = {"f32", "f64", "f16", "bf16", "i32", "i64", "u8", "bool"};
  return names[static_cast<int>(dtype)];
}

const char* name(Device device) {
  static const char* const names[] = {"cpu", "cuda", "emulated"};
  return names[static_cast<int>(device)];
}

size_t size_of(DType dtype) {
  static const size_t sizes[] = {4, 8, 2, 2, 4, 8, 1, 1};
  return sizes[static_cast<int>(dtype)];
}

float to_float(BFloat16 value) { return float_of(uint32_t(value.bits) << 16); }

BFloat16 to_bfloat16(float value) {
  const uint32_t bits = bits_of(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {uint16_t((bits >> 16) | 0x40)};  // keep NaN a NaN
  return {uint16_t((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16)};
}

float to_float(Half value) {
  const uint32_t sign = uint32_t(value.bits & 0x8000) << 16, exponent = (value.bits >> 10) & 31,
                 mantissa = value.bits & 0x3ff;
  if (exponent == 31) return float_of(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return float_of(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = float(mantissa) * 0x1p-24f;  // subnormal or zero
  return sign ? -magnitude : magnitude;
}

Half to_half(float value) {
  const uint32_t bits = bits_of(value), sign = (bits >> 16) & 0x8000, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return {uint16_t(sign | 0x7e00)};
  if (magnitude >= 0x477ff000u) return {uint16_t(sign | 0x7c00)};  // 65520 and above round to infinity
  if (magnitude < 0x38800000u) {                                   // below 2^-14: subnormal, round to even
    const float scaled = float_of(magnitude) * 0x1p24f;
    const uint32_t whole = uint32_t(scaled);
    const float rest = scaled - float(whole);
    return {uint16_t(sign | (whole + (rest > 0.5f || (rest == 0.5f && (whole & 1)))))};
  }
  return {uint16_t(sign | ((magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1)) >> 13))};
}

}  // namespace cawe
