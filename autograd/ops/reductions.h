// SPDX-License-Identifier: Apache-2.0
// Sums and means over dimensions.
#pragma once

#include <vector>

#include "autograd/variable.h"

namespace cawe {

/// Sum, or mean, of a floating x over the given dimensions (negative ones count from the end; empty: all),
/// which are dropped from the shape.
Variable sum(const Variable& x, const std::vector<int>& dims = {});
Variable mean(const Variable& x, const std::vector<int>& dims = {});

}  // namespace cawe
