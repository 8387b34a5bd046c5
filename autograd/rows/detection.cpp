// SPDX-License-Identifier: Apache-2.0
// Rows of decisions: boxes, matches, draws, suppression, order.
#include <algorithm>

#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

/// Boxes with an area, inside 100 x 100.
std::vector<float> corners(const Backend& b, int64_t n, const std::string& purpose) {
  std::vector<float> v = numbers(b, {n, 4}, purpose, 0, 1).to_vector<float>();
  for (size_t i = 0; i < v.size(); i += 4) {
    v[i] *= 80;
    v[i + 1] *= 80;
    v[i + 2] = v[i] + 3 + v[i + 2] * 17;
    v[i + 3] = v[i + 1] + 3 + v[i + 3] * 17;
  }
  return v;
}

/// `shape` is [.., 4].
Tensor boxes(const Backend& b, const Shape& shape, const std::string& purpose, Use use = Use::input) {
  return in_scope(Tensor::from(corners(b, shape.numel() / 4, purpose), shape).to(b.device()), use);
}

Tensor indices(const Backend& b, const Shape& shape, const std::vector<int64_t>& v) {
  return in_scope(Tensor::from(v, shape).to(b.device()));
}

/// Truth of n images: `real` boxes with labels 0, 1, 2, 0 .., `ignored` regions, and rows without a box up to `rows`.
Tensor truth(const Backend& b, int64_t n, int64_t real, int64_t ignored, int64_t rows, Use use = Use::input) {
  const std::vector<float> c = corners(b, n * (real + ignored), "truth");
  std::vector<float> v;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t g = 0; g < rows; ++g) {
      const bool there = g < real + ignored;
      const auto from = c.begin() + 4 * (i * (real + ignored) + g);
      v.insert(v.end(), from, there ? from + 4 : from);
      if (!there) v.insert(v.end(), 4, 0.0f);
      v.push_back(!there ? -1.0f : g < real ? float(g % 3) : -2.0f);
    }
  return in_scope(Tensor::from(v, {n, rows, 5}).to(b.device()), use);
}

/// -2 to 4 in turn, other ones for each image.
std::vector<int64_t> turns(int64_t n, int64_t each) {
  std::vector<int64_t> v;
  for (int64_t i = 0; i < n * each; ++i) v.push_back(i * 5 % 7 - 2);
  return v;
}

std::vector<Tensor> run_top_k(PrimitiveBackend& b, int64_t variant) {
  const std::vector<int64_t> sizes =
      variant < 2 ? std::vector<int64_t>{1000} : std::vector<int64_t>{300, 150, 50};
  const int64_t n = variant < 2 ? 1 : 2, k = variant == 0 ? 37 : variant == 1 ? 1000 : 60;
  Tensor chosen = room(b, {n, int64_t(sizes.size()) * k}, DType::i64);
  b.top_k(numbers(b, {n, 1000 / n}, "top k"), sizes, k, chosen);
  return {chosen};
}

/// Every third candidate of 200 x 3 scores and one that is none; of the results only the kept rows. Then all candidates of
/// two images, class by class, each class with its own offsets and each image with its own anchors, in parts.
std::vector<Tensor> run_filter(PrimitiveBackend& b, int64_t variant) {
  const bool all = variant == 2;
  std::vector<int64_t> chosen{-1};
  for (int64_t i = 0; i < 600; i += 3) chosen.push_back((i * 7) % 600);
  const int64_t n = all ? 2 : 1, most = all ? 120 : int64_t(chosen.size());
  CandidateParams p{{10, 10, 5, 5}, 100, 90, 0.3, variant == 1 ? 9.0 : 0.0, {}};
  if (all) p.parts = {20, 25, 15};
  Tensor y = room(b, {n, most, 4}), kept = room(b, {n, most}), classes = room(b, {n, most}, DType::i64),
         counts = room(b, {n}, DType::i64);
  if (all) {
    b.decode_filtered(numbers(b, {2, 60, 2}, "filter scores", 0, 1), numbers(b, {2, 120, 4}, "deltas", -3, 3),
                      boxes(b, {2, 60, 4}, "anchors"), {}, p, y, kept, classes, counts);
    return {y, kept, classes, counts};
  }
  b.decode_filtered(numbers(b, {1, 200, 3}, "filter scores", 0, 1), numbers(b, {1, 200, 4}, "deltas", -3, 3),
                    boxes(b, {200, 4}, "anchors"), indices(b, {1, most}, chosen), p, y, kept, classes,
                    counts);
  const int64_t count = counts.to_vector<int64_t>()[0];
  return {y.slice(1, 0, count), kept.slice(1, 0, count), classes.slice(1, 0, count)};
}

/// The last variant: two images, 200 boxes of the first and 120 of the second, of which the 50 best are wanted.
std::vector<Tensor> run_nms(PrimitiveBackend& b, int64_t variant) {
  std::vector<int64_t> classes;
  for (int64_t i = 0; i < 400; ++i) classes.push_back(i % 3);
  const bool two = variant == 2;
  const int64_t n = two ? 2 : 1, each = 400 / n;
  Tensor kept = room(b, {n, two ? 50 : 400}, DType::i64);
  b.nms(boxes(b, {n, each, 4}, "nms"), numbers(b, {n, each}, "scores", 0, 1),
        variant == 0 ? Tensor() : indices(b, {n, each}, classes),
        two ? indices(b, {2}, {200, 120}) : Tensor(), 0.3, kept);
  if (two) return {kept};
  const std::vector<int64_t> all = kept.to_vector<int64_t>();
  return {kept.slice(1, 0, std::find(all.begin(), all.end(), -1) - all.begin())};
}

/// Variant 2: two images with anchors of their own, 150 of the first and 90 of the second, and ignored regions. Variant 3:
/// only anchors inside the image.
std::vector<Tensor> run_match(PrimitiveBackend& b, int64_t variant) {
  if (variant == 3) {
    Tensor y = room(b, {2, 300}, DType::i64);
    b.match_anchors(boxes(b, {300, 4}, "anchors"), {}, truth(b, 2, 7, 0, 8), {0.5, 0.4, true, 90, 70}, y);
    return {y};
  }
  if (variant == 2) {
    Tensor y = room(b, {2, 150}, DType::i64);
    b.match_anchors(boxes(b, {2, 150, 4}, "anchors"), indices(b, {2}, {150, 90}), truth(b, 2, 7, 3, 16),
                    {0.5, 0.4, true}, y);
    return {y};
  }
  Tensor y = room(b, {1, 300}, DType::i64);
  b.match_anchors(boxes(b, {300, 4}, "anchors"), {}, truth(b, 1, 7, 0, 8), {0.5, 0.4, variant == 0}, y);
  return {y};
}

/// More than are wanted of both; then fewer of either, so that places stay empty.
std::vector<Tensor> run_sample(PrimitiveBackend& b, int64_t variant) {
  const int64_t each = variant == 0 ? 301 : 40, count = variant == 0 ? 64 : 48;
  Tensor drawn = room(b, {2, each}, DType::i64), chosen = room(b, {2, count}, DType::i64);
  b.sample_matches(indices(b, {2, each}, turns(2, each)), indices(b, {2, 3}, {1, 2, 3, 4, 5, 6}),
                   {count, 16, "rows"}, drawn, chosen);
  return {drawn, chosen};
}

/// All anchors, the same for both images; then chosen ones of their own.
std::vector<Tensor> run_targets(PrimitiveBackend& b, int64_t variant) {
  const Tensor matched = indices(b, {2, 50}, turns(2, 50)), real = truth(b, 2, 5, 1, 8, Use::output);
  const int64_t slots = variant == 0 ? 50 : 20;
  Tensor foreground = room(b, {2, slots}), deltas = room(b, {2, slots, 4}), counted = room(b, {2, slots}),
         none;
  if (variant == 0) {
    Tensor classes = room(b, {2, slots, 3});
    b.match_targets(matched, {}, boxes(b, {50, 4}, "anchors", Use::output), real, {10, 10, 5, 5}, 0,
                    foreground, deltas, counted, classes, none);
    return {foreground, deltas, counted, classes};
  }
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < 40; ++i) chosen.push_back(i % 20 > 16 ? -1 : i / 20 * 50 + i * 9 % 50);
  Tensor rows = room(b, {2, slots}, DType::i64);
  b.match_targets(matched, indices(b, {2, slots}, chosen), boxes(b, {2, 50, 4}, "anchors", Use::output), real,
                  {}, 4, foreground, deltas, counted, none, rows);
  return {foreground, deltas, counted, rows};
}

/// With true boxes and without.
std::vector<Tensor> run_join(PrimitiveBackend& b, int64_t variant) {
  const Tensor kept = indices(b, {2, 6}, {3, 0, 9, -1, -1, -1, 12, 19, 15, 10, 11, -1});
  const int64_t rows = variant == 0 ? 8 : 0;
  Tensor regions = room(b, {2, 6 + rows, 4}), counts = room(b, {2}, DType::i64);
  b.join_boxes(boxes(b, {2, 10, 4}, "regions"), kept, variant == 0 ? truth(b, 2, 5, 1, 8) : Tensor(), regions,
               counts);
  return {regions, counts};
}

std::vector<Tensor> run_place(PrimitiveBackend& b, int64_t) {
  std::vector<int64_t> chosen = turns(2, 30);
  Tensor place = room(b, {2, 30, 2}, DType::i32);
  b.place_regions(boxes(b, {2, 30, 4}, "regions"), indices(b, {2, 30}, chosen), {7.5, 10, 14}, place);
  return {place};
}

}  // namespace

std::vector<PrimitiveRow> detection_primitive_rows() {
  return {{"top_k", run_top_k, 3, true},
          {"decode_filtered", run_filter, 3, true},
          {"nms", run_nms, 3, true},
          {"match_anchors", run_match, 4, true},
          {"sample_matches", run_sample, 2, true},
          {"match_targets", run_targets, 2},
          {"join_boxes", run_join, 2, true},
          {"place_regions", run_place, 1, true}};
}

}  // namespace cawe
