// SPDX-License-Identifier: Apache-2.0
// A channel's coefficients from its sums: computed where the sums are (batch_norm_sums.cu), and from sums that ranks have
// added (batch_norm_coefficients.cu).
#pragma once

#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {
namespace {

/// (1 - m) * old + m * now
__device__ __forceinline__ double moved(double old, double now, double momentum) {
  return __dadd_rn(__dmul_rn(__dsub_rn(1.0, momentum), old), __dmul_rn(momentum, now));
}

/// Batch norm's parameters, running values and coefficients `out` [4, c]; of `count` values a channel.
template <class T>
struct Normalisation {
  double count, momentum, eps;
  const T *w, *b;
  T *running_mean, *running_var, *out;
  int c;

  /// Coefficients of channel i from its sums of x and x^2; moves the running values.
  __device__ __forceinline__ void operator()(int i, double sum, double squares) const {
    const double mean = __ddiv_rn(sum, count);
    double var = __dsub_rn(__ddiv_rn(squares, count), __dmul_rn(mean, mean));
    var = var > 0.0 ? var : 0.0;
    const double unbias = __ddiv_rn(count, __dsub_rn(count, 1.0));
    const double old_mean = double(running_mean[i]), old_var = double(running_var[i]);
    running_mean[i] = T(moved(old_mean, mean, momentum));
    running_var[i] = T(
        __dadd_rn(__dmul_rn(__dsub_rn(1.0, momentum), old_var), __dmul_rn(__dmul_rn(momentum, var), unbias)));
    put(i, mean, var);
  }
  /// Coefficients of channel i from its running values.
  __device__ __forceinline__ void of_running(int i) const {
    put(i, double(running_mean[i]), double(running_var[i]));
  }

 private:
  __device__ __forceinline__ void put(int i, double mean, double var) const {
    const double invstd = __ddiv_rn(1.0, __dsqrt_rn(__dadd_rn(var, eps)));
    const double scale = __dmul_rn(double(w[i]), invstd);
    out[i] = T(mean);
    out[c + i] = T(invstd);
    out[2 * c + i] = T(scale);
    out[3 * c + i] = T(__dsub_rn(double(b[i]), __dmul_rn(mean, scale)));
  }
};

}  // namespace
}  // namespace CAWE_DEVICE
