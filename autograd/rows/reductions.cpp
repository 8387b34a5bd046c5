// SPDX-License-Identifier: Apache-2.0
// Rows of sums and means, of the largest and smallest numbers.
#include "autograd/ops/reductions.h"
#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

std::vector<Tensor> run_argmax(PrimitiveBackend& b, int64_t) {
  Tensor y = room(b, {9}, DType::i64);
  b.argmax_rows(numbers(b, {9, 17}, "argmax"), y);
  return {y};
}

std::vector<Tensor> run_min_max(PrimitiveBackend& b, int64_t variant) {
  Tensor low = room(b, {3}), high = room(b, {3});
  b.min_max(numbers(b, {3, 2, 7, 5}, "min max", -1, 1, layout_of(variant)), low, high);
  return {low, high};
}

}  // namespace

std::vector<OperatorRow> reductions_operator_rows() {
  return {{"sum",
           {"sum_to"},
           {{{contiguous({3, 4, 5})}, [](const In& in) { return sum(in[0], {1}); }},
            {{contiguous({3, 4})}, [](const In& in) { return sum(in[0]); }},
            {{image({2, 3, 4, 5})},
             [](const In& in) {
               return sum(in[0], {2, 3});
             }}}},
          {"mean", {"sum_to"}, {{{contiguous({3, 4, 5})}, [](const In& in) {
                                   return mean(in[0], {0, 2});
                                 }}}}};
}

std::vector<PrimitiveRow> reductions_primitive_rows() {
  return {{"argmax_rows", run_argmax, 1, true}, {"min_max", run_min_max, 2}};
}

}  // namespace cawe
