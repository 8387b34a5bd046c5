// SPDX-License-Identifier: Apache-2.0
// Films and detections made from Philox, the same as those of scripts/goldens/detection_metrics.py: whole pixels and
// scores in 32nds, so that both languages have the same numbers and ties abound.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/detections.h"
#include "tensor/random.h"

namespace cawe::eval::testing {

struct PhiloxFilms {
  std::vector<TruthImage> truth;
  std::vector<Detection> detections;
  std::vector<int32_t> times;  ///< how often each film is drawn; the first once where all would be 0
};

/// `films` films of 256 x 192 with `fewest` to `most` lesions; two films a person.
inline PhiloxFilms philox_films(uint64_t seed, int64_t films, int fewest, int most) {
  PhiloxFilms out;
  const Random weights(seed, "test.philox_weights");
  int64_t drawn = 0;
  for (int64_t i = 0; i < films; ++i) {
    const Random random(seed, "test.philox_films", uint64_t(i));
    uint64_t next = 0;
    const auto whole = [&](int low, int high) {
      return double(low + int(double(random.uniform(next++)) * (high - low + 1)));
    };
    TruthImage image{"film" + std::to_string(i), "p" + std::to_string(i / 2), {}, 256, 192};
    const int lesions = int(whole(fewest, most));
    for (int k = 0; k < lesions; ++k) {
      const double x = whole(0, 150), y = whole(0, 90), w = whole(16, 60), h = whole(16, 60);
      image.boxes.push_back({{x, y, x + w, y + h}, 0, false, w * h});
      for (int marks = int(whole(0, 2)); marks > 0; --marks) {
        const double dx = whole(-9, 9), dy = whole(-9, 9), dw = whole(-6, 6), dh = whole(-6, 6);
        const double score = whole(6, 32) / 32;
        out.detections.push_back({i, {x + dx, y + dy, x + dx + w + dw, y + dy + h + dh}, score, 0});
      }
    }
    for (int marks = int(whole(0, 5)); marks > 0; --marks) {
      const double x = whole(0, 200), y = whole(0, 140), w = whole(12, 50), h = whole(12, 50);
      out.detections.push_back({i, {x, y, x + w, y + h}, whole(0, 24) / 32, 0});
    }
    out.truth.push_back(image);
    out.times.push_back(int32_t(3 * double(weights.uniform(uint64_t(i)))));
    drawn += out.times.back();
  }
  if (drawn == 0) out.times[0] = 1;
  return out;
}

}  // namespace cawe::eval::testing
