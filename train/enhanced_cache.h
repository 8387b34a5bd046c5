// SPDX-License-Identifier: Apache-2.0
// Enhanced pictures on disk, known by their content: rows, seeds and folds of a study that see the same films
// through the same chain enhance them once.
#pragma once

#include <functional>
#include <string>

#include "data/float_image.h"
#include "data/sample.h"

namespace cawe::train {

using EnhanceCallback = std::function<void(data::FloatImage&, const data::Sample&)>;

/// `enhance` behind a cache in folder `dir`. A picture's file is named by the SHA-256 of its pixels and of
/// `identity`, which must say everything else that decides the result (method, settings, weights). Files hold
/// every bit of the picture; a damaged one is made again. Thread-safe. `dir` is made.
EnhanceCallback cached_enhancement(EnhanceCallback enhance, const std::string& identity,
                                   const std::string& dir);

}  // namespace cawe::train
