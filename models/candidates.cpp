// SPDX-License-Identifier: Apache-2.0
#include "models/candidates.h"
#include "tensor/primitives/detection.h"
#include "tensor/primitives/gather_rows.h"

#include <algorithm>

namespace cawe::models {

Tensor take_rows(const Tensor& rows, const std::vector<int64_t>& index) {
  const int64_t count = int64_t(index.size()), width = rows.dim(1);
  Tensor y = Tensor::empty({count, width}, rows.dtype(), Layout::contiguous, rows.device());
  if (count == 0) return y;
  if (rows.device() == Device::cpu && rows.dtype() == DType::f32 && rows.is_contiguous()) {
    // A few thousand short rows: a call of the backend for each would cost more than the copy.
    const float* from = rows.data<float>();
    float* to = y.data<float>();
    for (int64_t k = 0; k < count; ++k) std::copy_n(from + index[size_t(k)] * width, width, to + k * width);
    return y;
  }
  primitives::gather_rows(rows, Tensor::from(index, {count}).to(rows.device()), y);
  return y;
}

void add_candidates(const Tensor& scores, const Tensor& deltas, const Tensor& anchors,
                    const std::vector<int64_t>& chosen, const CandidateLimits& limits, int64_t height,
                    int64_t width, Candidates& out) {
  if (chosen.empty()) return;
  const auto count = int64_t(chosen.size());
  const Device device = scores.device();
  const auto room = [&](const Shape& shape, DType dtype) {
    return Tensor::empty(shape, dtype, Layout::contiguous, device);
  };
  Tensor boxes = room({count, 4}, DType::f32), kept = room({count}, DType::f32),
         classes = room({count}, DType::i64);
  const int64_t n = primitives::decode_filtered(
      scores, deltas, anchors, Tensor::from(chosen, {count}).to(device), {}, double(width), double(height),
      limits.score, limits.side, boxes, kept, classes);
  const auto append = [n](auto& to, const auto& more) { to.insert(to.end(), more.begin(), more.end()); };
  append(out.boxes, boxes.slice(0, 0, n).to_vector<float>());
  append(out.scores, kept.slice(0, 0, n).to_vector<float>());
  append(out.classes, classes.slice(0, 0, n).to_vector<int64_t>());
}

std::vector<float> decoded(const Tensor& deltas, const Tensor& anchors, const BoxCoding& coding,
                           int64_t height, int64_t width) {
  if (deltas.dim(0) == 0) return {};
  Tensor boxes = Tensor::empty(deltas.shape(), DType::f32, Layout::contiguous, deltas.device());
  primitives::decode_boxes(deltas, anchors, coding, double(width), double(height), boxes);
  return boxes.to(Device::cpu).to_vector<float>();
}

std::vector<int64_t> suppressed(const Candidates& c, double iou, int64_t most, Device device) {
  if (c.count() == 0) return {};
  std::vector<int64_t> kept = primitives::nms(Tensor::from(c.boxes, {c.count(), 4}).to(device),
                                              Tensor::from(c.scores, {c.count()}).to(device),
                                              Tensor::from(c.classes, {c.count()}).to(device), iou);
  if (int64_t(kept.size()) > most) kept.resize(size_t(most));
  return kept;
}

Detections detections_of(const Candidates& c, const PostprocessSettings& s, Device device) {
  Detections out;
  for (const int64_t k : suppressed(c, s.nms_iou, s.max_detections, device))
    out.push_back({c.box(size_t(k)), c.scores[size_t(k)], c.classes[size_t(k)]});
  return out;
}

}  // namespace cawe::models
