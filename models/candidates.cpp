// SPDX-License-Identifier: Apache-2.0
#include "models/candidates.h"

#include <algorithm>
#include <cmath>

#include "models/truths.h"
#include "tensor/primitives/detection.h"
#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/gather_rows.h"
#include "tensor/primitives/reductions.h"

namespace cawe::models {
namespace {

Tensor room(const Tensor& beside, const Shape& shape, DType dtype = DType::f32) {
  return Tensor::empty(shape, dtype, Layout::contiguous, beside.device());
}

Candidates filtered(const HeadOutputs& out, const Tensor& chosen, int64_t most, const CandidateParams& p) {
  const int64_t n = out.scores.dim(0);
  Candidates c{room(out.scores, {n, most, 4}), room(out.scores, {n, most}),
               room(out.scores, {n, most}, DType::i64), room(out.scores, {n}, DType::i64)};
  primitives::decode_filtered(out.scores, out.deltas, out.anchors, chosen, p, c.boxes, c.scores, c.classes,
                              c.counts);
  return c;
}

/// Numbers of a kept box: corners, score, class + 1; all 0 where there is none.
constexpr int64_t kWidth = 6;

/// The candidates' boxes as rows [N M, kWidth].
Tensor rows_of(const Candidates& c) {
  const int64_t all = c.scores.numel();
  const Tensor rows = room(c.scores, {all, kWidth});
  rows.slice(1, 0, 4).copy_from(c.boxes.reshape({all, 4}));
  rows.slice(1, 4, 5).copy_from(c.scores.reshape({all, 1}));
  Tensor labels = rows.slice(1, 5, 6);
  primitives::unary(UnaryOp::affine, 1, 1, c.classes.to(DType::f32).reshape({all, 1}), labels);
  return rows;
}

}  // namespace

Candidates best_candidates(const HeadOutputs& out, const Tensor& order, const std::vector<int64_t>& sizes,
                           int64_t most, const CandidateParams& p) {
  const int64_t k = std::min(most, *std::max_element(sizes.begin(), sizes.end()));
  int64_t all = 0;
  for (const int64_t size : sizes) all += std::min(k, size);
  Tensor chosen = room(order, {order.dim(0), int64_t(sizes.size()) * k}, DType::i64);
  primitives::top_k(order, sizes, k, chosen);
  return filtered(out, chosen, all, p);
}

Candidates all_candidates(const HeadOutputs& out, const CandidateParams& p) {
  return filtered(out, {}, out.scores.dim(1) * out.scores.dim(2), p);
}

Tensor suppressed(const Candidates& c, double iou, int64_t most) {
  Tensor kept = room(c.scores, {c.scores.dim(0), std::min(most, c.scores.dim(1))}, DType::i64);
  primitives::nms(c.boxes, c.scores, c.classes, c.counts, iou, kept);
  return kept;
}

Tensor finite_mark(const Tensor& x) {
  const Tensor rows = x.reshape({x.dim(0), -1});
  Tensor zeros = Tensor::like(rows), mark = room(x, {x.dim(0), 1}, x.dtype());
  primitives::unary(UnaryOp::affine, 0, 0, rows, zeros);  // 0 times infinity is NaN
  primitives::sum_to(zeros, mark);
  return mark.reshape({-1});
}

FoundOnDevice found_of(const Candidates& c, const PostprocessSettings& s, const Marks& marks) {
  const Tensor kept = suppressed(c, s.nms_iou, s.max_detections);
  FoundOnDevice f{{}, kept.dim(0), kept.dim(1), {}};
  f.numbers = room(kept, {f.images * (f.each * kWidth + int64_t(marks.size()))});
  Tensor rows = f.numbers.slice(0, 0, f.images * f.each * kWidth).reshape({f.images * f.each, kWidth});
  primitives::gather_rows(rows_of(c), kept.reshape({-1}), rows);
  int64_t at = f.images * f.each * kWidth;
  for (const auto& [mark, what] : marks) {
    f.numbers.slice(0, at, at + f.images).copy_from(mark);
    f.marks.push_back(what);
    at += f.images;
  }
  return f;
}

std::vector<Detections> to_host(const FoundOnDevice& f, const std::vector<std::string>& images) {
  const std::vector<float> v = f.numbers.to_vector<float>();
  const float* mark = v.data() + f.images * f.each * kWidth;
  for (const std::string& what : f.marks)
    for (int64_t i = 0; i < f.images; ++i)
      CAWE_CHECK(!std::isnan(*mark++), Code::numeric, image_name(images, i), ": ", what,
                 " is not finite (bad weights or pixels)");
  std::vector<Detections> all(static_cast<size_t>(f.images));
  for (int64_t k = 0; k < f.images * f.each; ++k) {
    const float* row = v.data() + k * kWidth;
    if (row[5] > 0)
      all[size_t(k / f.each)].push_back({{row[0], row[1], row[2], row[3]}, row[4], int64_t(row[5]) - 1});
  }
  return all;
}

}  // namespace cawe::models
