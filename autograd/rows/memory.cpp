// SPDX-License-Identifier: Apache-2.0
// Rows of fills and copies; what operators copy is proved with them.
#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

/// An image, a vector and an empty tensor to another type, or (variant 1) one of them into another memory order. The
/// results are given in f32, which all of them fit.
std::vector<Tensor> run_copy_list(PrimitiveBackend& b, int64_t variant) {
  const Layout order = variant == 1 ? Layout::contiguous : Layout::channels_last;
  const std::vector<Tensor> x{numbers(b, {3, 5, 7, 9}, "list", -1, 1, Layout::channels_last),
                              numbers(b, {41}, "more of a list"), numbers(b, {0}, "nothing")};
  const DType types[] = {DType::bf16, DType::f16, DType::f64};
  const std::vector<Tensor> y{room(b, {3, 5, 7, 9}, types[variant], order), room(b, {41}, DType::bf16),
                              room(b, {0}, DType::bf16)};
  b.copy_list(x, y);
  const std::vector<Tensor> back{room(b, {3, 5, 7, 9}), room(b, {41})};
  b.copy_list({y[0], y[1]}, back);
  return back;
}

}  // namespace

std::vector<PrimitiveRow> memory_primitive_rows() { return {{"copy_list", run_copy_list, 3, true}}; }

}  // namespace cawe
