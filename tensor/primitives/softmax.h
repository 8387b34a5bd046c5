// SPDX-License-Identifier: Apache-2.0
// Primitives of the family softmax; softmax.inc lists and explains them.
#pragma once

#include "tensor/tensor.h"

#define CAWE_FAMILY "tensor/primitives/softmax.inc"
#include "tensor/primitives/declare.inc"
