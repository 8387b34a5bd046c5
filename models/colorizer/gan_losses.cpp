// SPDX-License-Identifier: Apache-2.0
#include "models/colorizer/gan_losses.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reductions.h"
#include "nn/precision.h"

namespace cawe::models {
namespace {

/// Mean over logits, then over images, of softplus(sign d).
Variable mean_softplus(const Variable& logits, double sign) {
  CAWE_CHECK(logits.rank() == 2 && logits.dim(1) > 0, Code::shape, "GAN loss: logits of shape ",
             logits.shape(), " (expected [N, L])");
  return batch_mean(mean(softplus(affine(nn::at_least_f32(logits), sign)), {1}));
}

}  // namespace

Variable adversarial_loss(const Variable& fake) { return mean_softplus(fake, -1); }

Variable critic_loss(const Variable& real, const Variable& fake) {
  return add(mean_softplus(real, -1), mean_softplus(fake, 1));
}

Variable generator_loss(const Variable& content, const Variable& adversarial, double weight) {
  return add(nn::at_least_f32(content), affine(adversarial, weight));
}

}  // namespace cawe::models
