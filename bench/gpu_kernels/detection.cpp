// SPDX-License-Identifier: Apache-2.0
// What detectors decide for a batch of 32 images of 512 px: the families detection and roi_align.
#include <algorithm>

#include "bench/gpu_kernels/kernels.h"

namespace cawe::bench {
namespace {

constexpr int64_t kImages = 32;
constexpr double kSide = 512;
/// Anchors of a proposal network's levels P2 to P6, three a cell, and of RetinaNet's P3 to P7, nine a cell.
const std::vector<int64_t> kProposalLevels{49152, 12288, 3072, 768, 192};
const std::vector<int64_t> kRetinaNetLevels{36864, 9216, 2304, 576, 144};
constexpr int64_t kProposalAnchors = 65472, kRetinaNetAnchors = 49104;
/// Candidates of each level before NMS, and proposals of an image behind it.
constexpr int64_t kBefore = 2000, kAfter = 2000;
/// Boxes that pass to NMS: of each level at most kBefore.
constexpr int64_t kCandidates = 3 * kBefore + 768 + 192;
/// Proposals of an image that train the box head.
constexpr int64_t kSampled = 128;

template <class T>
Tensor on_device(const Kernels& k, const std::vector<T>& values, const Shape& shape) {
  return Tensor::from(values, shape).to(k.device());
}

/// Eight true boxes an image.
Tensor truth_of(const Kernels& k) {
  const Tensor truth = k.room({kImages, 8, 5});
  truth.slice(2, 0, 4).copy_from(k.boxes(kImages * 8).reshape({kImages, 8, 4}));
  truth.slice(2, 4, 5).fill(0);
  return truth;
}

/// Half of the anchors of an image are background, one in eight is foreground.
Tensor some_matched(const Kernels& k, int64_t anchors) {
  std::vector<int64_t> matches;
  for (int64_t i = 0; i < kImages * anchors; ++i)
    matches.push_back(i % 8 == 0 ? i / 8 % 8 : i % 8 < 5 ? -1 : -2);
  return on_device(k, matches, {kImages, anchors});
}

void suppress(Kernels& k) {
  for (const int64_t n : {2000, 10000}) {
    const Tensor b = k.boxes(n).unsqueeze(0), s = k.numbers({1, n}), none;
    Tensor kept = k.room({1, n}, DType::i64);
    k.measure(detail::concat("nms ", n, ", answer on the host"), bytes_of(b, s, kept), [&] {
      k.on.nms(b, s, none, none, 0.7, kept);
      kept.to_vector<int64_t>();
    });
  }
  const Tensor none;
  {
    const Tensor b = k.boxes(kImages * 2000).reshape({kImages, 2000, 4}), s = k.numbers({kImages, 2000});
    Tensor kept = k.room({kImages, 1000}, DType::i64);
    k.measure("nms 32 images of 2000", bytes_of(b, s, kept), [&] { k.on.nms(b, s, none, none, 0.7, kept); });
  }
  std::vector<int64_t> levels;
  for (int64_t i = 0; i < kImages; ++i)
    for (size_t l = 0; l < kProposalLevels.size(); ++l)
      levels.insert(levels.end(), size_t(std::min(kBefore, kProposalLevels[l])), int64_t(l));
  const Tensor b = k.boxes(kImages * kCandidates).reshape({kImages, kCandidates, 4}),
               s = k.numbers({kImages, kCandidates}), level = on_device(k, levels, {kImages, kCandidates});
  Tensor kept = k.room({kImages, kAfter}, DType::i64);
  k.measure("nms 32 images of 6960 in 5 levels", bytes_of(b, s, level, kept),
            [&] { k.on.nms(b, s, level, none, 0.7, kept); });
}

}  // namespace

void candidates(Kernels& k) {
  {
    const Tensor scores = k.numbers({1, 36864 * 3});
    Tensor best = k.room({1, 1000}, DType::i64);
    k.measure("top_k 1000 of 110592, answer on the host", bytes_of(scores, best), [&] {
      k.on.top_k(scores, {36864 * 3}, 1000, best);
      best.to_vector<int64_t>();
    });
  }
  {
    const Tensor scores = k.numbers({kImages, kRetinaNetAnchors});
    Tensor best = k.room({kImages, 5 * 1000}, DType::i64);
    k.measure("top_k 1000 of each of 5 levels, 32 images of 49104", bytes_of(scores, best),
              [&] { k.on.top_k(scores, kRetinaNetLevels, 1000, best); });
  }
  const Tensor scores = k.numbers({kImages, kProposalAnchors}),
               deltas = k.numbers({kImages, kProposalAnchors, 4}), anchors = k.boxes(kProposalAnchors),
               each = scores.unsqueeze(2);
  Tensor best = k.room({kImages, 5 * kBefore}, DType::i64);
  k.measure("top_k 2000 of each of 5 levels, 32 images of 65472", bytes_of(scores, best),
            [&] { k.on.top_k(scores, kProposalLevels, kBefore, best); });
  CandidateParams p;
  p.width = p.height = kSide;
  p.threshold = -1;
  p.smallest = 1e-3;
  p.parts = kProposalLevels;
  Tensor found = k.room({kImages, kCandidates, 4}), kept = k.room({kImages, kCandidates}),
         classes = k.room({kImages, kCandidates}, DType::i64), counts = k.room({kImages}, DType::i64);
  // Of scores, offsets and anchors only those of the candidates.
  k.measure("decode_filtered 6960 of 32 images of 65472",
            bytes_of(best, found, kept, classes) + bytes_of(found, found, kept),
            [&] { k.on.decode_filtered(each, deltas, anchors, best, p, found, kept, classes, counts); });
  suppress(k);
}

void targets(Kernels& k) {
  const Tensor truth = truth_of(k), none;
  Tensor no;
  {  // RetinaNet's
    const Tensor anchors = k.boxes(kRetinaNetAnchors);
    Tensor matched = k.room({kImages, kRetinaNetAnchors}, DType::i64);
    k.measure("match_anchors 49104, 8 boxes, 32 images", bytes_of(anchors, matched), [&] {
      k.on.match_anchors(anchors, none, truth, {0.5, 0.4, true}, matched);
    });
    Tensor foreground = k.room({kImages, kRetinaNetAnchors}),
           deltas = k.room({kImages, kRetinaNetAnchors, 4}),
           classes = k.room({kImages, kRetinaNetAnchors, 1});
    k.measure("match_targets 49104, 32 images", bytes_of(matched, anchors, foreground, deltas, classes), [&] {
      k.on.match_targets(matched, none, anchors, truth, {}, 0, foreground, deltas, no, classes, no);
    });
  }
  std::vector<int64_t> keys;
  for (int64_t i = 0; i < kImages; ++i) keys.insert(keys.end(), {1, 2, i});
  const Tensor draws = on_device(k, keys, {kImages, 3});
  {  // the proposal network's
    const Tensor matched = some_matched(k, kProposalAnchors);
    Tensor drawn = k.room({kImages, kProposalAnchors}, DType::i64);
    k.measure("sample_matches 256 of 65472, 32 images", bytes_of(matched, drawn), [&] {
      k.on.sample_matches(matched, draws, {256, 128, "bench"}, drawn, no);
    });
  }
  // The box head's: proposals and true boxes.
  constexpr int64_t kAll = kAfter + 8;
  const Tensor boxes = k.boxes(kImages * kCandidates).reshape({kImages, kCandidates, 4});
  std::vector<int64_t> positions, some;
  for (int64_t n = 0; n < kImages; ++n) {
    for (int64_t i = 0; i < kAfter; ++i) positions.push_back(n * kCandidates + (i * 3 + 1) % kCandidates);
    for (int64_t i = 0; i < kSampled; ++i) some.push_back(n * kAll + i * 15);
  }
  const Tensor kept = on_device(k, positions, {kImages, kAfter}),
               chosen = on_device(k, some, {kImages, kSampled});
  Tensor regions = k.room({kImages, kAll, 4}), counts = k.room({kImages}, DType::i64);
  k.measure("join_boxes 2000 of 6960, 8 boxes, 32 images", bytes_of(kept, regions, regions),
            [&] { k.on.join_boxes(boxes, kept, truth, regions, counts); });
  Tensor matched = k.room({kImages, kAll}, DType::i64);
  k.measure("match_anchors 2008 of their own, 8 boxes, 32 images", bytes_of(regions, matched), [&] {
    k.on.match_anchors(regions, counts, truth, {0.5, 0.5, false}, matched);
  });
  Tensor drawn = k.room({kImages, kSampled}, DType::i64);
  const Tensor among = some_matched(k, kAll);
  k.measure("sample_matches 128 of 2008, 32 images", bytes_of(among, drawn), [&] {
    k.on.sample_matches(among, draws, {kSampled, kSampled / 4, "bench"}, no, drawn);
  });
  Tensor foreground = k.room({kImages, kSampled}), deltas = k.room({kImages, kSampled, 4}),
         counted = k.room({kImages, kSampled}), rows = k.room({kImages, kSampled}, DType::i64);
  k.measure("match_targets 128 of 2008, 32 images",
            bytes_of(chosen, chosen, deltas) + bytes_of(foreground, deltas, counted, rows), [&] {
              k.on.match_targets(among, chosen, regions, truth, {10, 10, 5, 5}, 2, foreground, deltas,
                                 counted, no, rows);
            });
  const Tensor placed = regions.slice(1, 0, kAfter).contiguous();
  Tensor place = k.room({kImages, kAfter, 2}, DType::i32);
  k.measure("place_regions 2000, 32 images", bytes_of(placed, kept, place), [&] {
    k.on.place_regions(placed, kept, {112, 224, 448}, place);
  });
}

void roi_align(Kernels& k, DType dtype) {
  const Layout layout = k.layout(dtype);
  std::vector<Tensor> levels, slopes;
  RoiAlignParams p;
  for (const int64_t side : {128, 64, 32, 16}) {
    levels.push_back(k.numbers({kImages, 256, side, side}, dtype, layout));
    slopes.push_back(k.room({kImages, 256, side, side}, dtype, layout));
    p.scales.push_back(double(side) / kSide);
  }
  const int64_t regions = kImages * 512;
  std::vector<int32_t> places;
  for (int64_t i = 0; i < regions; ++i) places.insert(places.end(), {int32_t(i / 512), int32_t(i % 4)});
  const Tensor rois = k.boxes(regions), place = on_device(k, places, {regions, 2});
  Tensor y = k.numbers({regions, 256, 7, 7}, dtype, layout);
  const auto what = [&](const char* op) {
    return words(op, name(dtype), "16384 of 32 images, 256 channels");
  };
  // Regions leave gaps in every level: about what the finest alone holds.
  k.measure(what("roi_align"), bytes_of(y, levels[0]), [&] { k.on.roi_align(levels, rois, place, p, y); });
  k.measure(what("roi_align_grad"), bytes_of(y, slopes[0], slopes[1], slopes[2]) + bytes_of(slopes[3]),
            [&] { k.on.roi_align_grad(y, rois, place, p, slopes); });
}

}  // namespace cawe::bench
