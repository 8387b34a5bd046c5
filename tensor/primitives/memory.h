// SPDX-License-Identifier: Apache-2.0
// Primitives of the family memory; memory.inc lists and explains them.
#pragma once

#include <vector>

#include "tensor/tensor.h"

#define CAWE_FAMILY "tensor/primitives/memory.inc"
#include "tensor/primitives/declare.inc"
