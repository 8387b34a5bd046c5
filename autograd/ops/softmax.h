// SPDX-License-Identifier: Apache-2.0
// Softmax of rows.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// exp(x - max) / sum over the last dimension of [R, C]. dx = y (dy - sum(y dy)).
Variable softmax(const Variable& x);

}  // namespace cawe
