// SPDX-License-Identifier: Apache-2.0
// The normal and Student's t distribution, and the power of a t test: what intervals and p over seeds are read from.
// Degrees of freedom may be fractions (Satterthwaite); infinity is the normal distribution.
#pragma once

namespace cawe::eval {

/// P(Z <= z) of the standard normal distribution.
double normal_cdf(double z);
/// The z with P(Z <= z) = q, 0 < q < 1.
double normal_quantile(double q);

/// P(|T| >= |t|), df > 0: the incomplete beta function I_x(df/2, 1/2) at x = df / (df + t^2) (DLMF 8.17), to about 1e-13
/// of itself. NaN where t is NaN or df is not above 0.
double student_t_two_sided(double t, double df);
/// The t > 0 with P(|T| >= t) = alpha, 0 < alpha < 1: the critical value of a two-sided test at that level.
double student_t_critical(double alpha, double df);

/// The chance that a two-sided t test at level alpha rejects, where the true effect is `shift` standard errors: the
/// noncentral t distribution beyond the critical value, integrated over the standard error's estimate.
double t_test_power(double shift, double df, double alpha);
/// The shift in standard errors that such a test sees with the given power, alpha < power < 1.
double t_test_shift(double power, double df, double alpha);

}  // namespace cawe::eval
