// SPDX-License-Identifier: Apache-2.0
// Launch functions of detection's kernels for boxes. Arrays are 16-byte aligned unless said otherwise; numbers are f32 or
// f64; nothing is copied to the host. "Anchors" are [A, 4], or [N, A, 4] where each image has its own. A batch's truth is
// [N, G, 5], a box and its label a row; label -1: no box, -2: an ignored region.
#pragma once

#include "cuda/kernels/segments.h"
#include "cuda/kernels/types.h"
#include "tensor/primitives/params.h"

namespace CAWE_DEVICE {

/// CandidateParams on the device; parts end at part_end[], none: the class is the place in the row of scores.
struct CandidateLimits {
  double wx, wy, ww, wh;
  double width, height, threshold, smallest;
  int parts = 0;
  int64_t part_end[kMostParts] = {};
};

/// Outputs of a detector's head for a batch: N images, A anchors each, K classes.
struct Candidates {
  int64_t images, anchors, classes;
  const void* scores;  ///< [N, A, K]
  const void* deltas;  ///< [N, A, 4], or [N, A, K, 4] where `by_class`
  const void* boxes;   ///< the anchors
  bool by_class;       ///< each class has its own offsets
  bool own_boxes;      ///< each image has its own anchors
  int64_t count;       ///< candidates an image
  /// [N, count]: positions in scores, as top_k() gives them; -1: none. nullptr: all A K, class by class
  const int64_t* chosen;
};
/// The candidates that pass, image by image, in their order; 0 from counts[n] on.
struct Filtered {
  void* boxes;       ///< [N, room, 4]
  void* scores;      ///< [N, room]
  int64_t* classes;  ///< [N, room]
  int64_t* counts;   ///< [N]
  int64_t room;      ///< no image has more that pass, or they are left out
};
/// Decodes and clips the candidates whose score is above the threshold and keeps those that are large enough.
void decode_filtered(Number number, const Candidates& from, const CandidateLimits& p, const Filtered& to,
                     DeviceStream stream);

/// What match_anchors() matches: anchors of a batch and its truth.
struct Matching {
  const void* anchors;
  bool own_anchors;       ///< each image has its own anchors
  const int64_t* counts;  ///< [N]: only so many of them; nullptr: all
  const void* truth;      ///< [N, G, 5]
  int64_t images, anchors_each, rows;
  double width = 0, height = 0;  ///< of the image that anchors must lie in; 0: anywhere
};
/// MatchParams on the device.
struct MatchLimits {
  double high, low;
  bool low_quality;
};
/// matched[n, a]: the row in the image's truth of the anchor's box, -1 background, -2 left out. The CPU's choices.
/// `scratch`: match_scratch() bytes, 256-byte aligned.
size_t match_scratch(Number number, const Matching& m);
void match_anchors(Number number, const Matching& m, const MatchLimits& limits, int64_t* matched,
                   void* scratch, DeviceStream stream);

/// Which anchors of a batch match_targets() looks at, and their matches.
struct Matched {
  const int64_t* matched;  ///< [N, A]
  const int64_t* chosen;   ///< [N, slots]: positions in matched, -1: none; nullptr: all, slots = A
  const void* anchors;
  bool own_anchors;
  const void* truth;
  int64_t images, anchors_each, slots, rows;
};
/// [N, slots] and more; all but the first two may be nullptr.
struct Targets {
  void *foreground, *deltas;  ///< deltas [N, slots, 4]
  void *counted, *classes;    ///< classes [N, slots, labels]
  int64_t* rows;
  int64_t labels, outputs;
};
/// ln is the device's: deltas may differ from the CPU's in their last places.
void match_targets(Number number, const Matched& m, const BoxCoding& p, const Targets& to,
                   DeviceStream stream);

/// regions [N, wanted + rows, 4]: boxes at the positions kept [N, wanted], then the true boxes, without gaps, then 0;
/// counts [N]. truth may be nullptr, with rows 0.
void join_boxes(Number number, const void* boxes, const int64_t* kept, int64_t images, int64_t wanted,
                const void* truth, int64_t rows, void* regions, int64_t* counts, DeviceStream stream);

/// Ascending.
struct LevelSides {
  int count;
  double least[kMostParts];
};
/// place [N, slots, 2]: the image, and how many of the sides sqrt(area) reaches; -1 where chosen [N, slots] is negative.
void place_regions(Number number, const void* boxes, const int64_t* chosen, int64_t images, int64_t slots,
                   const LevelSides& sides, int32_t* place, DeviceStream stream);

}  // namespace CAWE_DEVICE
