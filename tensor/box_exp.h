// SPDX-License-Identifier: Apache-2.0
// e^x with the same bits on every device, for decoding boxes. Libraries' exp differ in the last bit, and a
// box that lies on a threshold would be kept on one device and dropped on the other.
#pragma once

#include <cstdint>
#include <cstring>

#include "tensor/same_bits.h"

namespace cawe {
namespace same_bits {

/// a * b + c, rounded once. Written as one operation everywhere: no compiler may split or join anything here.
CAWE_SAME_BITS float fused(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}
CAWE_SAME_BITS double fused(double a, double b, double c) {
#if defined(__CUDA_ARCH__)
  return __fma_rn(a, b, c);
#else
  return __builtin_fma(a, b, c);
#endif
}

template <class To, class From>
CAWE_SAME_BITS To as(From from) {
  static_assert(sizeof(To) == sizeof(From), "the same bits");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

/// kRound is 1.5 * 2^mantissa bits: adding it rounds a small number to an integer, which then lies in the low
/// bits. kUnit is 1 in the exponent's place. ln 2 is split in two parts, so that n * kLn2 is exact in the
/// subtraction x - n * kLn2.
template <class T>
struct ExpOf;
template <>
struct ExpOf<float> {
  using Bits = int32_t;
  static constexpr int32_t kUnit = int32_t{1} << 23, kInfinity = 0x7f800000;
  static constexpr float kRound = 12582912.f, kLog2E = 0x1.715476p+0f;
  static constexpr float kLn2 = 0x1.62e430p-1f, kLn2Rest = -0x1.05c610p-29f;
  static constexpr float kLowest = -87.f, kHighest = 88.f;
};
template <>
struct ExpOf<double> {
  using Bits = int64_t;
  static constexpr int64_t kUnit = int64_t{1} << 52, kInfinity = 0x7ff0000000000000;
  static constexpr double kRound = 6755399441055744.0, kLog2E = 0x1.71547652b82fep+0;
  static constexpr double kLn2 = 0x1.62e42fefa39efp-1, kLn2Rest = 0x1.abc9e3b39803fp-56;
  static constexpr double kLowest = -708., kHighest = 709.;
};

/// Taylor's series of e^r for |r| <= ln(2) / 2, by Horner's rule. The first term left out is below 6e-9.
CAWE_SAME_BITS float series(float r) {
  float p = 1.f / 5040;
  p = fused(p, r, 1.f / 720);
  p = fused(p, r, 1.f / 120);
  p = fused(p, r, 1.f / 24);
  p = fused(p, r, 1.f / 6);
  p = fused(p, r, 0.5f);
  p = fused(p, r, 1.f);
  return fused(p, r, 1.f);
}
/// The same; the first term left out is below 5e-18.
CAWE_SAME_BITS double series(double r) {
  double p = 1. / 6227020800;
  p = fused(p, r, 1. / 479001600);
  p = fused(p, r, 1. / 39916800);
  p = fused(p, r, 1. / 3628800);
  p = fused(p, r, 1. / 362880);
  p = fused(p, r, 1. / 40320);
  p = fused(p, r, 1. / 5040);
  p = fused(p, r, 1. / 720);
  p = fused(p, r, 1. / 120);
  p = fused(p, r, 1. / 24);
  p = fused(p, r, 1. / 6);
  p = fused(p, r, 0.5);
  p = fused(p, r, 1.);
  return fused(p, r, 1.);
}

}  // namespace same_bits

/// e^x within one unit in the last place; T is float or double. 0 below -87 (-708 in double), where results
/// would be subnormal; infinity above 88 (709); NaN stays. Method: x = n ln 2 + r, so e^x = 2^n e^r, and n is
/// added to the bits of the exponent.
template <class T>
CAWE_SAME_BITS T box_exp(T x) {
  using E = same_bits::ExpOf<T>;
  using Bits = typename E::Bits;
  if (x < E::kLowest) return T(0);
  if (x > E::kHighest) return same_bits::as<T>(E::kInfinity);
  if (x != x) return x;
  const T shifted = same_bits::fused(x, E::kLog2E, E::kRound), n = shifted - E::kRound;
  const T r = same_bits::fused(-n, E::kLn2Rest, same_bits::fused(-n, E::kLn2, x));
  const Bits exponent = same_bits::as<Bits>(shifted) - same_bits::as<Bits>(E::kRound);
  return same_bits::as<T>(Bits(same_bits::as<Bits>(same_bits::series(r)) + exponent * E::kUnit));
}

}  // namespace cawe
