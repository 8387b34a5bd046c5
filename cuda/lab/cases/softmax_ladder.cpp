// SPDX-License-Identifier: Apache-2.0
// The ladder of docs/lessons/softmax.md: 128 rows of 512 numbers, four ways.
#include "cuda/kernels/softmax.h"
#include "cuda/lab/cases/families.h"
#include "cuda/lab/ladders/softmax.h"
#include "tensor/backend.h"
#include "tensor/primitives/softmax.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kRows = 128, kColumns = 512;

using Launch = std::function<void(const float* x, float* y, DeviceStream stream)>;

double run(CaseContext& c, const Launch& launch) {
  const Tensor x = random_tensor({kRows, kColumns}, "softmax logits");
  const auto* in = static_cast<const float*>(c.upload(x));
  auto* out = c.fresh<float>(x.numel());
  c.measure([&] { launch(in, out, c.stream()); });
  Tensor expected = Tensor::empty(x.shape(), DType::f64);
  const ReferenceScope reference;
  primitives::softmax(x.to(DType::f64), expected);
  return relative_error(c.download(out, x.shape(), DType::f32), expected);
}

Case step(int number, const char* file, const char* change, const Launch& launch) {
  Case r;
  r.name = "softmax_ladder";
  r.shape = "f32 128x512 step " + std::to_string(number);
  r.file = file;
  r.run = [launch](CaseContext& c) { return run(c, launch); };
  r.tolerance = 1e-6;
  r.ladder = "softmax";
  r.step = number;
  r.change = change;
  r.floor_read = r.floor_written = kRows * kColumns * 4;
  r.flops = 5. * kRows * kColumns;
  return r;
}

}  // namespace

void add_softmax_ladder_cases(std::vector<Case>& cases) {
  const char* ladder = "cuda/lab/ladders/softmax.cu";
  // 4 warps ask 512 times for a number in each of 32 rows, in three passes, and store so once. The first
  // number starts the first pass, so it is not asked for twice.
  cases.push_back(
      step(1, ladder, "a thread for a row, three passes",
           [](const float* x, float* y, DeviceStream s) { softmax_by_threads(x, y, kRows, kColumns, s); }));
  cases.back().sectors = 4 * 512 * 4 * 32;
  // A row is 64 sectors, three times in and once out. A tree: 4 warps store; then two loads and a store by 2
  // warps, by 1 warp six times; 4 warps load the result. Two trees a row.
  cases.push_back(
      step(2, ladder, "a block for a row, trees in shared memory",
           [](const float* x, float* y, DeviceStream s) { softmax_by_blocks(x, y, kRows, kColumns, s); }));
  cases.back().sectors = kRows * 64 * 4;
  cases.back().wavefronts = kRows * 2 * (4 + 3 * (2 + 6) + 4);
  cases.push_back(step(3, ladder, "a warp for a row, shuffles", [](const float* x, float* y, DeviceStream s) {
    softmax_by_warps(x, y, kRows, kColumns, s);
  }));
  cases.back().sectors = kRows * 64 * 4;
  cases.push_back(
      step(4, "cuda/kernels/softmax.cu", "the row is read once, by 128-bit loads, and stays in registers",
           [](const float* x, float* y, DeviceStream s) { softmax(Number::f32, x, y, kRows, kColumns, s); }));
  cases.back().sectors = kRows * 64 * 2;
}

}  // namespace CAWE_DEVICE
