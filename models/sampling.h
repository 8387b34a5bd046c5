// SPDX-License-Identifier: Apache-2.0
// How many anchors or proposals enter a loss, and what each of them weighs (Ren et al. 2015). They are drawn at
// random, by keys that give a resumed run the same draws: primitives::sample_matches.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/primitives/params.h"
#include "tensor/tensor.h"

namespace cawe::models {

struct SamplingOptions {
  int64_t count = 256;    ///< sampled of an image
  double positive = 0.5;  ///< at most this fraction of them foreground
  SampleParams params(const std::string& purpose) const;
};

/// share / max(1, ones of each row), f32 [N]; marks [N, A] are 0 or 1.
Tensor shares_of_rows(const Tensor& marks, double share);

/// [1], f32: images / max(1, sampled ones), of all ranks; sampled [N, A] is 0 or 1. With several ranks the counts
/// come to the host.
Tensor images_per_sampled(const Tensor& sampled);

}  // namespace cawe::models
