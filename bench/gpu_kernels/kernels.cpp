// SPDX-License-Identifier: Apache-2.0
// Primitives on a GPU: median time, and the bytes that must move (each once) as a fraction of the same GPU's copy
// rate; one JSON object per line. What memory binds moves at least 256 MB, several times what a cache holds, and the
// cache is overwritten before every launch. Weights, and what detection decides, have the sizes that training has, which
// is less. Images lie as networks of their type do: f32 in NCHW unless CAWE_TF32=1, 16 bits in channels-last.
//   bench_gpu_kernels [--from N]     without the first N parts
//   bench_gpu_kernels --list         the parts' names; needs no GPU
// A line {"begin": N} says that part N begins.
// Exit codes: 0 done, 77 no GPU, 9: the part that began last lost the device (go on with --from N + 1).
#include "bench/gpu_kernels/kernels.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
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
  for (size_t i = 0; i < values.size(); ++i) values[i] = random.uniform(i);
  random_ = Tensor::from(values, {int64_t(values.size())}).to(device());
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

Tensor Kernels::numbers(const Shape& shape, DType dtype, Layout layout) const {
  const Tensor t = room(shape, dtype, layout);
  // In the order in which it lies.
  const Tensor flat = (layout == Layout::channels_last ? t.permute({0, 2, 3, 1}) : t).reshape({-1});
  for (int64_t at = 0; at < flat.numel(); at += random_.numel()) {
    const int64_t end = std::min(at + random_.numel(), flat.numel());
    flat.slice(0, at, end).copy_from(random_.slice(0, 0, end - at));
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

namespace {

struct Part {
  std::string name;
  std::function<void(Kernels&)> run;
};

std::vector<Part> all_parts() {
  std::vector<Part> parts;
  const auto of = [&](const char* family, void (*run)(Kernels&)) { parts.push_back({family, run}); };
  const auto of_types = [&](const char* family, void (*run)(Kernels&, DType)) {
    for (const DType dtype : {DType::f32, DType::bf16})
      parts.push_back({words(family, name(dtype)), [=](Kernels& k) { run(k, dtype); }});
  };
  of_types("elementwise", elementwise);
  of_types("batch_norm", batch_norm);
  of_types("pooling", pooling);
  of_types("resize", resize);
  of_types("shuffle", shuffle);
  of_types("softmax", softmax);
  of_types("cawe", cawe_maps);
  of_types("films", films);
  of_types("reductions", reductions);
  of_types("content_loss", content_loss);
  of("losses", losses);
  of("optimizers", optimizers);
  of("weight_norms", weight_norms);
  of("lists", lists);
  of("gather_rows", gather_rows);
  of("detection: candidates", candidates);
  of("detection: targets", targets);
  of_types("roi_align", roi_align);
  const auto of_attention = [&](DType dtype, int64_t depth, int64_t channels) {
    parts.push_back(
        {words("attention", name(dtype), depth), [=](Kernels& k) { attention(k, dtype, depth, channels); }});
  };
  of_attention(DType::f32, 32, 256);
  of_attention(DType::bf16, 32, 256);
  of_attention(DType::bf16, 96, 768);  // the colorizer's
  of_types("products", products);
  return parts;
}

int run(size_t from) {
  std::string why;
  const std::unique_ptr<Machine> m = machine(&why);
  if (!m) {
    std::fprintf(stderr, "no GPU: %s\n", why.c_str());
    return 77;
  }
  Kernels k(*m);
  const std::vector<Part> parts = all_parts();
  for (size_t i = from; i < parts.size(); ++i) {
    say_begins(i);
    try {
      parts[i].run(k);
    } catch (const std::exception& e) {
      say({{"case", parts[i].name}, {"failed", e.what()}});
    }
    if (m->lost()) std::_Exit(kLost);
    m->trim();
  }
  return 0;
}

}  // namespace
}  // namespace cawe::bench

int main(int argc, char** argv) {
  const std::string option = argc > 1 ? argv[1] : "";
  if (option == "--list") {
    for (const auto& part : cawe::bench::all_parts()) std::printf("%s\n", part.name.c_str());
    return 0;
  }
  return cawe::bench::run(option == "--from" && argc == 3 ? std::stoul(argv[2]) : 0);
}
