// SPDX-License-Identifier: Apache-2.0
// 16-bit floats: every value decoded, and every boundary between two neighbours rounded to nearest even.
#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

namespace cawe {
namespace {

/// A binary float of `exponent_bits` and `mantissa_bits` by the definition of IEEE 754.
double decode(uint32_t bits, int exponent_bits, int mantissa_bits) {
  const uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
  const int exponent = int(bits >> mantissa_bits & ((1u << exponent_bits) - 1));
  const int largest = (1 << exponent_bits) - 1, bias = largest / 2;
  const double sign = bits >> (mantissa_bits + exponent_bits) & 1 ? -1 : 1;
  if (exponent == largest) return mantissa ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(double(mantissa), 1 - bias - mantissa_bits);
  return sign * std::ldexp(double(mantissa + (1u << mantissa_bits)), exponent - bias - mantissa_bits);
}

struct HalfFormat {
  static constexpr int kExponent = 5, kMantissa = 10;
  static float decoded(uint16_t bits) { return to_float(Half{bits}); }
  static uint16_t encoded(float v) { return to_half(v).bits; }
};
struct BFloat16Format {
  static constexpr int kExponent = 8, kMantissa = 7;
  static float decoded(uint16_t bits) { return to_float(BFloat16{bits}); }
  static uint16_t encoded(float v) { return to_bfloat16(v).bits; }
};

template <class Format>
class SixteenBits : public ::testing::Test {};
using Formats = ::testing::Types<HalfFormat, BFloat16Format>;
TYPED_TEST_SUITE(SixteenBits, Formats);

TYPED_TEST(SixteenBits, AllValuesDecodeAndComeBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const double want = decode(bits, TypeParam::kExponent, TypeParam::kMantissa);
    const float got = TypeParam::decoded(uint16_t(bits));
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got)) << bits;
      EXPECT_TRUE(std::isnan(TypeParam::decoded(TypeParam::encoded(got)))) << bits;
      continue;
    }
    EXPECT_EQ(double(got), want) << bits;
    EXPECT_EQ(std::signbit(got), bits >> 15 == 1) << bits;
    EXPECT_EQ(TypeParam::encoded(got), bits);
  }
}

// Rounding is monotone: testing it around the midpoints of all neighbours tests it everywhere.
TYPED_TEST(SixteenBits, RoundsToNearestEven) {
  const uint32_t infinity = ((1u << TypeParam::kExponent) - 1) << TypeParam::kMantissa;
  for (uint32_t low = 0; low < infinity; ++low) {
    const double a = decode(low, TypeParam::kExponent, TypeParam::kMantissa);
    // Beyond the largest finite number the next power of two stands for infinity.
    const double b = low + 1 < infinity
                         ? decode(low + 1, TypeParam::kExponent, TypeParam::kMantissa)
                         : a + (a - decode(low - 1, TypeParam::kExponent, TypeParam::kMantissa));
    const auto middle = float((a + b) / 2);
    ASSERT_EQ(double(middle), (a + b) / 2) << "a midpoint is exact in f32";
    const float below = std::nextafterf(middle, 0.0f), above = std::nextafterf(middle, INFINITY);
    const uint32_t even = low % 2 == 0 ? low : low + 1;
    EXPECT_EQ(TypeParam::encoded(middle), even) << low;
    EXPECT_EQ(TypeParam::encoded(below), low) << low;
    EXPECT_EQ(TypeParam::encoded(above), low + 1) << low;
    EXPECT_EQ(TypeParam::encoded(-middle), 0x8000 + even) << low;
    EXPECT_EQ(TypeParam::encoded(-above), 0x8000 + low + 1) << low;
  }
}

TYPED_TEST(SixteenBits, Extremes) {
  const uint32_t infinity = ((1u << TypeParam::kExponent) - 1) << TypeParam::kMantissa;
  EXPECT_EQ(TypeParam::encoded(INFINITY), infinity);
  EXPECT_EQ(TypeParam::encoded(-INFINITY), 0x8000 + infinity);
  EXPECT_EQ(TypeParam::encoded(std::numeric_limits<float>::max()), infinity);
  EXPECT_EQ(TypeParam::encoded(-0.0f), 0x8000u);
  // A NaN whose payload lies in the bits that are cut off must not become infinity.
  const uint32_t quiet_payload = 0x7f800001;
  float nan;
  std::memcpy(&nan, &quiet_payload, 4);
  EXPECT_TRUE(std::isnan(TypeParam::decoded(TypeParam::encoded(nan))));
  EXPECT_TRUE(std::isnan(TypeParam::decoded(TypeParam::encoded(-nan))));
}

TEST(DType, NamesAndSizes) {
  const struct {
    DType dtype;
    const char* name;
    size_t size;
    bool floating;
  } all[] = {{DType::f32, "f32", 4, true},   {DType::f64, "f64", 8, true},      {DType::f16, "f16", 2, true},
             {DType::bf16, "bf16", 2, true}, {DType::i32, "i32", 4, false},     {DType::i64, "i64", 8, false},
             {DType::u8, "u8", 1, false},    {DType::boolean, "bool", 1, false}};
  for (const auto& d : all) {
    EXPECT_STREQ(name(d.dtype), d.name);
    EXPECT_EQ(size_of(d.dtype), d.size);
    EXPECT_EQ(is_floating(d.dtype), d.floating);
  }
  try {
    dispatch_floating("an operator", DType::f16, [](auto) { FAIL() << "f16 is not computed on the CPU"; });
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::dtype);
    EXPECT_NE(std::string(e.what()).find("an operator"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("f16"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace cawe
