// SPDX-License-Identifier: Apache-2.0
// Primitives of the family optimizers; optimizers.inc lists and explains them.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace cawe {

/// One step of SGD in PyTorch's form. `first`: the velocity starts as the gradient.
struct SgdParams {
  double lr = 0.01, momentum = 0.9, weight_decay = 0;
  bool first = false;
};

/// One step of Adam (Kingma & Ba 2015, arXiv 1412.6980), or of AdamW (Loshchilov & Hutter 2019, arXiv
/// 1711.05101) where `decoupled`; `step` counts from 1.
struct AdamParams {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool decoupled = false;
  int64_t step = 1;
};

}  // namespace cawe

#define CAWE_FAMILY "tensor/primitives/optimizers.inc"
#include "tensor/primitives/declare.inc"
