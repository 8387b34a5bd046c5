// SPDX-License-Identifier: Apache-2.0
// Primitives of the family content_loss; content_loss.inc lists and explains them.
#pragma once

#include <vector>

#include "tensor/tensor.h"

#define CAWE_FAMILY "tensor/primitives/content_loss.inc"
#include "tensor/primitives/declare.inc"
