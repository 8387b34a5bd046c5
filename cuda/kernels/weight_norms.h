// SPDX-License-Identifier: Apache-2.0
// Launch functions of normalised weights: weight_norms_spectral.cu and weight_norms_weight.cu. Weights are
// packed matrices of `rows` x `columns` numbers, 16-byte aligned, f32 or f64 (trained parameters are never
// 16-bit); vectors are of the same type. Nothing overlaps. Sizes are not 0.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// Sizes of a weight as a matrix.
struct MatrixSize {
  int64_t rows, columns;
};

/// Bytes of scratch memory for spectral_norm and its gradient.
int64_t spectral_norm_scratch(Number number, const MatrixSize& size);

/// y = w / sigma, sigma[0] = u^T w v; where `iterate`, first v = w^T u / |w^T u| and u = w v / |w v| in
/// place, norms at least eps. u: [rows], v: [columns].
void spectral_norm(Number number, const void* w, const MatrixSize& size, bool iterate, double eps, void* u,
                   void* v, void* sigma, void* y, void* scratch, DeviceStream stream);
/// dw = (dy - <dy, y> u v^T) / sigma.
void spectral_norm_grad(Number number, const void* dy, const void* y, const MatrixSize& size, const void* u,
                        const void* v, const void* sigma, void* dw, void* scratch, DeviceStream stream);

/// y[o] = g[o] v[o] / |v[o]|, norm[o] = |v[o]|.
void weight_norm(Number number, const void* v, const MatrixSize& size, const void* g, void* norm, void* y,
                 DeviceStream stream);
/// dg[o] = <dy[o], v[o]> / norm[o]; dv[o] = g[o] / norm[o] (dy[o] - dg[o] / norm[o] v[o]).
void weight_norm_grad(Number number, const void* dy, const void* v, const MatrixSize& size, const void* g,
                      const void* norm, void* dv, void* dg, DeviceStream stream);

}  // namespace CAWE_DEVICE

/// CAWE_DISPATCH_WEIGHTS(number, T, statement): T = float or double. Kernel files only.
#define CAWE_DISPATCH_WEIGHTS(number, T, ...) \
  if ((number) == ::cawe::Number::f32) {      \
    using T = float;                          \
    __VA_ARGS__;                              \
  } else {                                    \
    using T = double;                         \
    __VA_ARGS__;                              \
  }
