// SPDX-License-Identifier: Apache-2.0
// Draws, targets and regions. Whole numbers and copied boxes have to be the CPU's bits; offsets pass through the device's
// logarithm.
#include "cuda/kernels/detection_boxes.h"
#include "cuda/kernels/detection_sample.h"
#include "cuda/lab/cases/detection_scenes.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/philox.h"
#include "tensor/primitives/detection.h"

namespace CAWE_DEVICE {
namespace {

constexpr const char* kPurpose = "cases";

/// Of each image the key of its draws.
std::vector<int64_t> keys_of(int64_t images, int64_t seed) {
  std::vector<int64_t> keys;
  for (int64_t i = 0; i < images; ++i)
    for (const int64_t number : {seed, 5 + i, 7 * i}) keys.push_back(number);
  return keys;
}

double run_sample(CaseContext& c, int64_t images, int64_t anchors, const std::vector<int64_t>& matched,
                  const std::vector<int64_t>& keys, int64_t count, int64_t foreground, bool drawn,
                  bool chosen) {
  Tensor expected_drawn = Tensor::empty({images, anchors}, DType::i64),
         expected_chosen = Tensor::empty({images, count}, DType::i64);
  {
    const ReferenceScope reference;
    primitives::sample_matches(Tensor::from(matched, {images, anchors}), Tensor::from(keys, {images, 3}),
                               {count, foreground, kPurpose}, expected_drawn, expected_chosen);
  }
  const int64_t *m = c.upload(matched), *k = c.upload(keys);
  auto* out_drawn = drawn ? c.fresh<int64_t>(images * anchors) : nullptr;
  auto* out_chosen = chosen ? c.fresh<int64_t>(images * count) : nullptr;
  const SampleLimits limits{count, foreground, fnv_text(kPurpose, std::strlen(kPurpose))};
  c.measure([&] { sample_matches(m, k, images, anchors, limits, out_drawn, out_chosen, c.stream()); });
  double wrong = 0;
  if (drawn) wrong += different(c.download(out_drawn, images * anchors), expected_drawn.to_vector<int64_t>());
  if (chosen)
    wrong += different(c.download(out_chosen, images * count), expected_chosen.to_vector<int64_t>());
  return wrong;
}

/// One in `every` is foreground, one of the others left out, the rest background.
std::vector<int64_t> matches(int64_t images, int64_t anchors, int64_t every) {
  std::vector<int64_t> m;
  for (int64_t i = 0; i < images * anchors; ++i)
    m.push_back(i % every == 0 ? i % 5 : i % every == 1 ? -2 : -1);
  return m;
}

/// The first seed with which two of n background anchors have the same number, and how many numbers are below it: drawing
/// one more takes the first of the two.
void find_tie(int64_t n, int64_t* seed, int64_t* below) {
  for (*seed = 1;; ++*seed) {
    const PhiloxStream stream =
        philox_stream(fnv_text(kPurpose, std::strlen(kPurpose)), uint64_t(*seed), 5, 0, 0);
    std::vector<uint32_t> all;
    for (int64_t i = 0; i < n; ++i) all.push_back(philox_block(stream, uint64_t(i) >> 2).word[i & 3]);
    std::sort(all.begin(), all.end());
    const auto found = std::adjacent_find(all.begin(), all.end());
    *below = found - all.begin();
    if (found != all.end()) return;
  }
}

double run_tie(CaseContext& c) {
  constexpr int64_t kAnchors = 20000;
  int64_t seed = 0, below = 0;
  find_tie(kAnchors, &seed, &below);
  return run_sample(c, 1, kAnchors, std::vector<int64_t>(size_t(kAnchors), -1), keys_of(1, seed), below + 1,
                    0, true, true);
}

/// Every output, of all anchors or of chosen ones (a few of them none), which then are each image's own.
template <class T>
double run_targets(CaseContext& c, int64_t images, int64_t anchors, int64_t slots, int64_t labels,
                   bool all_outputs) {
  const bool own = slots > 0;
  const int64_t n = images, s = own ? slots : anchors, rows = 6, outputs = labels + 1;
  const std::vector<T> truth = scene_truth<T>(std::vector<int64_t>(size_t(n), 5),
                                              std::vector<int64_t>(size_t(n), 1), rows),
                       boxes = scene_boxes<T>(own ? n * anchors : anchors, "anchors");
  const std::vector<int64_t> matched = matches(n, anchors, 4);
  std::vector<int64_t> chosen;
  for (int64_t i = 0; own && i < n * s; ++i)
    chosen.push_back(i % 9 == 8 ? -1 : i / s * anchors + i * 7 % anchors);
  const DType dtype = DTypeOf<T>::value;
  Tensor foreground = Tensor::empty({n, s}, dtype), deltas = Tensor::empty({n, s, 4}, dtype),
         counted = Tensor::empty({n, s}, dtype), classes = Tensor::empty({n, s, labels}, dtype),
         places = Tensor::empty({n, s}, DType::i64);
  const BoxCoding coding{10, 10, 5, 5};
  {
    const ReferenceScope reference;
    primitives::match_targets(
        Tensor::from(matched, {n, anchors}), own ? Tensor::from(chosen, {n, s}) : Tensor(),
        own ? Tensor::from(boxes, {n, anchors, 4}) : Tensor::from(boxes, {anchors, 4}),
        Tensor::from(truth, {n, rows, 5}), coding, outputs, foreground, deltas, counted, classes, places);
  }
  const Matched from{c.upload(matched),
                     own ? c.upload(chosen) : nullptr,
                     c.upload(boxes),
                     own,
                     c.upload(truth),
                     n,
                     anchors,
                     s,
                     rows};
  T *out_foreground = c.fresh<T>(n * s), *out_deltas = c.fresh<T>(4 * n * s);
  T *out_counted = all_outputs ? c.fresh<T>(n * s) : nullptr,
    *out_classes = all_outputs ? c.fresh<T>(n * s * labels) : nullptr;
  auto* out_places = all_outputs ? c.fresh<int64_t>(n * s) : nullptr;
  c.measure([&] {
    match_targets(kNumber<T>, from, coding,
                  {out_foreground, out_deltas, out_counted, out_classes, out_places, labels, outputs},
                  c.stream());
  });
  double wrong = different(c.download(out_foreground, n * s), foreground.to_vector<T>());
  if (all_outputs)
    wrong += different(c.download(out_counted, n * s), counted.to_vector<T>()) +
             different(c.download(out_classes, n * s * labels), classes.to_vector<T>()) +
             different(c.download(out_places, n * s), places.to_vector<int64_t>());
  return wrong + relative_error(c.download(out_deltas, {n, s, 4}, dtype), deltas);
}

/// Of each image so many kept boxes and true ones; one row of truth is an ignored region.
template <class T>
double run_join(CaseContext& c, const std::vector<int64_t>& kept, const std::vector<int64_t>& real,
                int64_t wanted, int64_t rows) {
  const auto n = int64_t(kept.size());
  const int64_t each = wanted + 3, room = wanted + rows;
  const std::vector<T> boxes = scene_boxes<T>(n * each, "boxes");
  const std::vector<T> truth = scene_truth<T>(real, std::vector<int64_t>(size_t(n), rows > 0 ? 1 : 0), rows);
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < wanted; ++k)
      positions.push_back(k < kept[size_t(i)] ? i * each + (k * 5 + 2) % each : -1);
  Tensor regions = Tensor::empty({n, room, 4}, DTypeOf<T>::value), counts = Tensor::empty({n}, DType::i64);
  {
    const ReferenceScope reference;
    primitives::join_boxes(Tensor::from(boxes, {n, each, 4}), Tensor::from(positions, {n, wanted}),
                           rows > 0 ? Tensor::from(truth, {n, rows, 5}) : Tensor(), regions, counts);
  }
  const T *from = c.upload(boxes), *with = rows > 0 ? c.upload(truth) : nullptr;
  const int64_t* at = c.upload(positions);
  T* out = written<T>(c, 4 * n * room);
  auto* out_counts = c.fresh<int64_t>(n);
  c.measure([&] { join_boxes(kNumber<T>, from, at, n, wanted, with, rows, out, out_counts, c.stream()); });
  return different_bits(c.download(out, 4 * n * room), regions.to_vector<T>()) +
         different(c.download(out_counts, n), counts.to_vector<int64_t>());
}

/// Squares of whole pixels, so that some sides are a level's least one; every seventh slot is empty.
template <class T>
double run_place(CaseContext& c, int64_t images, int64_t slots) {
  std::vector<T> boxes;
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < images * slots; ++i) {
    boxes.insert(boxes.end(), {T(3), T(5), T(3 + i % 40), T(5 + i % 40)});
    chosen.push_back(i % 7 == 3 ? -1 : i);
  }
  Tensor place = Tensor::empty({images, slots, 2}, DType::i32);
  {
    const ReferenceScope reference;
    primitives::place_regions(Tensor::from(boxes, {images, slots, 4}), Tensor::from(chosen, {images, slots}),
                              {9, 17, 33}, place);
  }
  const T* from = c.upload(boxes);
  const int64_t* used = c.upload(chosen);
  auto* out = c.fresh<int32_t>(2 * images * slots);
  c.measure([&] { place_regions(kNumber<T>, from, used, images, slots, {3, {9, 17, 33}}, out, c.stream()); });
  return different(c.download(out, 2 * images * slots), place.to_vector<int32_t>());
}

Case make_case(const char* name, const char* file, const char* shape,
               std::function<double(CaseContext&)> run) {
  Case r;
  r.name = name;
  r.shape = shape;
  r.file = std::string("cuda/kernels/") + file;
  r.run = std::move(run);
  return r;
}

void add_sample_cases(std::vector<Case>& cases) {
  const auto sample_case = [&](const char* shape, std::function<double(CaseContext&)> run) {
    cases.push_back(make_case("sample_matches", "detection_sample.cu", shape, std::move(run)));
  };
  // All are wanted: the first digit tells, so 4,096 matches are read twice (1,024 sectors each time) and written once. Each
  // of 32 warps loads the three numbers of the key, a sector each.
  sample_case("4096 all", [](CaseContext& c) {
    return run_sample(c, 1, 4096, matches(1, 4096, 4), keys_of(1, 3), 5000, 4000, true, false);
  });
  cases.back().sectors = 3 * 1024 + 32 * 3;
  cases.back().floor_read = 4096 * 8 + 24;
  cases.back().floor_written = 4096 * 8;
  sample_case("2x6001 half", [](CaseContext& c) {
    return run_sample(c, 2, 6001, matches(2, 6001, 4), keys_of(2, 3), 256, 128, true, true);
  });
  sample_case("3x5000 few foreground", [](CaseContext& c) {
    return run_sample(c, 3, 5000, matches(3, 5000, 500), keys_of(3, 4), 128, 32, false, true);
  });
  sample_case("2x300 few of all", [](CaseContext& c) {
    return run_sample(c, 2, 300, matches(2, 300, 10), keys_of(2, 5), 400, 20, true, true);
  });
  sample_case("1x2500 no foreground wanted", [](CaseContext& c) {
    return run_sample(c, 1, 2500, matches(1, 2500, 3), keys_of(1, 6), 64, 0, true, true);
  });
  sample_case("2x100 foreground alone", [](CaseContext& c) {
    return run_sample(c, 2, 100, std::vector<int64_t>(200, 1), keys_of(2, 6), 24, 24, true, true);
  });
  sample_case("1x1",
              [](CaseContext& c) { return run_sample(c, 1, 1, {-1}, keys_of(1, 6), 4, 2, true, true); });
  sample_case("20000 tie", run_tie);
}

}  // namespace

void add_detection_targets_cases(std::vector<Case>& cases) {
  add_sample_cases(cases);
  const auto target_case = [&](const char* shape, double tolerance, std::function<double(CaseContext&)> run) {
    cases.push_back(make_case("match_targets", "detection_targets.cu", shape, std::move(run)));
    cases.back().tolerance = tolerance;
  };
  // 2 x 512 slots: matches (128 sectors an image), foreground (64) and offsets (256) out. One in four has a box: 8 lanes a
  // warp, each with an anchor of its own (8 sectors of 16 B) and one of 5 boxes, four numbers and a label: 5 requests, each
  // of at most 4 sectors (120 B).
  target_case("f32 2x512", 1e-6, [](CaseContext& c) { return run_targets<float>(c, 2, 512, 0, 2, false); });
  cases.back().sectors = 2 * (128 + 64 + 256 + 16 * (8 + 5 * 4));
  cases.back().floor_written = 2 * 512 * 20;
  target_case("f32 2x300x3 all", 1e-6,
              [](CaseContext& c) { return run_targets<float>(c, 2, 300, 0, 3, true); });
  target_case("f64 3x70 of 100", 1e-14,
              [](CaseContext& c) { return run_targets<double>(c, 3, 100, 70, 2, true); });
  const auto join_case = [&](const char* shape, std::function<double(CaseContext&)> run) {
    cases.push_back(make_case("join_boxes", "detection_regions.cu", shape, std::move(run)));
  };
  // 512 kept of 512: positions (128 sectors), boxes one by one (512) and regions (256); a count. Boxes are gathered: half of
  // each sector.
  join_case("f32 2x512", [](CaseContext& c) { return run_join<float>(c, {512, 512}, {0, 0}, 512, 0); });
  cases.back().sectors = 2 * (128 + 512 + 256 + 1);
  join_case("f32 4 with truth", [](CaseContext& c) {
    return run_join<float>(c, {300, 0, 299, 31}, {5, 2, 0, 7}, 300, 8);
  });
  join_case("f64 2 with much truth", [](CaseContext& c) {
    return run_join<double>(c, {40, 3}, {300, 257}, 40, 512);
  });
  const auto place_case = [&](const char* shape, std::function<double(CaseContext&)> run) {
    cases.push_back(make_case("place_regions", "detection_regions.cu", shape, std::move(run)));
  };
  // 2 x 512: boxes (256 sectors), slots (128), places (128).
  place_case("f32 2x512", [](CaseContext& c) { return run_place<float>(c, 2, 512); });
  cases.back().sectors = 2 * (256 + 128 + 128);
  cases.back().floor_read = 2 * 512 * 24;
  cases.back().floor_written = 2 * 512 * 8;
  place_case("f64 3x77", [](CaseContext& c) { return run_place<double>(c, 3, 77); });
}

}  // namespace CAWE_DEVICE
