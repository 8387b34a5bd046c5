// SPDX-License-Identifier: Apache-2.0
// Losses. Each returns one sum for every item of the batch, [N]; batch_mean() turns these into the training
// loss. Targets, masks and weights are constants. All throw Code::shape and Code::dtype.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// Binary cross-entropy with logits: sum over k of softplus(x) - t x, positives weighted by pos_weight. x, t:
/// [N, K]; mask: [N, K], 0 leaves an element out, or undefined; pos_weight: [K] or undefined. Returns [N].
Variable bce_with_logits(const Variable& x, const Tensor& t, const Tensor& mask = {},
                         const Tensor& pos_weight = {});

/// Focal loss: sum over anchors of alpha_t (1 - p_t)^gamma BCE (Lin et al. 2017, arXiv 1708.02002, Eq. 5). x,
/// t: [N, A], t is 1 (foreground), 0 (background) or -1 (left out). Returns [N].
Variable sigmoid_focal_loss(const Variable& x, const Tensor& t, double alpha = 0.25, double gamma = 2);

/// Smooth L1 (Girshick 2015, arXiv 1504.08083): sum of mask * h(x - t), h(d) = d^2 / (2 beta) for |d| < beta,
/// else |d| - beta / 2; beta 0 is L1. x, t: [N, A, K]; mask: [N, A]. Returns [N].
Variable smooth_l1(const Variable& x, const Tensor& t, const Tensor& mask, double beta);

/// Softmax cross-entropy of each row: -log softmax(x)[target]. x: [R, C]; places (i64) [R]: r C + target, where the target
/// of row r stands in x (on a device their values are not looked at: that would wait for it). Returns [R].
Variable cross_entropy(const Variable& x, const Tensor& places);

/// Mean of x [N] over the batch of all lanes and ranks: the sum runs along the lanes' tree. The gradient is 1
/// / (global N), so that the gradients of all ranks add up to the whole batch's.
Variable batch_mean(const Variable& x);

}  // namespace cawe
