// SPDX-License-Identifier: Apache-2.0
// RetinaNet's last step: from logits and offsets to boxes (spec 4.6, 4.7).
#include <algorithm>

#include "models/retinanet.h"
#include "tensor/parallel.h"

namespace cawe::models {
namespace {

struct Candidates {
  std::vector<float> boxes;  ///< 4 each
  std::vector<float> scores;
  std::vector<int64_t> classes;
};

Tensor gathered(const Tensor& rows, const std::vector<int64_t>& index) {
  const int64_t count = int64_t(index.size()), width = rows.dim(1);
  Tensor y = Tensor::empty({count, width}, rows.dtype(), Layout::contiguous, rows.device());
  if (rows.device() == Device::cpu && rows.is_contiguous()) {  // a few thousand short rows: no call each
    const float* from = rows.data<float>();
    float* to = y.data<float>();
    for (int64_t k = 0; k < count; ++k) std::copy_n(from + index[size_t(k)] * width, width, to + k * width);
    return y;
  }
  backend(rows.device()).gather_rows(rows, Tensor::from(index, {count}).to(rows.device()), y);
  return y;
}

/// One level of one image: scores [A_l, K], deltas [A_l, 4], anchors [A_l, 4].
void add_level(const Tensor& scores, const Tensor& deltas, const Tensor& anchors, double width, double height,
               const PostprocessSettings& s, Candidates& out) {
  const int64_t classes = scores.dim(1);
  const Tensor flat = scores.reshape({-1});
  Backend& device = backend(flat.device());
  const std::vector<int64_t> best = device.top_k(flat, std::min(s.top_k_per_level, flat.numel()));
  const std::vector<float> values =
      gathered(flat.reshape({-1, 1}), best).to(Device::cpu).to_vector<float>();  // largest first
  std::vector<int64_t> rows;
  for (size_t i = 0; i < best.size() && values[i] > float(s.score_threshold); ++i) {
    rows.push_back(best[i] / classes);
    out.scores.push_back(values[i]);
    out.classes.push_back(best[i] % classes);
  }
  if (rows.empty()) return;
  Tensor boxes = Tensor::empty({int64_t(rows.size()), 4}, DType::f32, Layout::contiguous, flat.device());
  device.decode_boxes(gathered(deltas, rows), gathered(anchors, rows), {}, width, height, boxes);
  const std::vector<float> corners = boxes.to_vector<float>();
  out.boxes.insert(out.boxes.end(), corners.begin(), corners.end());
}

Detections suppress(const Candidates& c, Device device, const PostprocessSettings& s) {
  Detections kept;
  const int64_t count = int64_t(c.scores.size());
  if (count == 0) return kept;
  const std::vector<int64_t> order = backend(device).nms(
      Tensor::from(c.boxes, {count, 4}).to(device), Tensor::from(c.scores, {count}).to(device),
      Tensor::from(c.classes, {count}).to(device), s.nms_iou);
  for (size_t i = 0; i < order.size() && int64_t(i) < s.max_detections; ++i) {
    const size_t k = size_t(order[i]);
    const float* b = c.boxes.data() + 4 * k;
    kept.push_back({{b[0], b[1], b[2], b[3]}, c.scores[k], c.classes[k]});
  }
  return kept;
}

}  // namespace

std::vector<Detections> RetinaNet::postprocess(const Raw& raw, int64_t height, int64_t width,
                                               const std::vector<std::string>& images) const {
  const Tensor logits = raw.logits.value().to(DType::f32), deltas = raw.deltas.value().to(DType::f32);
  const int64_t n = logits.dim(0), total = logits.dim(1), per_cell = config_.anchors.per_cell();
  Tensor scores = Tensor::like(logits);
  backend(logits.device()).unary(UnaryOp::sigmoid, 0, 0, logits, scores);
  std::vector<Detections> all(static_cast<size_t>(n));
  parallel_tasks(n, [&](int64_t i) {
    CAWE_CHECK(all_finite(logits.slice(0, i, i + 1)) && all_finite(deltas.slice(0, i, i + 1)), Code::numeric,
               image_name(images, i), ": the detector's output is not finite (bad weights or pixels)");
    const Tensor image_scores = scores.slice(0, i, i + 1).reshape({total, -1});
    const Tensor image_deltas = deltas.slice(0, i, i + 1).reshape({total, 4});
    Candidates candidates;
    int64_t begin = 0;
    for (const GridSize& g : raw.grids) {
      const int64_t end = begin + g.rows * g.columns * per_cell;
      add_level(image_scores.slice(0, begin, end), image_deltas.slice(0, begin, end),
                raw.anchors.slice(0, begin, end), double(width), double(height), config_.postprocess,
                candidates);
      begin = end;
    }
    all[size_t(i)] = suppress(candidates, logits.device(), config_.postprocess);
  });
  return all;
}

}  // namespace cawe::models
