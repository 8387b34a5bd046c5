// SPDX-License-Identifier: Apache-2.0
// Adversarial losses on the critic's logits d_r (real images) and d_f (generated ones), Eq. 3, 5 and 6 of the
// study's paper (docs/notation.md), by softplus: -log(sigmoid(x)) = softplus(-x) without overflow.
#pragma once

#include "autograd/variable.h"

namespace cawe::models {

/// Eq. 5, the non-saturating form: L_A = mean of softplus(-d_f) over all logits and images of all ranks.
/// fake: d_f [N, L]. Returns one number.
Variable adversarial_loss(const Variable& fake);
/// Eq. 6: L_D = mean of softplus(-d_r) + mean of softplus(d_f). real, fake: [N, L]; `fake` must come from a
/// generated image that was detached.
Variable critic_loss(const Variable& real, const Variable& fake);
/// Eq. 3: L_G = L_C + weight L_A, L_C being the content loss (content.h). All three are one number.
Variable generator_loss(const Variable& content, const Variable& adversarial, double weight = 0.5);

}  // namespace cawe::models
