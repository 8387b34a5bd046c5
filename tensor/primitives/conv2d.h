// SPDX-License-Identifier: Apache-2.0
// Primitives of the family conv2d; conv2d.inc lists and explains them.
#pragma once

#include "tensor/tensor.h"

namespace cawe {

/// Parameters of a two-dimensional convolution, the same along both axes, in cells.
struct Conv2dParams {
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
  int64_t groups = 1;
};

}  // namespace cawe

#define CAWE_FAMILY "tensor/primitives/conv2d.inc"
#include "tensor/primitives/declare.inc"
