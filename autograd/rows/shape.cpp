// SPDX-License-Identifier: Apache-2.0
// Rows of views and concatenation.
#include "autograd/ops/shape.h"
#include "autograd/ops/elementwise.h"
#include "autograd/rows/rows.h"

namespace cawe {

std::vector<OperatorRow> shape_operator_rows() {
  return {{"reshape",
           {"copy"},
           {{{contiguous({4, 6})},
             [](const In& in) {
               return square(reshape(in[0], {3, -1}));
             }},
            {{image({2, 3, 4, 5})},
             [](const In& in) {
               return square(reshape(in[0], {2, -1}));
             }}}},
          {"permute",
           {},
           {{{contiguous({2, 3, 4})},
             [](const In& in) {
               return square(permute(in[0], {2, 0, 1}));
             }},
            {{image({2, 3, 4, 5})},
             [](const In& in) {
               return square(permute(in[0], {0, 2, 3, 1}));
             }}}},
          {"slice",
           {"copy", "fill"},
           {{{contiguous({5, 6})}, [](const In& in) { return slice(in[0], 1, 2, 5); }},
            {{image({4, 3, 2, 2})}, [](const In& in) { return slice(in[0], 0, 1, 3); }}}},
          {"concat",
           {"copy"},
           {{{contiguous({2, 3}), contiguous({2, 5})},
             [](const In& in) {
               return concat({in[0], in[1]}, 1);
             }},
            {{image({2, 3, 4, 4}), image({2, 2, 4, 4})}, [](const In& in) {
               return concat({in[0], in[1]}, 1);
             }}}}};
}

}  // namespace cawe
