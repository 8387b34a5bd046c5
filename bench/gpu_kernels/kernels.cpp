// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu_kernels/kernels.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tensor/random.h"

namespace cawe::bench {

namespace {

/// Microseconds of 20 launches after 3 that warm up, sorted.
std::vector<double> times_of(Machine& machine, const std::function<void()>& launch) {
  constexpr int kWarmUps = 3;
  std::vector<double> us = machine.microseconds(kWarmUps + 20, launch);
  us.erase(us.begin(), us.begin() + kWarmUps);
  std::sort(us.begin(), us.end());
  return us;
}

double rate_of(const std::vector<double>& us, double bytes) { return bytes / us[us.size() / 2] * 1e6; }

}  // namespace

Kernels::Kernels(Machine& machine) : on(primitive_backend(machine.device())), machine_(machine) {
  std::vector<float> values(1 << 22);
  const Random random(0, "bench kernels");
  const auto block = [&] { return Tensor::from(values, {int64_t(values.size())}).to(this->device()); };
  for (size_t i = 0; i < values.size(); ++i) values[i] = random.uniform(i);
  uniform_ = block();
  for (float& v : values) v = 2 * v - 1;
  centred_ = block();
  // Here, and not from the first case: a run may begin behind it.
  const Tensor x = numbers({1 << 26});
  Tensor y = room({1 << 26});
  copy_rate_ = rate_of(times_of(machine_, [&] { on.copy(x, y); }), 2 * bytes_of(x));
}

void Kernels::measure(const std::string& name, double bytes, const std::function<void()>& launch) {
  const std::vector<double> us = times_of(machine_, launch);
  const double rate = rate_of(us, bytes);
  Json line{{"case", name},
            {"median_us", json_fixed(us[us.size() / 2], 1)},
            {"min_us", json_fixed(us.front(), 1)},
            {"bytes", json_fixed(bytes, 0)},
            {"gb_s", json_fixed(rate / 1e9, 0)},
            {"of_copy", json_fixed(rate / copy_rate_, 3)}};
  machine_.tell(&line);
  say(line);
}

Tensor Kernels::drawn(const Tensor& block, const Shape& shape, DType dtype, Layout layout) {
  constexpr int64_t kStep = 2592480;  // a golden share of the block, of no common divisor with it but 32
  const int64_t begin = begin_;
  begin_ = (begin_ + kStep) % block.numel();
  const Tensor t = room(shape, dtype, layout);
  // In the order in which it lies.
  const Tensor flat = (layout == Layout::channels_last ? t.permute({0, 2, 3, 1}) : t).reshape({-1});
  for (int64_t at = 0; at < flat.numel();) {
    const int64_t from = (begin + at) % block.numel();
    const int64_t count = std::min(block.numel() - from, flat.numel() - at);
    flat.slice(0, at, at + count).copy_from(block.slice(0, from, from + count));
    at += count;
  }
  return t;
}

Tensor Kernels::boxes(int64_t n) const {
  const Random random(3, "bench boxes");
  std::vector<float> v;
  for (int64_t i = 0; i < n; ++i) {
    const float x = 400 * random.uniform(uint64_t(4 * i)), y = 400 * random.uniform(uint64_t(4 * i + 1));
    v.insert(v.end(), {x, y, x + 16 + 100 * random.uniform(uint64_t(4 * i + 2)),
                       y + 16 + 100 * random.uniform(uint64_t(4 * i + 3))});
  }
  return Tensor::from(v, {n, 4}).to(device());
}

double bytes_of(const Tensor& t) { return double(t.numel()) * double(size_of(t.dtype())); }

}  // namespace cawe::bench
