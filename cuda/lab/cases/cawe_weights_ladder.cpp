// SPDX-License-Identifier: Apache-2.0
// The ladder of docs/lessons/cawe_weights.md: 128 channels of 32 x 32 cells, four ways.
#include "cuda/kernels/cawe_weights.h"
#include "cuda/lab/cases/families.h"
#include "cuda/lab/ladders/cawe_weights.h"
#include "tensor/backend.h"
#include "tensor/primitives/cawe.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kChannels = 128, kSide = 32, kCells = kSide * kSide;

using Launch = std::function<void(const float* g, float* w, DeviceStream stream)>;

double run(CaseContext& c, const Launch& launch) {
  const Tensor g = random_tensor({1, kChannels, kSide, kSide}, "cawe gradients");
  const auto* in = static_cast<const float*>(c.upload(g));
  auto* out = c.fresh<float>(kChannels);
  c.measure([&] { launch(in, out, c.stream()); });
  Tensor expected = Tensor::empty({1, kChannels}, DType::f64);
  const ReferenceScope reference;
  primitives::cawe_weights(g.to(DType::f64), expected);
  return relative_error(c.download(out, {1, kChannels}, DType::f32), expected);
}

Case step(int number, const char* file, const char* change, const Launch& launch) {
  Case r;
  r.name = "cawe_weights_ladder";
  r.shape = "f32 1x128x32x32 step " + std::to_string(number);
  r.file = file;
  r.run = [launch](CaseContext& c) { return run(c, launch); };
  r.tolerance = 1e-6;
  r.ladder = "cawe_weights";
  r.step = number;
  r.change = change;
  r.floor_read = kChannels * kCells * 4;
  r.floor_written = kChannels * 4;
  r.flops = 2. * kChannels * kCells;
  return r;
}

}  // namespace

void add_cawe_weights_ladder_cases(std::vector<Case>& cases) {
  const char* ladder = "cuda/lab/ladders/cawe_weights.cu";
  // 4 warps ask 1,024 times for a number in each of 32 rows, then store 32 weights that lie together.
  cases.push_back(step(1, ladder, "a thread for a channel", [](const float* g, float* w, DeviceStream s) {
    weights_by_threads(g, w, kChannels, kCells, s);
  }));
  cases.back().sectors = 4 * 1024 * 32 + 4 * 4;
  // A row is 128 sectors, its weight one. The tree: 8 stores; two loads and a store at each distance d, where
  // 128 / d threads meet words 2d apart: 4 warps with 2 words a bank, 2 with 4, then one warp whose 32, 16
  // and 8 lanes meet 8 words of a bank, and whose last 4, 2, 1 lanes meet as many; one load of the result.
  cases.push_back(
      step(2, ladder, "a block for a channel, a tree in shared memory",
           [](const float* g, float* w, DeviceStream s) { weights_by_trees(g, w, kChannels, kCells, s); }));
  cases.back().sectors = kChannels * (128 + 1);
  cases.back().wavefronts = kChannels * (8 + 3 * (4 * 2 + 2 * 4 + 8 + 8 + 8 + 4 + 2 + 1) + 1);
  // 8 warps store a sum each, one warp loads them.
  cases.push_back(step(3, ladder, "shuffles within warps", [](const float* g, float* w, DeviceStream s) {
    weights_by_shuffles(g, w, kChannels, kCells, s);
  }));
  cases.back().sectors = kChannels * (128 + 1);
  cases.back().wavefronts = kChannels * (8 + 1);
  cases.push_back(
      step(4, "cuda/kernels/cawe_weights.cu", "128-bit loads", [](const float* g, float* w, DeviceStream s) {
        cawe_weights(Number::f32, g, w, kChannels, kCells, s);
      }));
  cases.back().sectors = kChannels * (128 + 1);
  cases.back().wavefronts = kChannels * (8 + 1);
}

}  // namespace CAWE_DEVICE
