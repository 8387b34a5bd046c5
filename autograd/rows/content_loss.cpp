// SPDX-License-Identifier: Apache-2.0
// Rows of content loss and of the factors of its gradients.
#include "autograd/ops/content_loss.h"
#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"
#include "tensor/primitives/elementwise.h"

namespace cawe {
namespace {

/// A feature map of the real images: 0 or 1/8 at random, nearer to 0 than any number of the generated images'
/// map, so that the sign of the difference is fixed.
Tensor real_map(const Variable& a, bool channels_last) {
  const Tensor ones = coins(a.shape(), a);
  Tensor b = Tensor::like(ones);
  primitives::unary(UnaryOp::affine, 0.125, 0, ones, b);
  return in_scope(channels_last ? b.channels_last() : b);
}

OperatorRow content_loss_row() {
  return {"content_loss",
          {"content_loss", "scale_each"},
          {{{image({2, 3, 4, 5}, Values::apart), contiguous({2, 7}, Values::apart)},
            [](const In& in) {
              return content_loss(in, {real_map(in[0], true), real_map(in[1], false)}, {0.5, 0.25});
            }},
           {{image({3, 5, 3, 3}, Values::apart)},
            [](const In& in) { return content_loss(in, {real_map(in[0], false)}, {0.01}); }},
           {{contiguous({9, 2, 33, 31}, Values::apart)},
            [](const In& in) { return content_loss(in, {real_map(in[0], false)}, {1.0 / 2048}); }}}};
}

/// A shared factor, and one for each of two tensors; in variant 1 the first tensor's product of both is 1.
std::vector<Tensor> run_scale_each(PrimitiveBackend& b, int64_t variant) {
  const std::vector<Tensor> x{
      numbers(b, {3, 37, 5, 4}, "scaled", -1, 1, Layout::channels_last, Use::dense_output),
      numbers(b, {1001}, "scaled too", -1, 1, Layout::contiguous, Use::dense_output)};
  b.scale_each({2, 0.75}, Tensor::full({1}, variant == 1 ? 0.5 : 3.25).to(b.device()), x);
  return x;
}

}  // namespace

std::vector<OperatorRow> content_loss_operator_rows() { return {content_loss_row()}; }

std::vector<PrimitiveRow> content_loss_primitive_rows() { return {{"scale_each", run_scale_each, 2}}; }

}  // namespace cawe
