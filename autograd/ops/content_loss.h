// SPDX-License-Identifier: Apache-2.0
// The colorizer's content loss: the distance of two images as a network's feature maps see it.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// sum_i weights[i] sum |a_i - b_i| over the batch of all ranks (Johnson et al. 2016, arXiv 1603.08155, with
/// L1; the paper's Eq. 4): one number, in a's dtype (f32 where that has 16 bits). a, b: maps i of the
/// generated and the real images, [N, ...] of one shape, dtype and N. Gradients arrive at a alone: weights[i]
/// sign(a_i - b_i), 0 where they are equal. They are made in the forward pass, which reads the maps once;
/// backward() touches them again only where another number than 1 arrives (a factor of the loss, a loss
/// scale). Throws Code::shape and Code::dtype.
Variable content_loss(const std::vector<Variable>& a, const std::vector<Tensor>& b,
                      const std::vector<double>& weights);

}  // namespace cawe
