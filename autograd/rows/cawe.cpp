// SPDX-License-Identifier: Apache-2.0
// Rows of class-aware attention.
#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

std::vector<Tensor> run_cawe_weights(PrimitiveBackend& b, int64_t variant) {
  Tensor w = room(b, {3, 6});
  b.cawe_weights(numbers(b, {3, 6, 5, 7}, "cawe g", -1, 1, layout_of(variant)), w);
  return {w};
}

std::vector<Tensor> run_cawe_map(PrimitiveBackend& b, int64_t variant) {
  Tensor map = room(b, {3, 1, 5, 7});
  b.cawe_map(numbers(b, {3, 6}, "cawe w"), numbers(b, {3, 6, 5, 7}, "cawe f", -1, 1, layout_of(variant)),
             map);
  return {map};
}

std::vector<Tensor> run_cawe_fuse(PrimitiveBackend& b, int64_t variant) {
  Tensor y = room(b, {2, 3, 9, 8}, DType::f32, layout_of(variant));
  b.cawe_fuse(numbers(b, {2, 3, 9, 8}, "fuse x", 0, 1, layout_of(variant)),
              numbers(b, {2, 1, 9, 8}, "fuse map", 0, 1), 0.3, y);
  return {y};
}

/// Three images, the last one's map constant.
std::vector<Tensor> run_cawe_enhance(PrimitiveBackend& b, int64_t variant) {
  const Tensor w = numbers(b, {3, 6}, "cawe w", 0, 1);
  // Not expanded: filling the last image would change all.
  Tensor f = numbers(b, {3, 6, 5, 7}, "cawe f", 0, 1, layout_of(variant), Use::output);
  Tensor last = f.slice(0, 2, 3);
  last.fill(0.25);
  Tensor map = room(b, {3, 1, 5, 7}), range = room(b, {3, 3}, DType::f64), y = room(b, {3, 1, 17, 20});
  b.cawe_enhance(numbers(b, {3, 1, 17, 20}, "enhance x", 0, 1), w, f, 0.3, 0.5, map, range, y);
  return {map, range, y};
}

}  // namespace

std::vector<PrimitiveRow> cawe_primitive_rows() {
  return {{"cawe_weights", run_cawe_weights, 2},
          {"cawe_map", run_cawe_map, 2},
          {"cawe_fuse", run_cawe_fuse, 2},
          {"cawe_enhance", run_cawe_enhance, 2}};
}

}  // namespace cawe
