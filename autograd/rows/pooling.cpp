// SPDX-License-Identifier: Apache-2.0
// Pooling's rows.
#include "autograd/ops/pooling.h"
#include "autograd/rows/rows.h"

namespace cawe {

std::vector<OperatorRow> pooling_operator_rows() {
  const auto pool = [](Pool2dParams p) { return [p](const In& in) { return max_pool2d(in[0], p); }; };
  return {{"max_pool2d",
           {"max_pool2d", "max_pool2d_grad"},
           {{{image({2, 3, 8, 9}, Values::distinct)}, pool({3, 2, 1})},
            {{image({5, 4, 7, 6}, Values::distinct)}, pool({2, 2, 0})},
            {{contiguous({1, 2, 5, 5}, Values::distinct)}, pool({3, 1, 1})}}},
          {"global_avg_pool",
           {"global_avg_pool", "global_avg_pool_grad"},
           {{{image({3, 5, 4, 7})}, [](const In& in) { return global_avg_pool(in[0]); }},
            {{contiguous({1, 2, 1, 1})}, [](const In& in) { return global_avg_pool(in[0]); }}}}};
}

}  // namespace cawe
