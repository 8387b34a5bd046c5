// SPDX-License-Identifier: Apache-2.0
// Which anchors or proposals a loss looks at (spec 4.3): random draws that a restart repeats.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/detection_model.h"

namespace cawe::models {

struct SamplingOptions {
  int64_t count = 256;    ///< of an image
  double positive = 0.5;  ///< largest share of foreground
};

/// Of `matched` (a box's index: foreground; -1: background; -2: neither) at most count * positive foreground
/// ones, the rest background, drawn without replacement from Philox by (key, purpose). Indices ascend.
struct Sample {
  std::vector<int64_t> foreground, background;
};
Sample sample(const std::vector<int64_t>& matched, const SamplingOptions& options, const DrawKey& key,
              const std::string& purpose);

}  // namespace cawe::models
