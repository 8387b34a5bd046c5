// SPDX-License-Identifier: Apache-2.0
// Rows of films to a network's input.
#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

/// Gray to three channels, colour, gray as it is; then gray in f16 and bf16, whose results are given in f32, and colour
/// that does not fill its last pack.
std::vector<Tensor> run_normalise(PrimitiveBackend& b, int64_t variant) {
  const NormaliseParams p{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
  const int64_t in = variant == 1 || variant == 5 ? 3 : 1, out = variant == 2 ? 1 : 3;
  const Shape cells = variant == 5 ? Shape{1, 1, 1, 7} : Shape{2, 1, 13, 9};
  const Tensor x = numbers(b, {cells[0], in, cells[2], cells[3]}, "film", 0, 1, Layout::channels_last);
  const DType dtype = variant == 3 ? DType::f16 : variant == 4 ? DType::bf16 : DType::f32;
  Tensor y = room(b, {cells[0], out, cells[2], cells[3]}, dtype, layout_of(variant));
  b.normalise_films(x, p, y);
  return {y.to(DType::f32)};
}

}  // namespace

/// Every backend computes the same bits.
std::vector<PrimitiveRow> films_primitive_rows() { return {{"normalise_films", run_normalise, 6, true}}; }

}  // namespace cawe
