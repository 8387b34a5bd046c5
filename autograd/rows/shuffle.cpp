// SPDX-License-Identifier: Apache-2.0
// Rows of pixel shuffle and blur.
#include "autograd/ops/shuffle.h"
#include "autograd/rows/rows.h"

namespace cawe {

std::vector<OperatorRow> shuffle_operator_rows() {
  const auto shuffle = [](const In& in) { return pixel_shuffle(in[0]); };
  const auto smooth = [](const In& in) { return blur(in[0]); };
  return {{"pixel_shuffle",
           {"pixel_shuffle", "pixel_shuffle_grad"},
           {{{image({2, 8, 3, 5})}, shuffle},
            {{contiguous({1, 4, 2, 3})}, shuffle},
            {{image({3, 36, 1, 4})}, shuffle},
            {{contiguous({2, 12, 7, 2})}, shuffle}}},
          {"blur",
           {"blur", "blur_grad"},
           {{{image({2, 3, 5, 4})}, smooth},
            {{contiguous({1, 2, 4, 3})}, smooth},
            {{image({2, 9, 1, 1})}, smooth},
            {{image({1, 16, 1, 5})}, smooth},
            {{contiguous({2, 1, 6, 1})}, smooth}}}};
}

}  // namespace cawe
