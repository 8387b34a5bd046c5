// SPDX-License-Identifier: Apache-2.0
// Softmax's row.
#include "autograd/ops/softmax.h"
#include "autograd/rows/rows.h"

namespace cawe {

std::vector<OperatorRow> softmax_operator_rows() {
  return {{"softmax",
           {"softmax", "softmax_grad"},
           {{{contiguous({5, 7})}, [](const In& in) { return softmax(in[0]); }},
            {{contiguous({1, 1})}, [](const In& in) { return softmax(in[0]); }}}}};
}

}  // namespace cawe
