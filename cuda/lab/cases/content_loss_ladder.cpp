// SPDX-License-Identifier: Apache-2.0
// The ladder of docs/lessons/content_loss.md: maps of 16,384 and 4,096 numbers, four ways.
#include "cuda/kernels/content_loss.h"
#include "cuda/lab/cases/families.h"
#include "cuda/lab/ladders/content_loss.h"

namespace CAWE_DEVICE {
namespace {

constexpr int64_t kSizes[] = {16384, 4096}, kNumbers = kSizes[0] + kSizes[1];

/// What a step may use beside the maps.
struct Memory {
  float* loss;
  double* sums;
  float* difference;
  uint32_t* ticket;
};
using Launch = std::function<void(const ContentMaps& maps, const Memory& memory, DeviceStream stream)>;

/// The loss' relative error against f64, or 1 where a gradient differs.
double run(CaseContext& c, const Launch& launch) {
  ContentMaps maps{2, {}};
  double expected = 0, wrong = 0;
  std::vector<std::vector<float>> gradients;
  for (int i = 0; i < 2; ++i) {
    const int64_t n = kSizes[i];
    const Tensor a = random_tensor({n}, "content a" + std::to_string(i)),
                 b = random_tensor({n}, "content b" + std::to_string(i));
    maps.map[i] = {
        c.upload(a), c.upload(b), c.fresh<float>(n), n, double(i + 1) / double(n), double(i + 1) / double(n)};
    const auto slope = float(maps.map[i].weight);
    gradients.emplace_back();
    for (int64_t k = 0; k < n; ++k) {
      const float x = a.data<float>()[k], y = b.data<float>()[k];
      expected += maps.map[i].weight * std::fabs(double(x) - double(y));
      gradients.back().push_back(x > y ? slope : x < y ? -slope : 0.f);
    }
  }
  const Memory memory{c.fresh<float>(1), c.fresh<double>(content_ladder_blocks(kNumbers)),
                      c.fresh<float>(kSizes[0]), c.upload(std::vector<uint32_t>{0})};
  c.measure([&] { launch(maps, memory, c.stream()); });
  for (int i = 0; i < 2; ++i)
    wrong +=
        different(c.download(static_cast<const float*>(maps.map[i].grad), kSizes[i]), gradients[size_t(i)]);
  const double got = double(c.download(memory.loss, 1)[0]);
  const double error = std::isfinite(got) ? std::fabs(got - expected) / expected : 1;
  return wrong == 0 ? noted(error, 0, got, expected, "loss") : 1;
}

Case step(int number, const char* file, const char* change, const Launch& launch) {
  Case r;
  r.name = "content_loss_ladder";
  r.shape = "f32 16384 + 4096 step " + std::to_string(number);
  r.file = file;
  r.run = [launch](CaseContext& c) { return run(c, launch); };
  r.tolerance = 1e-6;
  r.ladder = "content_loss";
  r.step = number;
  r.change = change;
  r.floor_read = 2 * kNumbers * 4;
  r.floor_written = kNumbers * 4;
  r.flops = 4 * kNumbers;
  return r;
}

}  // namespace

// 20,480 numbers are 2,560 sectors. Steps 1 to 3 add the sums of 16 and 4 blocks: a sector for each one
// stored, 4 and 1 sectors loaded, and the loss stored, loaded and stored again.
void add_content_loss_ladder_cases(std::vector<Case>& cases) {
  const char* ladder = "cuda/lab/ladders/content_loss.cu";
  constexpr uint64_t kMap = kNumbers * 4 / 32, kSums = 20 + 4 + 1 + 3;
  // Blocks that add: 8 stores and a load; of doubles 8 stores and a load of 8 of them.
  constexpr uint64_t kAdding = (20 + 2) * (8 + 1);
  cases.push_back(step(1, ladder, "difference, its sum and the gradient in launches of their own, map by map",
                       [](const ContentMaps& maps, const Memory& m, DeviceStream s) {
                         content_loss_in_parts(maps, m.loss, m.sums, m.difference, s);
                       }));
  cases.back().sectors = 6 * kMap + kSums;
  cases.back().wavefronts = kAdding;
  // Unique bytes are counted a launch at a time: what three launches read and write is there three times.
  cases.back().floor_read = 4 * kNumbers * 4;
  cases.back().floor_written = 2 * kNumbers * 4;
  cases.push_back(step(2, ladder, "sum and gradient of a map in one pass",
                       [](const ContentMaps& maps, const Memory& m, DeviceStream s) {
                         content_loss_by_maps(maps, m.loss, m.sums, s);
                       }));
  cases.back().sectors = 3 * kMap + kSums;
  cases.back().wavefronts = kAdding;
  cases.push_back(step(3, ladder, "128-bit loads and stores",
                       [](const ContentMaps& maps, const Memory& m, DeviceStream s) {
                         content_loss_by_vectors(maps, m.loss, m.sums, s);
                       }));
  cases.back().sectors = 3 * kMap + kSums;
  cases.back().wavefronts = kAdding;
  // 5 blocks of 4,096 numbers: sums and tickets, the ticket put back, 2 sectors of sums loaded, the loss.
  cases.push_back(step(4, "cuda/kernels/content_loss.cu", "all maps in one launch, whose last block adds up",
                       [](const ContentMaps& maps, const Memory& m, DeviceStream s) {
                         content_loss(Number::f32, maps, m.loss, m.sums, m.ticket, s);
                       }));
  cases.back().sectors = 3 * kMap + 2 * 5 + 1 + 2 + 1;
  // The flag "I am the last" is stored once and loaded by 8 warps.
  cases.back().wavefronts = 5 * (8 + 1 + 1 + 8) + 8 + 1;
}

}  // namespace CAWE_DEVICE
