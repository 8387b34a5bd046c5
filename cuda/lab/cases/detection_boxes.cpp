// SPDX-License-Identifier: Apache-2.0
// Decoding, filtering and matching. What is compared is bits.
#include "cuda/kernels/detection_boxes.h"

#include <algorithm>

#include "cuda/lab/cases/detection_scenes.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/detection.h"

namespace CAWE_DEVICE {
namespace {

/// Offsets, some of them beyond the limit of dw, some far out.
template <class T>
std::vector<T> offsets(int64_t n) {
  const Random random(21, "offsets");
  std::vector<T> d;
  for (int64_t i = 0; i < 4 * n; ++i) d.push_back(T(random.normal(uint64_t(i)) * (i % 7 == 0 ? 30 : 1)));
  return d;
}

/// A head's outputs, and which of its candidates are looked at.
struct FilterScene {
  int64_t images = 1, anchors = 1, classes = 1;
  int64_t count = 0;  ///< chosen ones of an image, some of them none; 0: all candidates
  double threshold = 0, smallest = 0;
  bool by_class = false, own_anchors = false;
  std::vector<int64_t> parts = {};
  int64_t room = 0;  ///< 0: as many as there are candidates
};

std::vector<int64_t> chosen_of(const FilterScene& s) {
  Random random(21, "filter");
  const int64_t each = s.anchors * s.classes;
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < s.images * s.count; ++i)
    chosen.push_back(i % 13 == 5 ? -1 : i / s.count * each + int64_t(random.next_below(uint64_t(each))));
  return chosen;
}

template <class T>
double run_filter(CaseContext& c, const FilterScene& s) {
  Random random(21, "filter scores");
  const int64_t n = s.images, each = s.anchors * s.classes, count = s.count > 0 ? s.count : each;
  const int64_t coded = s.by_class ? each : s.anchors, room = s.room > 0 ? s.room : count;
  std::vector<T> scores;
  for (int64_t i = 0; i < n * each; ++i) scores.push_back(T(random.next_below(101)) / 100);
  const std::vector<T> deltas = offsets<T>(n * coded),
                       anchors = scene_boxes<T>(s.own_anchors ? n * s.anchors : s.anchors, "anchors");
  const std::vector<int64_t> chosen = chosen_of(s);
  Tensor boxes = Tensor::empty({n, room, 4}, DTypeOf<T>::value),
         kept = Tensor::empty({n, room}, DTypeOf<T>::value), classes = Tensor::empty({n, room}, DType::i64),
         counts = Tensor::empty({n}, DType::i64);
  {
    const ReferenceScope reference;
    primitives::decode_filtered(
        Tensor::from(scores, {n, s.anchors, s.classes}), Tensor::from(deltas, {n, coded, 4}),
        s.own_anchors ? Tensor::from(anchors, {n, s.anchors, 4}) : Tensor::from(anchors, {s.anchors, 4}),
        s.count > 0 ? Tensor::from(chosen, {n, count}) : Tensor(),
        {{10, 10, 5, 5}, 200, 150, s.threshold, s.smallest, s.parts}, boxes, kept, classes, counts);
  }
  const Candidates from{n,
                        s.anchors,
                        s.classes,
                        c.upload(scores),
                        c.upload(deltas),
                        c.upload(anchors),
                        s.by_class,
                        s.own_anchors,
                        count,
                        s.count > 0 ? c.upload(chosen) : nullptr};
  CandidateLimits limits{10, 10, 5, 5, 200, 150, s.threshold, s.smallest};
  limits.parts = int(s.parts.size());
  int64_t end = 0;
  for (size_t i = 0; i < s.parts.size(); ++i) limits.part_end[i] = end += s.parts[i];
  T *out_boxes = written<T>(c, 4 * n * room), *out_scores = written<T>(c, n * room);
  auto *out_classes = written<int64_t>(c, n * room), *out_counts = c.fresh<int64_t>(n);
  c.measure([&] {
    decode_filtered(kNumber<T>, from, limits, {out_boxes, out_scores, out_classes, out_counts, room},
                    c.stream());
  });
  return different_bits(c.download(out_boxes, 4 * n * room), boxes.to_vector<T>()) +
         different_bits(c.download(out_scores, n * room), kept.to_vector<T>()) +
         different(c.download(out_classes, n * room), classes.to_vector<int64_t>()) +
         different(c.download(out_counts, n), counts.to_vector<int64_t>());
}

/// Images with these numbers of boxes and regions, in rows filled up to the same number; some anchors equal a box, and
/// half of one lies on a region. `counts`: anchors of each image, which then are its own. Where p gives the image, anchors
/// reach over all of its edges and touch them.
template <class T>
double run_match(CaseContext& c, int64_t anchors, const std::vector<int64_t>& boxes,
                 const std::vector<int64_t>& regions, const MatchParams& p,
                 const std::vector<int64_t>& counts = {}) {
  const auto n = int64_t(boxes.size());
  const bool own = !counts.empty();
  std::vector<T> mine = scene_boxes<T>(own ? n * anchors : anchors, "anchors");
  if (p.width > 0)
    for (T& corner : mine) corner -= T(20);
  int64_t rows = 0;
  for (int64_t i = 0; i < n; ++i) rows = std::max(rows, boxes[size_t(i)] + regions[size_t(i)]);
  std::vector<T> truth = scene_truth<T>(boxes, regions, rows);
  if (rows > 2) {
    std::copy_n(mine.begin() + 8, 4, truth.begin() + 5);  // an overlap of exactly 1
    if (regions[0] > 0) {                                 // the left half of the fifth anchor
      T* region = truth.data() + 5 * boxes[0];
      std::copy_n(mine.begin() + 16, 4, region);
      region[2] = (region[0] + region[2]) / 2;
    }
  }
  Tensor expected = Tensor::empty({n, anchors}, DType::i64);
  {
    const ReferenceScope reference;
    primitives::match_anchors(own ? Tensor::from(mine, {n, anchors, 4}) : Tensor::from(mine, {anchors, 4}),
                              own ? Tensor::from(counts, {n}) : Tensor(), Tensor::from(truth, {n, rows, 5}),
                              p, expected);
  }
  const Matching m{c.upload(mine),
                   own,
                   own ? c.upload(counts) : nullptr,
                   rows > 0 ? c.upload(truth) : nullptr,
                   n,
                   anchors,
                   rows,
                   p.width,
                   p.height};
  auto* matched = c.fresh<int64_t>(n * anchors);
  void* scratch = c.fresh<char>(int64_t(match_scratch(kNumber<T>, m)));
  c.measure([&] {
    match_anchors(kNumber<T>, m, {p.high, p.low, p.low_quality}, matched, scratch, c.stream());
  });
  return different(c.download(matched, n * anchors), expected.to_vector<int64_t>());
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

void add_filter_cases(std::vector<Case>& cases) {
  const auto filter_case = [&](const char* shape, bool f64, const FilterScene& s) {
    cases.push_back(make_case("decode_filtered", "detection_decode.cu", shape, [=](CaseContext& c) {
      return f64 ? run_filter<double>(c, s) : run_filter<float>(c, s);
    }));
  };
  // All of 2 x 320 pass: scores (40 sectors), offsets, anchors and boxes (160 each), scores and classes out (40, 80) and
  // a count.
  filter_case("f32 2x320 all", false, {2, 320, 1, 0, -1, 0});
  cases.back().sectors = 2 * (40 + 3 * 160 + 40 + 80 + 1);
  cases.back().floor_read = 2 * 320 * 20 + 320 * 16;
  cases.back().floor_written = 2 * (320 * 28 + 8);
  cases.back().flops = 2 * 320 * 60;
  // None passes: positions (80 sectors each) and as many places of zeros.
  filter_case("f32 2x320 none", false, {2, 400, 1, 320, 2, 0});
  cases.back().sectors = 2 * (80 + 320 + 160 + 40 + 80 + 1);
  cases.back().reason = "scores of chosen candidates: a sector each, at most";
  filter_case("f32 2x1500 of 400x3", false, {2, 400, 3, 1500, 0.3, 8});
  filter_case("f64 3x100 of 70x2", true, {3, 70, 2, 100, 0.5, 5});
  filter_case("f32 2x60x3 by class", false, {2, 60, 3, 0, 0.3, 4, true, true});
  filter_case("f32 2x700 in parts, room for 90", false,
              {2, 700, 1, 0, 0.8, 0, false, true, {400, 200, 60, 40}, 90});
  filter_case("f64 65x1 in parts", true, {1, 65, 1, 100, 0.2, 0, false, false, {1, 63, 1}});
}

}  // namespace

void add_detection_boxes_cases(std::vector<Case>& cases) {
  add_filter_cases(cases);
  const auto match_case = [&](const char* shape, std::function<double(CaseContext&)> run) {
    cases.push_back(make_case("match_anchors", "detection_match.cu", shape, std::move(run)));
  };
  // 7 maxima cleared; 1,000 anchors (500 sectors), 7 rows of 20 B by each of 4 blocks (140 B: 5 sectors, in 2 requests,
  // the second of which ends in the sector in which it begins), favourites (125) and decisions (250) out, 4 atomic
  // requests.
  match_case("f32 1000x7", [](CaseContext& c) {
    return run_match<float>(c, 1000, {7}, {0}, {0.5, 0.4, false});
  });
  cases.back().sectors = 1 + 500 + 4 * 5 + 125 + 250 + 4;
  cases.back().floor_read = 16000 + 140;
  match_case("f32 1000x7 low", [](CaseContext& c) {
    return run_match<float>(c, 1000, {7}, {0}, {0.5, 0.4, true});
  });
  match_case("f32 300x70 low", [](CaseContext& c) {
    return run_match<float>(c, 300, {70}, {0}, {0.5, 0.4, true});
  });
  match_case("f64 200x5 low", [](CaseContext& c) {
    return run_match<double>(c, 200, {5}, {0}, {0.7, 0.3, true});
  });
  match_case("f32 300 ragged", [](CaseContext& c) {
    return run_match<float>(c, 300, {3, 0, 65, 1}, {0, 0, 0, 0}, {0.5, 0.4, true});
  });
  match_case("f32 300 regions", [](CaseContext& c) {
    return run_match<float>(c, 300, {3, 0, 9}, {2, 1, 70}, {0.5, 0.4, true});
  });
  match_case("f64 150 regions", [](CaseContext& c) {
    return run_match<double>(c, 150, {4, 2}, {3, 0}, {0.5, 0.3, false});
  });
  match_case("f32 2x270 of its own", [](CaseContext& c) {
    return run_match<float>(c, 270, {5, 3, 0}, {0, 2, 0}, {0.5, 0.5, true}, {270, 201, 0});
  });
  match_case("f32 1000x40 inside", [](CaseContext& c) {
    return run_match<float>(c, 1000, {40, 0}, {0, 0}, {0.5, 0.4, true, 150, 120});
  });
  match_case("f64 3x200 inside, regions", [](CaseContext& c) {
    return run_match<double>(c, 200, {6, 2, 0}, {3, 0, 2}, {0.5, 0.3, true, 140, 110}, {200, 131, 90});
  });
  // One anchor equals a box: an overlap of exactly 1, which is enough.
  match_case("f32 300x5 of 1", [](CaseContext& c) {
    return run_match<float>(c, 300, {5}, {0}, {1, 0.4, false});
  });
  match_case("f32 33x0", [](CaseContext& c) { return run_match<float>(c, 33, {0}, {0}, {0.5, 0.4, true}); });
}

}  // namespace CAWE_DEVICE
