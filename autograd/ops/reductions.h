// SPDX-License-Identifier: Apache-2.0
// Sums and means over dimensions.
#pragma once

#include <vector>

#include "autograd/variable.h"

namespace cawe {

/// Sum, or mean, over the given dimensions (all of them where empty), which are dropped.
Variable sum(const Variable& x, const std::vector<int>& dims = {});
Variable mean(const Variable& x, const std::vector<int>& dims = {});

}  // namespace cawe
