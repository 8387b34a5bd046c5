// SPDX-License-Identifier: Apache-2.0
// Anchors and true boxes: how a batch is matched, and what can be said of an image before a step.
#pragma once

#include "models/detection.h"
#include "tensor/primitives/params.h"
#include "tensor/tensor.h"

namespace cawe::models {

/// Anchors [A, 4] or [N, A, 4], of each image its first counts[n] (undefined: all), matched with a batch's truth
/// [N, G, 5]: primitives::match_anchors, [N, A] i64.
Tensor matched(const Tensor& anchors, const Tensor& counts, const Tensor& truth, const MatchParams& match);

/// Whether some anchor of anchors [A, 4], on the CPU, takes part in matching: match.width and height leave out those that
/// reach over the picture's edge.
bool any_takes_part(const Tensor& anchors, const MatchParams& match);

/// Whether some anchor of anchors [A, 4], on the CPU, is matched with a box of an image without ignored regions,
/// or is background; matched ones count only where `foreground`. Mostly the first anchor tells.
bool any_learns(const Tensor& anchors, const Truth& truth, const MatchParams& match, bool foreground);

}  // namespace cawe::models
