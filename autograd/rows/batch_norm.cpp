// SPDX-License-Identifier: Apache-2.0
// Batch norm's row: training and evaluation, with and without ReLU and a residual.
#include "autograd/ops/batch_norm.h"
#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

OperatorRow batch_norm_row() {
  OperatorRow row{"batch_norm",
                  {"batch_norm_train_coefficients", "batch_norm_coefficients", "channel_affine",
                   "batch_norm_grad_sums", "batch_norm_grad_input", "channel_affine_grad"},
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

// What ranks do apart: they sum, and go on from what they have added.
std::vector<Tensor> run_channel_sums(PrimitiveBackend& b, int64_t variant) {
  const Tensor x = numbers(b, {3, 5, 7, 6}, "bn x", -1, 2, layout_of(variant));
  Tensor sums = room(b, {2, 5}, DType::f64);
  b.channel_sums(x, sums);
  return {sums};
}

std::vector<Tensor> run_coefficients(PrimitiveBackend& b, int64_t) {
  const Tensor x = numbers(b, {3, 5, 7, 6}, "bn x", -1, 2), w = numbers(b, {5}, "bn w"),
               bias = numbers(b, {5}, "bn b");
  Tensor sums = Tensor::empty({2, 5}, DType::f64, Layout::contiguous, b.device());
  b.channel_sums(x, sums);
  Tensor mean = state(b, {5}, "bn mean"), var = state(b, {5}, "bn var", 0.5, 1), out = room(b, {4, 5});
  b.batch_norm_coefficients(sums, 3 * 7 * 6, w, bias, 0.1, 1e-5, mean, var, out);
  return {out, mean, var};
}

}  // namespace

std::vector<OperatorRow> batch_norm_operator_rows() { return {batch_norm_row()}; }

std::vector<PrimitiveRow> batch_norm_primitive_rows() {
  return {{"channel_sums", run_channel_sums, 2},
          {"batch_norm_coefficients_of_ranks", run_coefficients, 1, false, "batch_norm_coefficients"}};
}

}  // namespace cawe
