// SPDX-License-Identifier: Apache-2.0
// The ladder of docs/lessons/attention.md: 64 queries, 96 keys, 8 numbers a key, 32 a value, four ways.
#include <cmath>

#include "cuda/kernels/attention.h"
#include "cuda/lab/cases/families.h"
#include "cuda/lab/ladders/attention.h"
#include "tensor/backend.h"
#include "tensor/primitives/attention.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kQueries = 64, kKeys = 96, kDepth = 8, kChannels = 32;

struct Pointers {
  const float *q, *k, *v;
  float *scratch, *y;
};
using Launch = std::function<void(const Pointers& p, DeviceStream stream)>;

double run(CaseContext& c, const Launch& launch) {
  const Tensor q = random_tensor({1, kQueries, kDepth}, "attention q"),
               k = random_tensor({1, kKeys, kDepth}, "attention k"),
               v = random_tensor({1, kKeys, kChannels}, "attention v");
  const auto up = [&](const Tensor& t) { return static_cast<const float*>(c.upload(t)); };
  const Pointers p{up(q), up(k), up(v), c.fresh<float>(2 * kQueries * kKeys),
                   c.fresh<float>(kQueries * kChannels)};
  c.measure([&] { launch(p, c.stream()); });
  Tensor y = Tensor::empty({1, kQueries, kChannels}, DType::f64),
         seen = Tensor::empty({1, kQueries, 2}, DType::f64);
  const ReferenceScope reference;
  primitives::attention(q.to(DType::f64), k.to(DType::f64), v.to(DType::f64), 1, y, seen);
  return relative_error(c.download(p.y, y.shape(), DType::f32), y);
}

Case step(int number, const char* file, const char* change, const Launch& launch) {
  Case r;
  r.name = "attention_ladder";
  r.shape = "f32 64 queries, 96 keys, step " + std::to_string(number);
  r.file = file;
  r.run = [launch](CaseContext& c) { return run(c, launch); };
  r.tolerance = 1e-6;
  r.ladder = "attention";
  r.step = number;
  r.change = change;
  r.floor_read = 4. * (kQueries * kDepth + kKeys * kDepth + kKeys * kChannels);
  r.floor_written = 4. * kQueries * kChannels;
  r.flops = 2. * kQueries * kKeys * (kDepth + kChannels);
  return r;
}

/// In bf16: half the bytes, and an error of a rounding of y and one of each weight.
double run_in_bf16(CaseContext& c) {
  const Tensor q = random_tensor({1, kQueries, kDepth}, "attention q", DType::bf16),
               k = random_tensor({1, kKeys, kDepth}, "attention k", DType::bf16),
               v = random_tensor({1, kKeys, kChannels}, "attention v", DType::bf16);
  const void *on_q = c.upload(q), *on_k = c.upload(k), *on_v = c.upload(v);
  void* on_y = c.fresh<uint16_t>(kQueries * kChannels);
  void* on_seen = c.fresh<float>(kQueries * 2);
  c.measure([&] {
    attention(Number::bf16, {1, kQueries, kKeys, kDepth, kChannels, 1}, on_q, on_k, on_v, on_y, on_seen,
              c.stream());
  });
  const auto mixed = [&](const Tensor& values) {
    Tensor y = Tensor::empty({1, kQueries, kChannels}, DType::f64),
           seen = Tensor::empty({1, kQueries, 2}, DType::f64);
    const ReferenceScope reference;
    primitives::attention(q.to(DType::f64), k.to(DType::f64), values, 1, y, seen);
    return y.to_vector<double>();
  };
  Tensor values = v.to(DType::f64);
  const std::vector<double> y = mixed(values);
  for (int64_t i = 0; i < values.numel(); ++i) values.data<double>()[i] = std::fabs(values.data<double>()[i]);
  const std::vector<double>
      magnitudes = mixed(values),
      got = c.download(on_y, {1, kQueries, kChannels}, DType::bf16).to(DType::f64).to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < y.size(); ++i)
    worst = std::max(worst, noted(std::fabs(got[i] - y[i]) / (0x1p-8 * (std::fabs(y[i]) + magnitudes[i])), i,
                                  got[i], y[i], "y"));
  return std::isfinite(worst) ? worst : INFINITY;
}

/// 128 rows of a block, of which 64 are queries, and three tiles of 32 keys. Rows are 16 bytes of q and k, 64 of v and y.
Case tensor_core_step() {
  Case r = step(4, "cuda/kernels/attention_mma.cu", "tensor cores, in bf16", nullptr);
  r.shape = "bf16 64 queries, 96 keys, step 4";
  r.run = run_in_bf16;
  r.tolerance = 1.001;  // of the bound; f32's roundings, thousands of times smaller, are not in it
  r.floor_read /= 2, r.floor_written /= 2;
  r.floor_written += 4. * kQueries * 2;
  r.flops = 0;
  // q, 8 rows a request; k, every second row a request: half of each sector; v; y; what is seen.
  r.sectors = kQueries / 2 + kKeys + 2 * kKeys + 2 * kQueries + kQueries * 8 / 32;
  // A tile: 2 warps store 2 pieces of k, 8 warps 4 of v of which 4 lanes have some: a wavefront each. 8 warps load 4
  // pieces for scores and 4 for y.
  r.wavefronts = 3 * (2 * 2 * 4 + 8 * 4 + 8 * (4 + 4) * 4);
  r.mma = 3 * 8 * (8 + 8);
  return r;
}

}  // namespace

void add_attention_ladder_cases(std::vector<Case>& cases) {
  const char* ladder = "cuda/lab/ladders/attention.cu";
  // Scores, a query: 3 warps read 8 numbers of q (a sector each), 8 of k (a row a lane: 32 sectors each), and
  // store 96 scores. Softmax reads and writes 96. A warp of the product reads a weight and 32 values 96 times
  // and stores 32 numbers.
  cases.push_back(
      step(1, ladder, "scores in memory, softmax, product", [](const Pointers& p, DeviceStream s) {
        attention_by_scores(p.q, p.k, p.v, p.scratch, p.y, kQueries, kKeys, kDepth, kChannels, s);
      }));
  cases.back().sectors = kQueries * (3 * 8 * (1 + 32) + 12 + 2 * 12 + 96 * (1 + 4) + 4);
  // Scores and weights, 24,576 bytes each: 5,120 + 2 * 24,576 + 12,288 read, 2 * 24,576 + 8,192 written.
  cases.back().unique_allowance = 57344. / 8192 * 1.05;
  cases.back().reason = "scores and weights go through memory, three and seven times the floor";
  // The same loads by 3 tiles of 32 keys; nothing is stored but y.
  cases.push_back(
      step(2, ladder, "a warp for a query, the softmax runs along", [](const Pointers& p, DeviceStream s) {
        attention_by_warps(p.q, p.k, p.v, p.y, kQueries, kKeys, kDepth, s);
      }));
  cases.back().sectors = kQueries * (3 * 8 * (1 + 32) + 96 * 4 + 4);
  // Tiles of 64 and of 32 keys: q twice, k and v once, y, and what each query has seen, two a request. Shared
  // memory: see attention.cpp; 8 channels of a slice are used.
  cases.push_back(step(
      3, "cuda/kernels/attention.cu", "tiles of 64 queries and 64 keys in shared memory",
      [](const Pointers& p, DeviceStream s) {
        attention(Number::f32, {1, kQueries, kKeys, kDepth, kChannels, 1}, p.q, p.k, p.v, p.y, p.scratch, s);
      }));
  cases.back().floor_written += 4. * kQueries * 2;  // for the gradient
  cases.back().sectors = 2 * 64 + 96 + 96 * 4 + kQueries * 4 + 64;
  cases.back().wavefronts =
      2 * (64 + 8 * 8 * 2 * 4 + 4 * 8 * 4) + (128 + 64 * 8 * 2 * 4) + (64 + 32 * 8 * 2 * 4);
  cases.push_back(tensor_core_step());
}

}  // namespace CAWE_DEVICE
