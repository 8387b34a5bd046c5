// SPDX-License-Identifier: Apache-2.0
// Views and concatenation. They belong to no family of primitives: copies apart, nothing is computed.
#pragma once

#include <vector>

#include "autograd/variable.h"

namespace cawe {

Variable reshape(const Variable& x, const Shape& shape);             ///< one size may be -1
Variable permute(const Variable& x, const std::vector<int>& order);  ///< a view
/// Elements [begin, end) along `dim`.
Variable slice(const Variable& x, int dim, int64_t begin,
               int64_t end);  ///< a view; the gradient is zero outside
/// Along `dim`; all other sizes agree. Throws Code::shape.
Variable concat(const std::vector<Variable>& parts, int dim);

}  // namespace cawe
