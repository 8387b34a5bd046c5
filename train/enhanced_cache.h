// SPDX-License-Identifier: Apache-2.0
// Enhanced pictures on disk, identified by content: rows, seeds and folds of a study that use the same films
// with the same chain enhance them once.
#pragma once

#include <functional>
#include <string>

#include "data/float_image.h"
#include "data/sample.h"

namespace cawe::train {

using EnhanceCallback = std::function<void(data::FloatImage&, const data::Sample&)>;

/// `enhance` with a cache in folder `dir`. A picture's file is named by the SHA-256 of its pixels and of
/// `identity`, which must describe everything else that decides the result (method, settings, weights). Files
/// are exact; a damaged one is made again. Thread-safe. Makes and marks `dir`; throws usage where it holds other files.
EnhanceCallback cached_enhancement(EnhanceCallback enhance, const std::string& identity,
                                   const std::string& dir);

/// Removes the files of such a cache, which its marker proves to be one, and the folder if nothing else is in it. Any other
/// folder stays, also an empty one or one that `dir` only links to.
void remove_enhancement_cache(const std::string& dir);

}  // namespace cawe::train
