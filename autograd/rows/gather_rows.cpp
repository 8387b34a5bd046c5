// SPDX-License-Identifier: Apache-2.0
// The row of rows by number.
#include "autograd/ops/gather_rows.h"
#include "autograd/rows/rows.h"

namespace cawe {

std::vector<OperatorRow> gather_rows_operator_rows() {
  return {
      {"gather_rows",
       {"gather_rows", "gather_rows_grad"},
       {{{contiguous({6, 3})}, [](const In& in) {
           return gather_rows(in[0], constant(in[0], Tensor::from(std::vector<int64_t>{4, 0, 4, 2}, {4})));
         }}}}};
}

}  // namespace cawe
