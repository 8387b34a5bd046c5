// SPDX-License-Identifier: Apache-2.0
// Made-up test images and a made-up system's detections on them; none of its figures means anything.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "eval/detections.h"
#include "tensor/random.h"

namespace cawe::eval::testing {

constexpr int kSide = 192;  ///< of the images, in pixels

/// Test images with lesions at random and a system that finds them with the given skill.
inline std::vector<TruthImage> made_up_truth() {
  Random random(11, "test.report.truth");
  std::vector<TruthImage> truth;
  for (int i = 0; i < 140; ++i) {
    TruthImage image{"image" + std::to_string(i), "p" + std::to_string(i / 2), {}, kSide, kSide};
    for (uint64_t k = i % 5 < 2 ? 0 : 1 + random.next_below(2); k > 0; --k) {
      const double x = random.next_uniform(25, 130), y = random.next_uniform(30, 130);
      image.boxes.push_back({{x, y, x + 30, y + 30}, 0, false, 900});
    }
    truth.push_back(image);
  }
  return truth;
}

inline std::vector<Detection> made_up_detections(const std::vector<TruthImage>& truth, double skill,
                                                 uint64_t seed) {
  Random random(seed, "test.report.detections");
  std::vector<Detection> detections;
  const auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
  for (size_t i = 0; i < truth.size(); ++i) {
    for (const TruthBox& t : truth[i].boxes) {
      const double dx = 5 * random.next_normal(), dy = 5 * random.next_normal();
      detections.push_back({int64_t(i),
                            {t.box.x1 + dx, t.box.y1 + dy, t.box.x2 + dx, t.box.y2 + dy},
                            logistic(skill + 1.5 * random.next_normal()),
                            0});
    }
    for (int k = 0; k < 9; ++k) {
      const double x = random.next_uniform(5, 150), y = random.next_uniform(5, 150);
      detections.push_back(
          {int64_t(i), {x, y, x + 30, y + 30}, logistic(-1.5 + 1.4 * random.next_normal()), 0});
    }
  }
  // Every third score is one of the slider's thresholds: "score >= threshold" must keep it.
  for (size_t k = 0; k < detections.size(); k += 3)
    detections[k].score = std::round(100 * detections[k].score) / 100;
  return detections;
}

}  // namespace cawe::eval::testing
