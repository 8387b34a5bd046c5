// SPDX-License-Identifier: Apache-2.0
// Controls that give a film another map than its own (key `control`): what a row gains beyond them, it owes to where the
// map points.
#pragma once

#include <functional>

#include "data/loader.h"
#include "train/datasets.h"
#include "train/enhancing.h"
#include "train/recipe.h"

namespace cawe::train {

using FilmCallback = std::function<void(data::FloatImage&, const data::Sample&)>;

/// "lesions as a map": [1, 1, height, width] in [0, 1], the largest of Gaussians exp(-(u^2 + v^2) / 2), one for each box
/// (pixels of that picture), u and v being the distances from the box's centre in halves of its sides: 1 in its middle,
/// 0.37 in its corners. Zero where there is no box.
Tensor lesion_map(const std::vector<Box>& boxes, int64_t height, int64_t width);

/// The loader's callback of a recipe's control, for films of `data` alone; empty for control = "none".
/// "shuffled": every film is fused with the map of a film of another person in the same fold, chosen by `seed`.
/// "dose": with dose.quality q, by q lesion_map(its true boxes) + (1 - q) that other film's map. q = 0 is "shuffled",
/// q = 1 a perfect map: it knows the answer, so that no figure of it is a detector's.
/// Throws Code::usage where the chain's method fuses no map, Code::data where a fold has one person only and another
/// person's map has a share (q < 1).
FilmCallback control_callback(const Recipe& recipe, const Chain& chain, const SplitData& data,
                              const data::LoaderOptions& loader, uint64_t seed);

}  // namespace cawe::train
