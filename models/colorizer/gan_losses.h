// SPDX-License-Identifier: Apache-2.0
// Adversarial losses on the critic's logits (Eq. 3, 5, 6; spec 2.5): softplus, never log(sigmoid).
#pragma once

#include "autograd/variable.h"

namespace cawe::models {

/// Eq. 5, not saturating: L_A = mean of softplus(-d_f) over all logits and images of all ranks. fake: [N, L].
/// Returns one number.
Variable adversarial_loss(const Variable& fake);
/// Eq. 6: L_D = mean of softplus(-d_r) + mean of softplus(d_f). The generator's image must come without a
/// history.
Variable critic_loss(const Variable& real, const Variable& fake);
/// Eq. 3: L_G = L_C + weight L_A.
Variable generator_loss(const Variable& content, const Variable& adversarial, double weight = 0.5);

}  // namespace cawe::models
