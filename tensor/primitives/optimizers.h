// SPDX-License-Identifier: Apache-2.0
// Primitives of the family optimizers; optimizers.inc lists and explains them.
#pragma once

#include <vector>

#include "tensor/primitives/params.h"
#include "tensor/tensor.h"

#define CAWE_FAMILY "tensor/primitives/optimizers.inc"
#include "tensor/primitives/declare.inc"
