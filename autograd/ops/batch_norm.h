// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with what usually follows it: a residual addition and a ReLU.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// y = (x - mean) / sqrt(var + eps) * weight + bias (+ residual), then max(y, 0) where `relu`; for each
/// channel. x: [N, C, H, W]; weight, bias, running_mean, running_var: [C]; residual: x's shape or undefined.
/// Training: mean and biased variance of the batch over all lanes and ranks (sums in f64 along the lanes'
/// tree), and running = (1 - momentum) running + momentum batch, with the unbiased variance. Otherwise the
/// running statistics. Gradients by x, weight, bias and residual in both modes. Saves x (and y where relu).
/// Throws Code::shape, Code::dtype; Code::numeric where training has fewer than two values per channel.
/// Source: Ioffe & Szegedy 2015, arXiv 1502.03167, Algorithm 1.
Variable batch_norm(const Variable& x, const Variable& weight, const Variable& bias, Tensor& running_mean,
                    Tensor& running_var, bool training, double momentum = 0.1, double eps = 1e-5,
                    const Variable& residual = {}, bool relu = false);

}  // namespace cawe
