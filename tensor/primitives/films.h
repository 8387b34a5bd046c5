// SPDX-License-Identifier: Apache-2.0
// Primitives of the family films; films.inc lists and explains them.
#pragma once

#include "tensor/primitives/params.h"
#include "tensor/tensor.h"

#define CAWE_FAMILY "tensor/primitives/films.inc"
#include "tensor/primitives/declare.inc"
