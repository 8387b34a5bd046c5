// SPDX-License-Identifier: Apache-2.0
// The table's row of softmax attention.
#include "autograd/ops/attention.h"
#include "autograd/rows/rows.h"

namespace cawe {
namespace {

struct Setting {
  int64_t n, p, s, d, c;
  double scale;
};

OperatorCase attention_case(const Setting& z) {
  return {{contiguous({z.n, z.p, z.d}), contiguous({z.n, z.s, z.d}), contiguous({z.n, z.s, z.c})},
          [scale = z.scale](const In& in) { return attention(in[0], in[1], in[2], scale); }};
}

}  // namespace

std::vector<OperatorRow> attention_operator_rows() {
  OperatorRow row{"attention", {"attention", "attention_grad"}, {}};
  const Setting settings[] = {{2, 5, 7, 4, 3, 1},      // all sizes different
                              {1, 1, 7, 4, 5, 1},      // one query
                              {3, 4, 1, 2, 2, 0.5},    // one key: softmax is 1, its gradient 0
                              {1, 2, 521, 2, 1, 1},    // more keys than any tile
                              {1, 131, 4, 2, 3, 1},    // more queries than any tile
                              {2, 33, 40, 8, 9, 1},    // several tiles on a device
                              {2, 33, 40, 8, 16, 1}};  // and, in 16 bits, on tensor cores
  for (const Setting& z : settings) {
    row.cases.push_back(attention_case(z));
    // dq and dk are scale * (dy . v - dy . y) times k or q: with one key, the difference of two equal
    // numbers.
    if (z.s == 1) row.cases.back().cancelling = z.scale;
  }
  return {row};
}

}  // namespace cawe
