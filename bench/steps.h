// SPDX-License-Identifier: Apache-2.0
// Shared by the programs that measure whole steps: warm-up, timed steps, a table by operator.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "tensor/arena.h"
#include "tensor/profile.h"
#include "tensor/random.h"

namespace cawe::bench {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Uniform images in [0, 1), channels-last, always the same ones.
inline Tensor random_images(int64_t n, int64_t side) {
  Tensor x = Tensor::empty({n, 3, side, side}, DType::f32, Layout::channels_last);
  const Random random(0, "bench images");
  for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = random.uniform(uint64_t(i));
  return x;
}

/// Runs `step` twice to warm up, then `count` times; prints minimum, median and maximum time, the steps'
/// allocations, peak memory, and a table by operator of one more step.
inline void measure(const std::string& name, int count, int64_t images, const std::function<void()>& step) {
  step();
  step();
  const int64_t calls = Arena::cpu().statistics().system_calls;
  Arena::cpu().reset_peak();
  std::vector<double> seconds;
  for (int i = 0; i < count; ++i) {
    const double start = now();
    step();
    seconds.push_back(now() - start);
  }
  std::sort(seconds.begin(), seconds.end());
  const ArenaStatistics arena = Arena::cpu().statistics();
  std::printf(
      "%s: %.1f / %.1f / %.1f ms a step (min / median / max of %d), %.2f ms an image, peak %.0f MB, %lld "
      "system allocations\n",
      name.c_str(), seconds.front() * 1e3, seconds[seconds.size() / 2] * 1e3, seconds.back() * 1e3, count,
      seconds[seconds.size() / 2] * 1e3 / double(images), double(arena.peak_bytes) / 1048576.0,
      static_cast<long long>(arena.system_calls - calls));
  set_profiling(true);
  take_profile();
  step();
  std::printf("%s\n", format_profile(take_profile()).c_str());
  set_profiling(false);
}

}  // namespace cawe::bench
