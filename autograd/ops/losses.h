// SPDX-License-Identifier: Apache-2.0
// Losses. Each gives one sum an item, [N]; batch_mean() makes the training loss of them. Targets, masks and
// weights are constants.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// Sum over k of softplus(x) - t x, positives weighted by pos_weight: BCE with logits in its stable form.
/// x, t: [N, K]; mask: [N, K], 0 leaves an element out, or undefined; pos_weight: [K] or undefined. Returns
/// [N]. Throws Code::shape and Code::dtype.
Variable bce_with_logits(const Variable& x, const Tensor& t, const Tensor& mask = {},
                         const Tensor& pos_weight = {});

/// Sum over anchors of alpha_t (1 - p_t)^gamma BCE (Lin et al. 2017, arXiv 1708.02002, Eq. 5).
/// x, t: [N, A], t is 1 (foreground), 0 (background) or -1 (left out). Returns [N].
Variable sigmoid_focal_loss(const Variable& x, const Tensor& t, double alpha = 0.25, double gamma = 2);

/// Sum of mask * huber(x - t): d^2 / (2 beta) for |d| < beta, else |d| - beta / 2; beta 0 is L1.
/// x, t: [N, A, K]; mask: [N, A]. Returns [N].
Variable smooth_l1(const Variable& x, const Tensor& t, const Tensor& mask, double beta);

/// -log softmax(x)[target], one a row: x [R, C], target (i64) [R]. Returns [R].
Variable cross_entropy(const Variable& x, const Tensor& target);

/// Mean of x [N] over the batch of all lanes and ranks: the sum runs along the lanes' tree. The gradient is
/// 1 / (global N), so that ranks' gradients add up to the whole batch's.
Variable batch_mean(const Variable& x);

}  // namespace cawe
