// SPDX-License-Identifier: Apache-2.0
// Primitives of the family gather_rows; gather_rows.inc lists and explains them.
#pragma once

#include "tensor/tensor.h"

#define CAWE_FAMILY "tensor/primitives/gather_rows.inc"
#include "tensor/primitives/declare.inc"
