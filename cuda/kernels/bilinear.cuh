// SPDX-License-Identifier: Apache-2.0
// Bilinear interpolation, align_corners=false, with exactly the roundings of the CPU's resize_bilinear:
// positions in double, weights rounded once, products and sums never contracted.
#pragma once

// Included by kernel files, after simt.cuh.

namespace cawe::simt {

/// Where output index d lies between two inputs, and what each of them weighs.
template <class A>
struct Tap {
  int first, second;
  A near, far;  ///< weights of first and second
};

/// One direction of a resize. Divisions are the host's.
struct Scale {
  int in, out;
  double step, inverse;  ///< in / out, and about its inverse
};
__forceinline__ Scale scale_of(int64_t in, int64_t out) {
  return {int(in), int(out), double(in) / double(out), double(out) / double(in)};
}

template <class A>
__device__ __forceinline__ Tap<A> tap_at(int d, const Scale& s) {
  const double place = __dsub_rn(__dmul_rn(__dadd_rn(double(d), 0.5), s.step), 0.5);
  const double at = place > 0.0 ? place : 0.0;
  const int first = int(at) < s.in - 1 ? int(at) : s.in - 1;
  const double weight = __dsub_rn(at, double(first));
  return {first, first + 1 < s.in ? first + 1 : first, A(__dsub_rn(1.0, weight)), A(weight)};
}

template <class A>
__device__ __forceinline__ A mix(const Tap<A>& tap, A a, A b) {
  return add_rn(mul_rn(tap.near, a), mul_rn(tap.far, b));
}

/// The smallest output index whose tap starts at input `first` or later; s.out where there is none.
__device__ __forceinline__ int first_output_of(int first, const Scale& s) {
  if (first <= 0) return 0;
  if (first >= s.in) return s.out;
  const double guess = (double(first) + 0.5) * s.inverse;
  int d = guess < double(s.out) ? int(guess) : s.out;
  while (d > 0 && tap_at<double>(d - 1, s).first >= first) --d;
  while (d < s.out && tap_at<double>(d, s).first < first) ++d;
  return d;
}

}  // namespace cawe::simt
