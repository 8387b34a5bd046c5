// SPDX-License-Identifier: Apache-2.0
// Launch functions of optimizer steps over lists of tensors (optimizers.cu).
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

// Tensors of one entry have `count` elements in the same memory order. Any alignment works; loads of 16 bytes
// need all of an entry's pointers 16-byte aligned. Lists are in host memory and are copied by the call.

// g_number: f64 tensors have f64 gradients whatever it says, f32 ones f32, f16 or bf16.

/// velocity may be uninitialised before the first step.
struct SgdTensor {
  void* p;
  const void* g;
  void* velocity;
  int64_t count;
  Number g_number = Number::f32;
};
struct AdamTensor {
  void* p;
  const void* g;
  void *m, *v;
  int64_t count;
  Number g_number = Number::f32;
};
struct GradientTensor {
  void* g;
  int64_t count;
  Number g_number = Number::f32;
};

/// Constants of a step.
struct SgdRule {
  double lr, momentum, weight_decay;
  bool first;
};
struct AdamRule {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled;
  int64_t step;  ///< from 1
};

/// d = g * factor + weight_decay * p; velocity = momentum * velocity + d (d on the first step); p -= lr *
/// velocity. number: f32 or f64. factor: one number on the device, or nullptr for 1 (see gradient_norm); NaN: nothing is
/// changed.
void sgd_steps(Number number, const SgdTensor* list, int64_t length, const SgdRule& rule,
               const double* factor, DeviceStream stream);
/// Adam (Kingma & Ba 2015), or AdamW (Loshchilov & Hutter 2019) where rule.decoupled; g * factor as above.
void adam_steps(Number number, const AdamTensor* list, int64_t length, const AdamRule& rule,
                const double* factor, DeviceStream stream);

/// How many doubles of scratch gradient_norm needs.
int64_t gradient_norm_scratch(const GradientTensor* list, int64_t length);
/// For gradients of a loss that was multiplied by `loss_scale`: result[0] = the sum of squares of all
/// elements of the list, result[1] = the 2-norm of the unscaled gradients, result[2] = what to multiply the
/// gradients by: 1 / loss_scale, and less where the norm is above `largest` (0: no limit); result[3] .. are so many
/// `losses`, which are read. Where the norm or a loss is not finite, result[2] is NaN. number: f64, or else each tensor
/// has its own; 16-bit ones give the bits of their f32 copies.
void gradient_norm(Number number, const GradientTensor* list, int64_t length, double largest,
                   double loss_scale, int64_t losses, double* scratch, double* result, DeviceStream stream);
/// g *= *factor, a number on the device (result[2] of gradient_norm). number: of all g.
void scale_gradients(Number number, const GradientTensor* list, int64_t length, const double* factor,
                     DeviceStream stream);

}  // namespace CAWE_DEVICE
