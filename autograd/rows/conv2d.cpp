// SPDX-License-Identifier: Apache-2.0
// Convolution's row.
#include "autograd/ops/conv2d.h"
#include "autograd/rows/rows.h"

namespace cawe {
namespace {

struct ConvCase {
  int64_t n, c, h, w, o, k;
  Conv2dParams p;
  bool bias, relu;
};

OperatorRow conv_row() {
  const ConvCase settings[] = {
      {1, 3, 9, 11, 5, 3, {1, 1, 1, 1}, true, false},  {2, 4, 8, 7, 6, 3, {2, 1, 1, 1}, false, false},
      {3, 3, 13, 10, 8, 7, {2, 3, 1, 1}, true, false}, {8, 16, 6, 6, 16, 1, {1, 0, 1, 1}, true, false},
      {2, 6, 9, 9, 4, 3, {1, 2, 2, 1}, true, false},   {2, 4, 7, 6, 8, 3, {1, 1, 1, 2}, true, false},
      {5, 8, 7, 5, 8, 3, {1, 1, 1, 1}, true, true},    {2, 5, 6, 8, 7, 1, {2, 0, 1, 1}, false, false},
      {11, 4, 5, 5, 4, 3, {1, 1, 1, 1}, true, false}};
  OperatorRow row{"conv2d", {"conv2d", "conv2d_grad_input", "conv2d_grad_weight"}, {}};
  for (const ConvCase& s : settings)
    for (const bool channels_last : {true, false}) {
      OperatorCase c;
      c.inputs = {{{s.n, s.c, s.h, s.w}, Values::free, true, channels_last},
                  contiguous({s.o, s.c / s.p.groups, s.k, s.k})};
      if (s.bias) c.inputs.push_back(contiguous({s.o}));
      c.call = [s](const In& in) { return conv2d(in[0], in[1], s.bias ? in[2] : Variable(), s.p, s.relu); };
      row.cases.push_back(c);
    }
  return row;
}

}  // namespace

std::vector<OperatorRow> conv2d_operator_rows() { return {conv_row()}; }

}  // namespace cawe
