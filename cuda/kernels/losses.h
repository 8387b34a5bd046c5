// SPDX-License-Identifier: Apache-2.0
// Launch functions of the losses that are summed for each item of a batch (losses.cu).
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

// Tensors [items, size] are contiguous and 16-byte aligned; size below 2^31. Sums y [items] and scales
// [items] are f64 for f64 tensors, else f32. Gradients: dx = scale[item] * d(sum of the item) / dx.

/// How many doubles of scratch the sums need; may be 0.
int64_t item_sums_scratch(Number number, int64_t items, int64_t size);

/// y = sum of alpha_t (1 - p_t)^gamma (-log p_t) with p = sigmoid(x); t is 1 foreground, 0 background, -1
/// left out.
void sigmoid_focal_loss(Number number, int64_t items, int64_t size, const void* x, const void* t,
                        double alpha, double gamma, double* scratch, void* y, DeviceStream stream);
void sigmoid_focal_loss_grad(Number number, int64_t items, int64_t size, const void* x, const void* t,
                             double alpha, double gamma, const void* scale, void* dx, DeviceStream stream);

/// y = sum of -pos_weight t log p - (1 - t) log(1 - p) with p = sigmoid(x), over elements whose mask is not
/// 0. mask [items, size] and pos_weight [size] may be null: everything, and 1.
void bce_with_logits(Number number, int64_t items, int64_t size, const void* x, const void* t,
                     const void* mask, const void* pos_weight, double* scratch, void* y, DeviceStream stream);
void bce_with_logits_grad(Number number, int64_t items, int64_t size, const void* x, const void* t,
                          const void* mask, const void* pos_weight, const void* scale, void* dx,
                          DeviceStream stream);

/// y = sum of mask * h(x - t), h being smooth L1 with `beta` (0: |x - t|); x, t [items, anchors, k], mask
/// [items, anchors].
void smooth_l1(Number number, int64_t items, int64_t anchors, int64_t k, const void* x, const void* t,
               const void* mask, double beta, double* scratch, void* y, DeviceStream stream);
void smooth_l1_grad(Number number, int64_t items, int64_t anchors, int64_t k, const void* x, const void* t,
                    const void* mask, double beta, const void* scale, void* dx, DeviceStream stream);

}  // namespace CAWE_DEVICE
