// SPDX-License-Identifier: Apache-2.0
// MedGA (Rundo et al. 2019, "MedGA: A novel evolutionary method for image enhancement in medical imaging"): a
// genetic algorithm looks for a monotone mapping of gray levels that makes an image's histogram bimodal.
// Written from the formulas alone; the article's form of the fitness is recalled, not re-checked against the
// publication, the reference program's form is documented elsewhere and selectable.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace cawe::models {

struct MedgaSettings {
  enum class Form : uint8_t { article, reference };  ///< |w - 3 s| or |0.33 w - s|
  enum class Mutation : uint8_t { uniform, side };   ///< a new gene anywhere, or on its side of the threshold
  Form form = Form::article;
  Mutation mutation = Mutation::uniform;
  int population = 100, generations = 100;  ///< the initial generation included
  int tournament = 20;
  double crossover_rate = 0.9, mutation_rate = 0.01;
};

using LevelHistogram = std::array<int64_t, 256>;

/// Iterative selection of a threshold: T0 = floor(mean), T = floor((mean of levels <= T + mean of those
/// above) / 2) until it stays or 100 rounds are over. Level 0 counts as background and must be empty.
int medga_threshold(const LevelHistogram& histogram);
/// Fitness, to be minimised: |2T - m1 - m2| + |w1 - 3 s1| + |w2 - 3 s2| (or the reference form); infinite
/// where a class is empty.
double medga_fitness(const LevelHistogram& histogram, MedgaSettings::Form form);

/// The best mapping found: lut[g] for each level; lut[0] = 0; monotone. `image` keys the random streams
/// together with `seed`, so that neither threads nor the order of images change it; the individuals of a
/// generation are made in parallel. Fewer than two occupied levels: identity. Throws usage for settings
/// outside their ranges.
std::array<uint8_t, 256> medga_mapping(const LevelHistogram& histogram, uint64_t seed, uint64_t image,
                                       const MedgaSettings& settings = {});

/// gray [N, 1, H, W] in [0, 1] (f32), through 8 bits, to [N, 1, H, W]; the stream of an image is keyed by the
/// hash of its gray levels: the same film gets the same mapping wherever it stands in a batch.
Tensor medga(const Tensor& gray, uint64_t seed, const MedgaSettings& settings = {});

}  // namespace cawe::models
