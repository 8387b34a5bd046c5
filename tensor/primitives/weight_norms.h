// SPDX-License-Identifier: Apache-2.0
// Primitives of the family weight_norms; weight_norms.inc lists and explains them.
#pragma once

#include "tensor/tensor.h"

#define CAWE_FAMILY "tensor/primitives/weight_norms.inc"
#include "tensor/primitives/declare.inc"
