// SPDX-License-Identifier: Apache-2.0
// Views, concatenation, sums and indexing.
#pragma once

#include <vector>

#include "autograd/variable.h"

namespace cawe {

Variable reshape(const Variable& x, const Shape& shape);             ///< one size may be -1
Variable permute(const Variable& x, const std::vector<int>& order);  ///< a view
Variable slice(const Variable& x, int dim, int64_t begin,
               int64_t end);  ///< a view; the gradient is zero outside
/// Along `dim`; all other sizes agree. Throws Code::shape.
Variable concat(const std::vector<Variable>& parts, int dim);

/// Sum, or mean, over the given dimensions (all of them where empty), which are dropped.
Variable sum(const Variable& x, const std::vector<int>& dims = {});
Variable mean(const Variable& x, const std::vector<int>& dims = {});

/// y[k] = x[index[k]] along the first dimension; index (i64) [K]. Gradients of rows taken twice add up in the
/// order of k. Throws Code::shape on an index out of range.
Variable gather_rows(const Variable& x, const Tensor& index);

}  // namespace cawe
