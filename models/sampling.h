// SPDX-License-Identifier: Apache-2.0
// Which anchors or proposals enter a loss (Ren et al. 2015): drawn at random, by keys that give a resumed run
// the same draws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/detection_model.h"

namespace cawe::models {

struct SamplingOptions {
  int64_t count = 256;    ///< sampled of an image
  double positive = 0.5;  ///< at most this fraction of them foreground
};

/// Of `matched` (>= 0: a box's index, foreground; -1: background; -2: left out) at most count * positive
/// foreground ones, the rest background, drawn without replacement from Philox by (key, purpose). Indices
/// ascend.
struct Sample {
  std::vector<int64_t> foreground, background;
};
Sample sample(const std::vector<int64_t>& matched, const SamplingOptions& options, const DrawKey& key,
              const std::string& purpose);

}  // namespace cawe::models
