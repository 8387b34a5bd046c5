// SPDX-License-Identifier: Apache-2.0
// The ladder of docs/lessons/attention.md: 64 queries, 96 keys, 8 numbers a key, 32 a value, three ways.
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
}

}  // namespace CAWE_DEVICE
