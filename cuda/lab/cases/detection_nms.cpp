// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/detection_nms.h"

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/box.h"
#include "tensor/primitives/detection.h"

namespace CAWE_DEVICE {
namespace {

/// Boxes on a grid of whole pixels, so that overlaps hit simple fractions, with scores in twentieths and 3
/// classes.
template <class T>
struct Scene {
  std::vector<T> boxes, scores;
  std::vector<int64_t> classes;
};

template <class T>
Scene<T> crowd(int64_t n, int64_t span) {
  Random random(21, "nms");
  Scene<T> s;
  for (int64_t i = 0; i < n; ++i) {
    const auto x = T(random.next_below(uint64_t(span))), y = T(random.next_below(uint64_t(span)));
    s.boxes.insert(s.boxes.end(), {x, y, x + T(2 + random.next_below(7)), y + T(2 + random.next_below(7))});
    s.scores.push_back(T(random.next_below(21)) / 20);
    s.classes.push_back(int64_t(random.next_below(3)) * 1000000007 - 1);
  }
  return s;
}

/// Boxes that touch nobody.
template <class T>
Scene<T> apart(int64_t n) {
  Scene<T> s;
  for (int64_t i = 0; i < n; ++i) {
    const T x = T(i % 50) * 10, y = T(i / 50) * 10;
    s.boxes.insert(s.boxes.end(), {x, y, x + 9, y + 9});
    s.scores.push_back(T(1) / T(i + 1));
    s.classes.push_back(0);
  }
  return s;
}

template <class T>
constexpr Number kNumber = sizeof(T) == 8 ? Number::f64 : Number::f32;

/// The reference's answer for boxes [begin, begin + size), filled up with -1.
template <class T>
std::vector<int64_t> reference_nms(const Scene<T>& s, int64_t begin, int64_t size, bool classes,
                                   double threshold, int64_t most) {
  const ReferenceScope reference;
  const auto part = [&](const Tensor& t) { return t.slice(0, begin, begin + size).unsqueeze(0); };
  const auto n = int64_t(s.scores.size());
  Tensor kept = Tensor::empty({1, most}, DType::i64);
  primitives::nms(part(Tensor::from(s.boxes, {n, 4})), part(Tensor::from(s.scores, {n})),
                  classes ? part(Tensor::from(s.classes, {n})) : Tensor(), {}, threshold, kept);
  std::vector<int64_t> positions = kept.to_vector<int64_t>();
  for (int64_t& i : positions) i += i >= 0 ? begin : 0;
  return positions;
}

/// Segments of these sizes one behind the other; the first `most` of each, 0: all.
template <class T>
double run(CaseContext& c, const Scene<T>& scene, const std::vector<int64_t>& sizes, bool classes,
           double threshold, int64_t most = 0) {
  std::vector<int64_t> begins, expected;
  int64_t begin = 0, longest = 0;
  for (const int64_t size : sizes) longest = std::max(longest, size);
  if (most == 0) most = longest;
  for (const int64_t size : sizes) {
    begins.push_back(begin);
    const auto kept = reference_nms(scene, begin, size, classes, threshold, most);
    expected.insert(expected.end(), kept.begin(), kept.end());
    begin += size;
  }
  const auto count = int64_t(sizes.size());
  Segments segments{count, longest, nullptr, nullptr};
  if (count > 1) segments = {count, longest, c.upload(begins), c.upload(sizes)};
  const T *boxes = c.upload(scene.boxes), *scores = c.upload(scene.scores);
  const int64_t* ids = classes ? c.upload(scene.classes) : nullptr;
  auto* kept = c.fresh<int64_t>(count * most);
  void* scratch = c.fresh<char>(int64_t(nms_scratch(kNumber<T>, segments)));
  c.measure(
      [&] { nms(kNumber<T>, boxes, scores, ids, segments, threshold, most, kept, scratch, c.stream()); });
  return different(c.download(kept, count * most), expected);
}

/// The mask alone: every word on and above the diagonal.
double run_mask(CaseContext& c, int64_t n, double threshold) {
  const Scene<float> scene = crowd<float>(n, 60);
  const Segments segments{1, n, nullptr, nullptr};
  const float* boxes = c.upload(scene.boxes);
  // The last column's rows past the last box are neither written nor read, but come back with the others.
  auto* mask = c.upload(std::vector<unsigned long long>(size_t(nms_mask_words(n)), ~0ull));
  c.measure([&] { nms_mask(Number::f32, boxes, nullptr, segments, threshold, mask, c.stream()); });
  const auto got = c.download(mask, nms_mask_words(n));
  const auto* box = reinterpret_cast<const Box*>(scene.boxes.data());
  double wrong = 0;
  for (int64_t d = 0, at = 0; d * 64 < n; at += ++d * 64)
    for (int64_t i = 0; i < std::min(n, (d + 1) * 64); ++i) {
      unsigned long long word = 0;
      for (int64_t j = std::max(i + 1, d * 64); j < std::min(n, (d + 1) * 64); ++j)
        word |= static_cast<unsigned long long>(iou(box[i], box[j]) > float(threshold)) << (j - d * 64);
      wrong += noted(word != got[size_t(at + i)], size_t(at + i), got[size_t(at + i)], word, "mask");
    }
  return wrong;
}

/// The walk alone, where nobody suppresses anybody: it has to look at everything.
double run_reduce(CaseContext& c, int64_t n) {
  const Segments segments{1, n, nullptr, nullptr};
  const auto* mask = c.upload(std::vector<unsigned long long>(size_t(nms_mask_words(n)), 0));
  std::vector<int64_t> order;
  for (int64_t i = 0; i < n; ++i) order.push_back(n - 1 - i);
  const int64_t* from = c.upload(order);
  auto* rows = c.fresh<uint32_t>(n);
  auto* kept = c.fresh<int64_t>(n);
  c.measure([&] { nms_reduce(mask, from, segments, n, rows, kept, c.stream()); });
  return different(c.download(kept, n), order);
}

Case make_case(const std::string& name, const std::string& shape, std::function<double(CaseContext&)> run) {
  Case r;
  r.name = name;
  r.shape = shape;
  r.file = "cuda/kernels/detection_nms.cu";
  r.run = std::move(run);
  return r;
}

}  // namespace

void add_detection_nms_cases(std::vector<Case>& cases) {
  // 8 columns, the last of 52 boxes; column d has d + 1 tiles, so 36 tiles. A tile loads 64 column boxes (32
  // sectors; 26 in the last column) and 64 row boxes (26 in the last tile), stores a word a row (16 sectors;
  // 13). In shared memory: 2 warps store boxes (4 wavefronts each, 3 for 20 lanes) and read each box of the
  // column (4 each: 16 B by one address count four times here; 3 where 20 lanes are left).
  cases.push_back(make_case("nms_mask", "f32 500", [](CaseContext& c) { return run_mask(c, 500, 0.5); }));
  cases.back().sectors = (28 * 32 + 8 * 26) + (35 * 32 + 26) + (35 * 16 + 13);
  cases.back().wavefronts = (28 * 8 + 8 * 7) + 28 * 64 * 8 + 7 * 52 * 8 + 52 * 7;
  cases.back().floor_read = 500 * 16;
  cases.back().floor_written = 8 * (64. * 28 + 500);
  cases.back().flops = 20. * 500 * 500 / 2;
  // Warp 0 reads the first column's own words (16 sectors), then for each of 7 columns 64 words of the boxes
  // just decided and the column's own 64 (52: 13 sectors); the other warps 64 d words and 4-byte rows for
  // column d + 1. Rows kept are written and read (500 x 4 B), order read and positions written (8 B).
  cases.push_back(make_case("nms_reduce", "500 all kept", [](CaseContext& c) { return run_reduce(c, 500); }));
  cases.back().sectors = 16 + (7 * 16 + 6 * 16 + 13) + 21 * (16 + 8) + 2 * 63 + 2 * 125;
  cases.back().floor_read = 8 * (64. * 28 + 500) + 500 * 8 + 500 * 4;

  cases.push_back(
      make_case("nms", "f32 1", [](CaseContext& c) { return run(c, crowd<float>(1, 9), {1}, false, 0.5); }));
  cases.push_back(make_case("nms", "f32 300 apart",
                            [](CaseContext& c) { return run(c, apart<float>(300), {300}, true, 0.5); }));
  cases.push_back(make_case("nms", "f32 300 one class",
                            [](CaseContext& c) { return run(c, crowd<float>(300, 40), {300}, false, 0.5); }));
  cases.push_back(make_case("nms", "f32 300 of 3", [](CaseContext& c) {
    return run(c, crowd<float>(300, 20), {300}, true, 1. / 3);
  }));
  cases.push_back(make_case("nms", "f64 200 of 3", [](CaseContext& c) {
    return run(c, crowd<double>(200, 20), {200}, true, 0.25);
  }));
  cases.push_back(make_case("nms", "f32 below zero",
                            [](CaseContext& c) { return run(c, crowd<float>(150, 50), {150}, true, -0.5); }));
  // The best 70 lie in the first two columns; a segment has fewer.
  cases.push_back(make_case("nms", "f32 ragged best 70", [](CaseContext& c) {
    return run(c, apart<float>(500), {300, 20, 180}, true, 0.5, 70);
  }));
  cases.push_back(make_case("nms", "f32 400 best 30", [](CaseContext& c) {
    return run(c, crowd<float>(400, 60), {400}, true, 0.5, 30);
  }));
  cases.push_back(make_case("nms", "f64 ragged", [](CaseContext& c) {
    return run(c, crowd<double>(335, 30), {64, 0, 65, 1, 129, 76}, true, 0.2);
  }));
}

}  // namespace CAWE_DEVICE
