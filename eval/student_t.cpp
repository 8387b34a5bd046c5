// SPDX-License-Identifier: Apache-2.0
// Normal and Student's t distribution.
#include "eval/student_t.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "tensor/error.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kSqrtPi = 1.7724538509055160;
constexpr double kNormalFrom = 1e12;  ///< degrees of freedom from which t is normal to the last digit

/// Gamma(a + 1/2) / Gamma(a). From a = 30 on the series in 1/a (DLMF 5.11.13), below it by Gamma(x + 1) = x Gamma(x):
/// the difference of two lgamma() would lose digits where a is large.
double half_gamma_ratio(double a) {
  double factor = 1;
  for (; a < 30; a += 1) factor *= a / (a + 0.5);
  const double r = 1 / a;
  const double terms[] = {-1.0 / 8,        1.0 / 128,       5.0 / 1024,        -21.0 / 32768,
                          -399.0 / 262144, 869.0 / 4194304, 39325.0 / 33554432};
  double series = 0;
  for (int k = 6; k >= 0; --k) series = r * (terms[k] + series);
  return factor * std::sqrt(a) * (1 + series);
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), from the front by Lentz's rule.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto not_zero = [](double v) { return std::fabs(v) < kTiny ? kTiny : v; };
  double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), value = d;
  for (int m = 1; m < 1000000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / not_zero(1 + even * d);
    c = not_zero(1 + even / c);
    value *= c * d;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / not_zero(1 + odd * d);
    c = not_zero(1 + odd / c);
    value *= c * d;
    if (std::fabs(c * d - 1) < 1e-16) break;
  }
  return value;
}

/// The point where a falling function crosses `level`, between 0 and a bound that is doubled until it lies below.
template <class F>
double crossing(double level, F falling) {
  double low = 0, high = 1;
  while (falling(high) > level && high < 1e300) {
    low = high;
    high *= 2;
  }
  for (int i = 0; i < 200 && low < high; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (falling(middle) > level ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

double normal_cdf(double z) { return 0.5 * std::erfc(-z * 0.70710678118654752440); }

double normal_quantile(double q) {
  CAWE_CHECK(q > 0 && q < 1, Code::internal, "normal quantile at ", q);
  if (q == 0.5) return 0;
  const double z = student_t_critical(2 * std::min(q, 1 - q), std::numeric_limits<double>::infinity());
  return q < 0.5 ? -z : z;
}

double student_t_two_sided(double t, double df) {
  if (std::isnan(t) || !(df > 0)) return kNaN;
  const double size = std::fabs(t);
  if (df > kNormalFrom) return std::erfc(size * 0.70710678118654752440);
  if (size == 0) return 1;
  if (std::isinf(size)) return 0;
  const double a = 0.5 * df, square = t * t / df;
  if (std::isinf(square)) return 0;
  const double x = 1 / (1 + square), rest = square / (1 + square);
  // x^a (1 - x)^(1/2) Gamma(a + 1/2) / (Gamma(a) Gamma(1/2))
  const double front = std::exp(-a * std::log1p(square)) * std::sqrt(rest) * half_gamma_ratio(a) / kSqrtPi;
  if (x < (a + 1) / (a + 2.5)) return std::min(1.0, front / a * beta_fraction(a, 0.5, x));
  return std::max(0.0, 1 - front / 0.5 * beta_fraction(0.5, a, rest));
}

double student_t_critical(double alpha, double df) {
  CAWE_CHECK(alpha > 0 && alpha < 1 && df > 0, Code::internal, "Student's t at level ", alpha, " with ", df,
             " degrees of freedom");
  return crossing(alpha, [&](double t) { return student_t_two_sided(t, df); });
}

double t_test_power(double shift, double df, double alpha) {
  const double critical = student_t_critical(alpha, df);
  const auto rejected = [&](double scale) {
    return normal_cdf(shift - critical * scale) + normal_cdf(-shift - critical * scale);
  };
  if (df > kNormalFrom) return rejected(1);
  // The estimated over the true standard error is s = sqrt(chi^2_df / df); w = log s has a density proportional to
  // exp(df (w - (e^2w - 1) / 2)), which is smooth, so that equal steps converge faster than any power of the step.
  const double deviation = 1 / std::sqrt(2 * df);
  // The power turns from 0 to 1 within 1 / shift; shifts of thousands, which only few seeds ask for, are worth no more steps.
  const double step = std::min(deviation / 4, std::max(1e-3, 1 / (4 * (1 + std::fabs(shift)))));
  double sum = 0, weights = 0;
  const auto add = [&](double w) {
    const double weight = std::exp(df * (w - 0.5 * std::expm1(2 * w)));
    weights += weight;
    sum += weight * rejected(std::exp(w));
    return weight > 1e-18;
  };
  add(0);
  for (int64_t i = 1; add(double(i) * step); ++i) {
  }
  for (int64_t i = 1; add(-double(i) * step); ++i) {
  }
  return sum / weights;
}

double t_test_shift(double power, double df, double alpha) {
  CAWE_CHECK(power > alpha && power < 1, Code::internal, "power ", power, " at level ", alpha);
  return crossing(1 - power, [&](double shift) { return 1 - t_test_power(shift, df, alpha); });
}

}  // namespace cawe::eval
