// SPDX-License-Identifier: Apache-2.0
// Resizing's rows.
#include "autograd/ops/resize.h"
#include "autograd/rows/rows.h"

namespace cawe {

std::vector<OperatorRow> resize_operator_rows() {
  const auto up = [](const In& in) { return upsample_nearest(in[0], in[1]); };
  const auto resize = [](int64_t h, int64_t w) {
    return [h, w](const In& in) { return resize_bilinear(in[0], h, w); };
  };
  return {{"upsample_nearest",
           {"upsample_nearest", "upsample_nearest_grad"},
           {{{image({2, 3, 3, 4}), image({2, 3, 6, 8})}, up},
            {{image({1, 3, 3, 5}), image({1, 3, 5, 9})}, up},
            {{contiguous({2, 2, 2, 3})}, [](const In& in) { return upsample_nearest(in[0], 7, 5); }}}},
          {"resize_bilinear",
           {"resize_bilinear", "resize_bilinear_grad"},
           {{{image({2, 1, 4, 5})}, resize(9, 13)},
            {{image({1, 3, 8, 7})}, resize(5, 3)},
            {{contiguous({3, 2, 3, 3})}, resize(3, 6)}}}};
}

}  // namespace cawe
