// SPDX-License-Identifier: Apache-2.0
// The colorizer's content loss: the distance of two images in the feature maps of a network.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// sum_i weights[i] sum |a_i - b_i| over the batch of all ranks: the perceptual loss of Johnson et al. 2016
/// (arXiv 1603.08155) with L1, as in Eq. 4 of the study's paper. Returns one number, in a's dtype (f32 where
/// that has 16 bits). a, b: feature maps i of the generated and of the real images, [N, ...] of one shape,
/// dtype and N. Gradients go to a alone: weights[i] sign(a_i - b_i), with sign(0) = 0. They are computed in
/// the forward pass, which reads the maps once; backward() rescales them only where dL/dy is not 1 (a factor
/// of the loss, a loss scale). Throws Code::shape and Code::dtype.
Variable content_loss(const std::vector<Variable>& a, const std::vector<Tensor>& b,
                      const std::vector<double>& weights);

}  // namespace cawe
