// SPDX-License-Identifier: Apache-2.0
// Rows of matrix products.
#include "autograd/ops/linear.h"
#include "autograd/rows/rows.h"

namespace cawe {

std::vector<OperatorRow> linear_operator_rows() {
  return {{"linear",
           {"linear", "linear_grad_input", "linear_grad_weight"},
           {{{contiguous({5, 7}), contiguous({3, 7}), contiguous({3})},
             [](const In& in) { return linear(in[0], in[1], in[2]); }},
            {{contiguous({1, 16}), contiguous({9, 16})}, [](const In& in) { return linear(in[0], in[1]); }},
            {{contiguous({32, 24}), contiguous({10, 24}), contiguous({10})},
             [](const In& in) { return linear(in[0], in[1], in[2]); }}}},
          {"matmul",
           {"matmul"},
           {{{contiguous({4, 6}), contiguous({6, 5})}, [](const In& in) { return matmul(in[0], in[1]); }},
            {{contiguous({2, 6, 4}), contiguous({2, 6, 5})},
             [](const In& in) { return matmul(in[0], in[1], true, false); }},
            {{contiguous({2, 4, 6}), contiguous({2, 5, 6})},
             [](const In& in) { return matmul(in[0], in[1], false, true); }}}}};
}

}  // namespace cawe
