// SPDX-License-Identifier: Apache-2.0
// Launch functions of batch norm's parts (batch_norm_sums.cu, batch_norm.cu).
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// [N, C, H, W] with cells = H * W, as NCHW or as NHWC; n * cells and n * c below 2^31. All tensors of one
/// call are dense, in the same layout and 16-byte aligned, vectors [C] and sums too.
struct ChannelShape {
  int64_t n, c, cells;
  bool channels_last;
};

// Vectors [C] are f64 for f64 tensors, else f32. `y` is the output of a ReLU: g = dy where y > 0, else 0;
// without a ReLU pass nullptr, and g = dy.

/// The output of a ReLU as `y` above or, where y is nullptr, what channel_affine() makes of x, `scale` and `shift`
/// without a residual, which is computed again instead of read; nullptr everywhere without a ReLU.
struct ReluOutput {
  const void* y;
  const void *scale, *shift;
};

/// What the three functions below keep parts of sums in. partial: channel_sums_scratch() doubles. tickets: kSumTickets
/// numbers, all 0 before the first launch; every launch leaves them 0, so that all launches of a stream share them.
struct SumScratch {
  double* partial;
  uint32_t* tickets;
};
constexpr int64_t kSumTickets = 1024;
int64_t channel_sums_scratch(Number number, const ChannelShape& shape);

/// sums [2, C]: sum of x, sum of x^2.
void channel_sums(Number number, const ChannelShape& shape, const void* x, const SumScratch& scratch,
                  double* sums, DeviceStream stream);

/// Batch norm's parameters w, b, running values and coefficients `out` [4, C], of a batch; all vectors [C].
struct NormalisedBatch {
  const void *w, *b;
  double momentum, eps;
  void *running_mean, *running_var, *out;
};
/// What batch_norm_coefficients() makes of the sums of x, which must have two values a channel or more.
void channel_coefficients(Number number, const ChannelShape& shape, const void* x,
                          const NormalisedBatch& batch, const SumScratch& scratch, DeviceStream stream);

/// sums [2, C]: sum of g, sum of g * (x - mean) * invstd.
void batch_norm_grad_sums(Number number, const ChannelShape& shape, const void* dy, const void* x,
                          const ReluOutput& relu, const void* mean, const void* invstd,
                          const SumScratch& scratch, double* sums, DeviceStream stream);

/// y = x * scale + shift, in one rounding of f32 or f64, (+ residual) (then ReLU); residual may be nullptr.
void channel_affine(Number number, const ChannelShape& shape, const void* x, const void* scale,
                    const void* shift, const void* residual, bool relu, void* y, DeviceStream stream);
/// dx = w * invstd * (g - sums[0] / count - (x - mean) * invstd * sums[1] / count); dresidual = g, or nullptr
/// for none.
void batch_norm_grad_input(Number number, const ChannelShape& shape, const void* dy, const void* x,
                           const ReluOutput& relu, const void* mean, const void* invstd, const void* w,
                           const double* sums, double count, void* dx, void* dresidual, DeviceStream stream);
/// dx = g * scale; dresidual = g, or nullptr for none.
void channel_affine_grad(Number number, const ChannelShape& shape, const void* dy, const void* y,
                         const void* scale, void* dx, void* dresidual, DeviceStream stream);

}  // namespace CAWE_DEVICE
