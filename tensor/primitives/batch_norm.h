// SPDX-License-Identifier: Apache-2.0
// Primitives of the family batch_norm; batch_norm.inc lists and explains them.
#pragma once

#include "tensor/tensor.h"

#define CAWE_FAMILY "tensor/primitives/batch_norm.inc"
#include "tensor/primitives/declare.inc"
