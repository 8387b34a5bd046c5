// SPDX-License-Identifier: Apache-2.0
// Primitives of the family pooling; pooling.inc lists and explains them.
#pragma once

#include "tensor/tensor.h"

namespace cawe {

/// Windows of pooling, the same along both axes, in cells.
struct Pool2dParams {
  int64_t kernel = 2;
  int64_t stride = 2;
  int64_t padding = 0;
};

}  // namespace cawe

#define CAWE_FAMILY "tensor/primitives/pooling.inc"
#include "tensor/primitives/declare.inc"
