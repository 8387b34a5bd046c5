// SPDX-License-Identifier: Apache-2.0
// Rows of decisions: boxes, matches, suppression, order.
#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

/// Boxes with an area, inside 100 x 100.
Tensor boxes(const Backend& b, int64_t n, const std::string& purpose) {
  const Tensor raw = numbers(b, {n, 4}, purpose, 0, 1);
  std::vector<float> v = raw.to_vector<float>();
  for (size_t i = 0; i < v.size(); i += 4) {
    v[i] *= 80;
    v[i + 1] *= 80;
    v[i + 2] = v[i] + 3 + v[i + 2] * 17;
    v[i + 3] = v[i + 1] + 3 + v[i + 3] * 17;
  }
  return in_scope(Tensor::from(v, {n, 4}).to(b.device()));
}

Tensor indices(const std::vector<int64_t>& v) { return Tensor::from(v, {int64_t(v.size())}); }

std::vector<Tensor> run_decode(PrimitiveBackend& b, int64_t) {
  Tensor y = room(b, {200, 4});
  b.decode_boxes(numbers(b, {200, 4}, "deltas", -3, 3), boxes(b, 200, "anchors"), {10, 10, 5, 5}, 100, 90, y);
  return {y};
}

/// Every third candidate of 200 x 3 scores and one that is none; of the results only the kept rows.
std::vector<Tensor> run_filter(PrimitiveBackend& b, int64_t variant) {
  std::vector<int64_t> chosen{-1};
  for (int64_t i = 0; i < 600; i += 3) chosen.push_back((i * 7) % 600);
  const auto count = int64_t(chosen.size());
  Tensor y = room(b, {count, 4}), kept = room(b, {count}), classes = room(b, {count}, DType::i64);
  const int64_t n =
      b.decode_filtered(numbers(b, {200, 3}, "filter scores", 0, 1), numbers(b, {200, 4}, "deltas", -3, 3),
                        boxes(b, 200, "anchors"), indices(chosen).to(b.device()), {10, 10, 5, 5}, 100, 90,
                        0.3, variant == 0 ? 0 : 9, y, kept, classes);
  return {y.slice(0, 0, n), kept.slice(0, 0, n), classes.slice(0, 0, n)};
}

std::vector<Tensor> run_match(PrimitiveBackend& b, int64_t variant) {
  Tensor y = room(b, {300}, DType::i64);
  b.match_anchors(boxes(b, 300, "anchors"), boxes(b, 7, "truth"), {0.5, 0.4, variant == 0}, y);
  return {y};
}

std::vector<Tensor> run_nms(PrimitiveBackend& b, int64_t variant) {
  std::vector<int64_t> classes;
  for (int64_t i = 0; i < 400; ++i) classes.push_back(i % 3);
  return {indices(b.nms(boxes(b, 400, "nms"), numbers(b, {400}, "scores", 0, 1),
                        variant == 0 ? Tensor() : in_scope(indices(classes).to(b.device())), 0.3))};
}

std::vector<Tensor> run_top_k(PrimitiveBackend& b, int64_t variant) {
  return {indices(b.top_k(numbers(b, {1000}, "top k"), variant == 0 ? 37 : 1000))};
}

}  // namespace

std::vector<PrimitiveRow> detection_primitive_rows() {
  return {{"decode_boxes", run_decode, 1, true},
          {"decode_filtered", run_filter, 2, true},
          {"match_anchors", run_match, 2, true},
          {"nms", run_nms, 2, true},
          {"top_k", run_top_k, 2, true}};
}

}  // namespace cawe
