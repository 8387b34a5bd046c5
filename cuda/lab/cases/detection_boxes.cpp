// SPDX-License-Identifier: Apache-2.0
// Decoding, filtering and matching. What is compared is bits.
#include "cuda/kernels/detection_boxes.h"

#include <algorithm>
#include <cstring>

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/detection.h"

namespace CAWE_DEVICE {
namespace {

template <class T>
constexpr Number kNumber = sizeof(T) == 8 ? Number::f64 : Number::f32;

template <class T>
std::vector<uint64_t> bits_of(const std::vector<T>& x) {
  std::vector<uint64_t> bits(x.size(), 0);
  for (size_t i = 0; i < x.size(); ++i) std::memcpy(&bits[i], &x[i], sizeof(T));
  return bits;
}

/// Boxes with an area in a picture of 200 x 150, whole pixels.
template <class T>
std::vector<T> boxes(int64_t n, const char* purpose) {
  Random random(21, purpose);
  std::vector<T> b;
  for (int64_t i = 0; i < n; ++i) {
    const auto x = T(random.next_below(180)), y = T(random.next_below(130));
    b.insert(b.end(), {x, y, x + T(1 + random.next_below(40)), y + T(1 + random.next_below(40))});
  }
  return b;
}

/// Offsets, some of them beyond the limit of dw, some far out.
template <class T>
std::vector<T> offsets(int64_t n) {
  const Random random(21, "offsets");
  std::vector<T> d;
  for (int64_t i = 0; i < 4 * n; ++i) d.push_back(T(random.normal(uint64_t(i)) * (i % 7 == 0 ? 30 : 1)));
  return d;
}

const BoxCoding kCoding{10, 10, 5, 5};
const DecodeParams kParams{10, 10, 5, 5, 200, 150};

template <class T>
std::vector<T> reference_decode(const std::vector<T>& deltas, const std::vector<T>& anchors) {
  const ReferenceScope reference;
  const auto n = int64_t(anchors.size() / 4);
  Tensor out = Tensor::empty({n, 4}, DTypeOf<T>::value);
  primitives::decode_boxes(Tensor::from(deltas, {n, 4}), Tensor::from(anchors, {n, 4}), kCoding, 200, 150,
                           out);
  return out.to_vector<T>();
}

template <class T>
double run_decode(CaseContext& c, int64_t n) {
  const std::vector<T> deltas = offsets<T>(n), anchors = boxes<T>(n, "anchors");
  const T *d = c.upload(deltas), *a = c.upload(anchors);
  T* out = c.fresh<T>(4 * n);
  c.measure([&] { decode_boxes(kNumber<T>, d, a, kParams, n, out, c.stream()); });
  return different(bits_of(c.download(out, 4 * n)), bits_of(reference_decode(deltas, anchors)));
}

/// What passes, one candidate after another.
template <class T>
struct Passed {
  std::vector<T> boxes, scores;
  std::vector<int64_t> classes, counts;
};

/// Each image's list of `count` candidates; entries behind counts[image] are not compared.
template <class T>
double run_filter(CaseContext& c, int64_t images, int64_t anchors, int64_t classes, int64_t count,
                  double threshold, double smallest) {
  Random random(21, "filter");
  const std::vector<T> anchor_boxes = boxes<T>(anchors, "anchors"), deltas = offsets<T>(images * anchors);
  std::vector<T> scores, all_anchors;
  for (int64_t i = 0; i < images * anchors * classes; ++i) scores.push_back(T(random.next_below(101)) / 100);
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < images * count; ++i) {
    const int64_t image = i / count, each = anchors * classes;
    const bool all = count == each, none = !all && i % 13 == 5;
    chosen.push_back(none ? -1
                          : image * each + (all ? i % count : int64_t(random.next_below(uint64_t(each)))));
  }
  for (int64_t i = 0; i < images; ++i)
    all_anchors.insert(all_anchors.end(), anchor_boxes.begin(), anchor_boxes.end());
  const std::vector<T> decoded = reference_decode(deltas, all_anchors);
  Passed<T> expected;
  for (int64_t i = 0; i < images * count; ++i) {
    if (i % count == 0) expected.counts.push_back(0);
    const int64_t at = chosen[size_t(i)];
    if (at < 0 || !(scores[size_t(at)] > T(threshold))) continue;
    const T* b = decoded.data() + at / classes * 4;
    if (b[2] - b[0] < T(smallest) || b[3] - b[1] < T(smallest)) continue;
    expected.boxes.insert(expected.boxes.end(), b, b + 4);
    expected.scores.push_back(scores[size_t(at)]);
    expected.classes.push_back(at % classes);
    ++expected.counts.back();
  }
  const Candidates from{
      images, anchors,         classes, c.upload(scores), c.upload(deltas), c.upload(anchor_boxes),
      count,  c.upload(chosen)};
  const int64_t n = images * count;
  T *out_boxes = c.fresh<T>(4 * n), *out_scores = c.fresh<T>(n);
  auto *out_classes = c.fresh<int64_t>(n), *counts = c.fresh<int64_t>(images);
  c.measure([&] {
    decode_filtered(kNumber<T>, from, kParams, threshold, smallest,
                    {out_boxes, out_scores, out_classes, counts}, c.stream());
  });
  Passed<T> got;
  got.counts = c.download(counts, images);
  for (int64_t image = 0; image < images; ++image) {
    const int64_t k = std::min(count, std::max<int64_t>(0, got.counts[size_t(image)])), at = image * count;
    const auto append = [](auto& to, const auto& more) { to.insert(to.end(), more.begin(), more.end()); };
    append(got.boxes, c.download(out_boxes + 4 * at, 4 * k));
    append(got.scores, c.download(out_scores + at, k));
    append(got.classes, c.download(out_classes + at, k));
  }
  return different(bits_of(got.boxes), bits_of(expected.boxes)) +
         different(bits_of(got.scores), bits_of(expected.scores)) + different(got.classes, expected.classes) +
         different(got.counts, expected.counts);
}

/// Images with these numbers of boxes; anchors that equal some of the boxes among them.
template <class T>
double run_match(CaseContext& c, int64_t anchors, const std::vector<int64_t>& sizes, const MatchParams& p) {
  const std::vector<T> anchor_boxes = boxes<T>(anchors, "anchors");
  std::vector<int64_t> begins, expected;
  std::vector<T> all;
  int64_t longest = 0;
  const ReferenceScope reference;
  for (size_t s = 0; s < sizes.size(); ++s) {
    std::vector<T> truth = boxes<T>(sizes[s], s % 2 == 0 ? "truth" : "other truth");
    if (sizes[s] > 2) std::copy_n(anchor_boxes.begin() + 8, 4, truth.begin() + 4);
    Tensor matched = Tensor::empty({anchors}, DType::i64);
    primitives::match_anchors(Tensor::from(anchor_boxes, {anchors, 4}), Tensor::from(truth, {sizes[s], 4}), p,
                              matched);
    begins.push_back(int64_t(all.size() / 4));
    for (const int64_t g : matched.to_vector<int64_t>()) expected.push_back(g < 0 ? g : begins.back() + g);
    all.insert(all.end(), truth.begin(), truth.end());
    longest = std::max(longest, sizes[s]);
  }
  const auto count = int64_t(sizes.size());
  Segments segments{count, longest, nullptr, nullptr};
  if (count > 1) segments = {count, longest, c.upload(begins), c.upload(sizes)};
  const T *a = c.upload(anchor_boxes), *b = all.empty() ? nullptr : c.upload(all);
  auto* matched = c.fresh<int64_t>(count * anchors);
  void* scratch = c.fresh<char>(int64_t(match_scratch(kNumber<T>, segments, anchors)));
  c.measure([&] {
    match_anchors(kNumber<T>, a, anchors, b, segments, {p.high, p.low, p.low_quality}, matched, scratch,
                  c.stream());
  });
  return different(c.download(matched, count * anchors), expected);
}

Case make_case(const std::string& name, const std::string& file, const std::string& shape,
               std::function<double(CaseContext&)> run) {
  Case r;
  r.name = name;
  r.shape = shape;
  r.file = "cuda/kernels/" + file;
  r.run = std::move(run);
  return r;
}

void add_decode_cases(std::vector<Case>& cases) {
  const auto decode_case = [&](const char* shape, std::function<double(CaseContext&)> run) {
    cases.push_back(make_case("decode_boxes", "detection_decode.cu", shape, std::move(run)));
  };
  decode_case("f32 1000", [](CaseContext& c) { return run_decode<float>(c, 1000); });
  cases.back().sectors = 3 * sectors_of(1000 * 16);
  cases.back().floor_read = 2 * 1000 * 16;
  cases.back().floor_written = 1000 * 16;
  cases.back().flops = 60 * 1000;
  decode_case("f64 301", [](CaseContext& c) { return run_decode<double>(c, 301); });
  const auto filter_case = [&](const char* shape, std::function<double(CaseContext&)> run) {
    cases.push_back(make_case("decode_filtered", "detection_decode.cu", shape, std::move(run)));
  };
  // All of 2 x 320 pass: positions (80 sectors), scores (40), offsets, anchors and boxes (160 each), scores
  // and classes out (40, 80) and a count.
  filter_case("f32 2x320 all", [](CaseContext& c) { return run_filter<float>(c, 2, 320, 1, 320, -1, 0); });
  cases.back().sectors = 2 * (80 + 40 + 3 * 160 + 40 + 80 + 1);
  filter_case("f32 2x1500 of 400x3",
              [](CaseContext& c) { return run_filter<float>(c, 2, 400, 3, 1500, 0.3, 8); });
  filter_case("f64 3x100 of 70x2",
              [](CaseContext& c) { return run_filter<double>(c, 3, 70, 2, 100, 0.5, 5); });
}

}  // namespace

void add_detection_boxes_cases(std::vector<Case>& cases) {
  add_decode_cases(cases);
  const auto match_case = [&](const char* shape, std::function<double(CaseContext&)> run) {
    cases.push_back(make_case("match_anchors", "detection_match.cu", shape, std::move(run)));
  };
  // 7 maxima cleared; 1,000 anchors (500 sectors), 7 boxes by each of 4 blocks (4 each), favourites (125) and
  // decisions (250) out, 4 atomic requests.
  match_case("f32 1000x7", [](CaseContext& c) { return run_match<float>(c, 1000, {7}, {0.5, 0.4, false}); });
  cases.back().sectors = 1 + 500 + 4 * 4 + 125 + 250 + 4;
  cases.back().floor_read = 16000 + 112;
  match_case("f32 1000x7 low", [](CaseContext& c) {
    return run_match<float>(c, 1000, {7}, {0.5, 0.4, true});
  });
  match_case("f32 300x70 low", [](CaseContext& c) {
    return run_match<float>(c, 300, {70}, {0.5, 0.4, true});
  });
  match_case("f64 200x5 low", [](CaseContext& c) {
    return run_match<double>(c, 200, {5}, {0.7, 0.3, true});
  });
  match_case("f32 300 ragged", [](CaseContext& c) {
    return run_match<float>(c, 300, {3, 0, 65, 1}, {0.5, 0.4, true});
  });
  // One anchor equals a box: an overlap of exactly 1, which is enough.
  match_case("f32 300x5 of 1", [](CaseContext& c) { return run_match<float>(c, 300, {5}, {1, 0.4, false}); });
  match_case("f32 33x0", [](CaseContext& c) { return run_match<float>(c, 33, {0}, {0.5, 0.4, true}); });
}

}  // namespace CAWE_DEVICE
