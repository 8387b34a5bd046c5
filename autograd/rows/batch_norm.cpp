// SPDX-License-Identifier: Apache-2.0
// Batch norm's row: training and evaluation, with and without ReLU and a residual.
#include "autograd/ops/batch_norm.h"
#include "autograd/rows/rows.h"

namespace cawe {
namespace {

OperatorRow batch_norm_row() {
  OperatorRow row{"batch_norm",
                  {"channel_sums", "batch_norm_coefficients", "channel_affine", "batch_norm_grad_sums",
                   "batch_norm_grad_input", "channel_affine_grad"},
                  {}};
  for (const bool training : {true, false})
    for (const bool relu : {false, true})
      for (const bool residual : {false, true})
        for (const int64_t n : {1, 3, 8}) {
          OperatorCase c;
          const Shape shape{n, 5, 4, 3};
          c.inputs = {image(shape), parameter({5}, Values::positive), parameter({5})};
          if (residual) c.inputs.push_back(image(shape));
          c.call = [=](const In& in) {
            Tensor mean = state_beside(in[1], Tensor::full({5}, 0.1, DType::f64)),
                   var = state_beside(in[1], Tensor::full({5}, 0.9, DType::f64));
            return batch_norm(in[0], in[1], in[2], mean, var, training, 0.1, 1e-5,
                              residual ? in[3] : Variable(), relu);
          };
          row.cases.push_back(c);
        }
  return row;
}

}  // namespace

std::vector<OperatorRow> batch_norm_operator_rows() { return {batch_norm_row()}; }

}  // namespace cawe
