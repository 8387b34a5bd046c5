// SPDX-License-Identifier: Apache-2.0
// Primitives of the family elementwise; elementwise.inc lists and explains them.
#pragma once

#include "tensor/elementwise.h"
#include "tensor/tensor.h"

#define CAWE_FAMILY "tensor/primitives/elementwise.inc"
#include "tensor/primitives/declare.inc"
