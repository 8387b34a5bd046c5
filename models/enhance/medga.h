// SPDX-License-Identifier: Apache-2.0
// MedGA (Rundo et al. 2019, "MedGA: A novel evolutionary method for image enhancement in medical imaging"): a
// genetic algorithm looks for a monotone mapping of gray levels that makes an image's histogram bimodal.
// Written from the formulas alone. The article's form of the fitness is from memory, not checked against the
// publication; the reference program's form can be selected instead.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace cawe::models {

/// Settings of the genetic algorithm; its numbers are the reference program's.
struct MedgaSettings {
  enum class Form : uint8_t { article, reference };  ///< |w - 3 s| or |0.33 w - s|, see medga_fitness()
  enum class Mutation : uint8_t { uniform, side };   ///< a new gene anywhere, or on its side of the threshold
  Form form = Form::article;
  Mutation mutation = Mutation::uniform;
  int population = 100, generations = 100;  ///< the initial generation included
  int tournament = 20;
  double crossover_rate = 0.9, mutation_rate = 0.01;
};

using LevelHistogram = std::array<int64_t, 256>;

/// Iterative threshold selection: T0 = floor(mean), then T = floor((mean of levels <= T + mean of those
/// above) / 2) until T does not change, at most 100 rounds. Level 0 counts as background and must be empty.
int medga_threshold(const LevelHistogram& histogram);
/// Fitness, to be minimised: |2T - m1 - m2| + |w1 - 3 s1| + |w2 - 3 s2|, or |0.33 w - s| for the last two
/// terms in the reference form; T is the threshold, m, w and s the mean, half the occupied range and the
/// standard deviation of the levels <= T (1) and above (2). Infinite where a class is empty.
double medga_fitness(const LevelHistogram& histogram, MedgaSettings::Form form);

/// The best mapping found: lut[g] for each level; lut[0] = 0; monotone. The random streams are keyed by
/// `seed` and `image`, so that neither threads nor the order of images change it; the individuals of a
/// generation are made in parallel. Fewer than two occupied levels: identity. Throws usage for settings
/// outside their ranges.
std::array<uint8_t, 256> medga_mapping(const LevelHistogram& histogram, uint64_t seed, uint64_t image,
                                       const MedgaSettings& settings = {});

/// gray [N, 1, H, W] in [0, 1] (f32), through 8 bits, to [N, 1, H, W]. An image's random stream is keyed by
/// the hash of its gray levels: a film gets the same mapping wherever it is in a batch.
Tensor medga(const Tensor& gray, uint64_t seed, const MedgaSettings& settings = {});

}  // namespace cawe::models
