// SPDX-License-Identifier: Apache-2.0
// Primitives on a GPU: median time, and the bytes that must move (each once) as a fraction of the same GPU's copy
// rate; one JSON object per line. What memory binds moves at least 256 MB, several times what a cache holds, and the
// cache holds nothing of it before a launch. Weights, and what detection decides, have the sizes that training has, which
// is less. Images lie as networks of their type do: f32 in NCHW unless CAWE_TF32=1, 16 bits in channels-last.
//   bench_gpu_kernels [--from N]     without the first N parts
//   bench_gpu_kernels --list         the parts' names; needs no GPU
// A line {"begin": N} says that part N begins.
// Exit codes: 0 done, 1 not even a copy can be timed, 77 no GPU, 9: the part that began last lost the device (go on with --from N + 1).
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "bench/gpu_kernels/kernels.h"

namespace cawe::bench {
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
  const std::unique_ptr<Machine> m = need_machine();
  std::unique_ptr<Kernels> k;
  attempt(*m, "copy rate", [&] { k = std::make_unique<Kernels>(*m); });
  if (!k) return 1;
  const std::vector<Part> parts = all_parts();
  for (size_t i = from; i < parts.size(); ++i) {
    say_begins(i);
    attempt(*m, parts[i].name, [&] {
      k->begin_part();
      parts[i].run(*k);
    });
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
