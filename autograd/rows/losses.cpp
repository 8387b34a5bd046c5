// SPDX-License-Identifier: Apache-2.0
// The losses' rows.
#include "autograd/ops/losses.h"
#include "autograd/rows/rows.h"

namespace cawe {

std::vector<OperatorRow> losses_operator_rows() {
  return {{"bce_with_logits",
           {"bce_with_logits", "bce_with_logits_grad"},
           {{{contiguous({4, 5})},
             [](const In& in) {
               return bce_with_logits(in[0], coins({4, 5}, in[0]));
             }},
            {{contiguous({9, 3})},
             [](const In& in) {
               return bce_with_logits(in[0], coins({9, 3}, in[0]), coins({9, 3}, in[0]),
                                      beside(in[0], Tensor::full({3}, 2.5)));
             }}}},
          {"sigmoid_focal_loss",
           {"sigmoid_focal_loss", "sigmoid_focal_loss_grad"},
           {{{contiguous({3, 40})},
             [](const In& in) {
               return sigmoid_focal_loss(in[0], coins({3, 40}, in[0], true));
             }},
            {{contiguous({2, 9})},
             [](const In& in) {
               return sigmoid_focal_loss(in[0], coins({2, 9}, in[0]), 0.4, 1.5);
             }},
            {{contiguous({2, 9})},
             [](const In& in) {
               return sigmoid_focal_loss(in[0], coins({2, 9}, in[0]), 0.4, 0);
             }}}},
          {"smooth_l1",
           {"smooth_l1", "smooth_l1_grad"},
           {{{contiguous({2, 6, 4}, Values::apart)},
             [](const In& in) {
               return smooth_l1(in[0], beside(in[0], Tensor::zeros({2, 6, 4})), coins({2, 6}, in[0]), 0);
             }},
            {{contiguous({3, 5, 4}, Values::apart)},
             [](const In& in) {
               return smooth_l1(in[0], beside(in[0], Tensor::zeros({3, 5, 4})), coins({3, 5}, in[0]), 0.11);
             }},
            {{contiguous({3, 5, 4}, Values::apart)},
             [](const In& in) {
               return smooth_l1(in[0], beside(in[0], Tensor::zeros({3, 5, 4})), coins({3, 5}, in[0]), 3.0);
             }}}},
          {"cross_entropy",
           {"min_max", "unary", "binary", "sum_to", "gather_rows"},
           {{{contiguous({6, 4})},
             [](const In& in) {
               const Tensor places = Tensor::from(std::vector<int64_t>{0, 7, 9, 14, 18, 20}, {6});
               // Not expanded: one place cannot be every row's.
               return cross_entropy(in[0], in_scope(places.to(in[0].device()), Use::output));
             }}}},
          {"batch_mean", {"copy", "sum_to", "unary"}, {{{contiguous({7})}, [](const In& in) {
                                                          return batch_mean(in[0]);
                                                        }}}}};
}

}  // namespace cawe
