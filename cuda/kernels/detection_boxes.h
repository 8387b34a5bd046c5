// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/segments.h"
#include "cuda/kernels/types.h"
#include "tensor/primitives/params.h"

namespace CAWE_DEVICE {

/// BoxCoding, and the size of the image to which boxes are clipped.
struct DecodeParams {
  double wx, wy, ww, wh;
  double width, height;
};

/// boxes[i] = decode(deltas[i], anchors[i]), clipped to [0, width] x [0, height]; dw and dh at most ln(1000 /
/// 16). All [n, 4], 16-byte aligned; f32 and f64. The CPU's bits.
void decode_boxes(Number number, const void* deltas, const void* anchors, const DecodeParams& p, int64_t n,
                  void* boxes, DeviceStream stream);

/// Outputs of a detector's head for a batch: N images, A anchors each, K classes.
struct Candidates {
  int64_t images, anchors, classes;
  const void* scores;     ///< [N, A, K]
  const void* deltas;     ///< [N, A, 4]
  const void* boxes;      ///< [A, 4], the anchors: the same for all images
  int64_t count;          ///< candidates an image
  const int64_t* chosen;  ///< [N, count]: positions in scores, as top_k() gives them; -1: none
};
/// The candidates that pass, image by image, in their order. Entries from counts[n] on are not written.
struct Filtered {
  void* boxes;       ///< [N, count, 4]
  void* scores;      ///< [N, count]
  int64_t* classes;  ///< [N, count]
  int64_t* counts;   ///< [N]
};
/// Decodes and clips the candidates whose score is above `threshold` and keeps those that are at least
/// `smallest` wide and high. f32 and f64; no round trip to the host.
void decode_filtered(Number number, const Candidates& from, const DecodeParams& p, double threshold,
                     double smallest, const Filtered& to, DeviceStream stream);

/// MatchParams on the device, for several images with the same anchors.
struct MatchLimits {
  double high, low;
  bool low_quality;
};
/// matched[s, a]: position in boxes of the box to which anchor a of image s is matched, -1 background, -2
/// left out. anchors [count, 4]; boxes [.., 4], of which image s has a segment. f32 and f64, 16-byte aligned;
/// the same choices as on the CPU. `scratch`: match_scratch() bytes, 256-byte aligned.
size_t match_scratch(Number number, const Segments& boxes, int64_t anchors);
void match_anchors(Number number, const void* anchors, int64_t count, const void* boxes,
                   const Segments& segments, const MatchLimits& limits, int64_t* matched, void* scratch,
                   DeviceStream stream);

}  // namespace CAWE_DEVICE
