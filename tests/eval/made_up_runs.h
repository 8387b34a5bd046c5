// SPDX-License-Identifier: Apache-2.0
// Made-up films and runs of two made-up systems by seed, with integer boxes and scores in 64ths, so that
// scripts/goldens/bootstrap.py makes the same ones; none of their figures means anything.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "eval/detections.h"
#include "tensor/random.h"

namespace cawe::eval::testing {

constexpr int kRunFilms = 60;

/// A whole number in [0, n), from one element of the stream.
inline double whole(Random* random, double n) { return std::floor(n * double(random->next_uniform())); }

/// Films 0 to 19 are pairs of one person, the others of a person each; none to two lesions.
inline std::vector<TruthImage> run_truth() {
  Random random(1, "golden.truth");
  std::vector<TruthImage> truth;
  for (int i = 0; i < kRunFilms; ++i) {
    TruthImage image{"film" + std::to_string(i), "p" + std::to_string(i < 20 ? i / 2 : i), {}, 256, 256};
    const int lesions = int(whole(&random, 3));
    for (int k = 0; k < lesions; ++k) {
      const double x = whole(&random, 200), y = whole(&random, 200);
      image.boxes.push_back({{x, y, x + 32, y + 32}, 0, false, 1024});
    }
    truth.push_back(image);
  }
  return truth;
}

/// A lesion is found with the system's skill and the seed's luck; six false boxes on each film.
inline std::vector<Detection> run_detections(const std::vector<TruthImage>& truth, uint64_t system,
                                             uint64_t seed) {
  Random random(100 * system + seed, "golden.detections");
  const double skill = 0.125 + 0.25 * double(system) + 0.625 * double(random.next_uniform());
  std::vector<Detection> detections;
  const auto add = [&](size_t i, double x, double y, double score) {
    detections.push_back({int64_t(i), {x, y, x + 32, y + 32}, score / 64, 0});
  };
  for (size_t i = 0; i < truth.size(); ++i) {
    for (const TruthBox& t : truth[i].boxes)
      for (int copy = 0; copy < 2; ++copy) {
        const bool found = double(random.next_uniform()) < skill;
        const double dx = whole(&random, 13) - 6, dy = whole(&random, 13) - 6, score = whole(&random, 64);
        if (found) add(i, t.box.x1 + dx, t.box.y1 + dy, score);
      }
    for (int k = 0; k < 6; ++k) {
      const double x = whole(&random, 220), y = whole(&random, 220);
      add(i, x, y, whole(&random, 56));
    }
  }
  return detections;
}

}  // namespace cawe::eval::testing
