// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/cawe_weights.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/cawe.h"

namespace CAWE_DEVICE {
namespace {

/// The reference in f64 from what the kernel's inputs hold after rounding.
double run(CaseContext& c, const Shape& shape, DType dtype, Layout layout) {
  const Tensor g = random_tensor(shape, "cawe gradients", dtype, layout);
  const void* in = c.upload(g);
  const int64_t n = shape[0], channels = shape[1], cells = shape[2] * shape[3];
  void* out = c.fresh<char>(n * channels * int64_t(size_of(dtype)));
  c.measure([&] {
    if (layout == Layout::channels_last)
      cawe_weights_channels_last(number_for(dtype), in, out, n, channels, cells, c.stream());
    else
      cawe_weights(number_for(dtype), in, out, n * channels, cells, c.stream());
  });
  Tensor expected = Tensor::empty({n, channels}, DType::f64);
  const ReferenceScope reference;
  primitives::cawe_weights(g.to(DType::f64), expected);
  return relative_error(c.download(out, {n, channels}, dtype), expected);
}

Case make_case(const std::string& name, const std::string& text, const Shape& shape, DType dtype,
               double tolerance, Layout layout = Layout::contiguous) {
  Case r;
  r.name = name;
  r.shape = text;
  r.file = "cuda/kernels/cawe_weights.cu";
  r.run = [=](CaseContext& c) { return run(c, shape, dtype, layout); };
  r.tolerance = tolerance;
  const double e = double(size_of(dtype)), values = double(shape.numel());
  r.floor_read = values * e;
  r.floor_written = double(shape[0] * shape[1]) * e;
  r.flops = 2 * values;
  return r;
}

}  // namespace

void add_cawe_weights_cases(std::vector<Case>& cases) {
  // 256 channels of 3136 cells: 25,088 loads' sectors of 32 B and one sector for each channel's weight.
  cases.push_back(make_case("cawe_weights", "f32 1x256x56x56", {1, 256, 56, 56}, DType::f32, 1e-6));
  cases.back().sectors = 256 * (3136 * 4 / 32 + 1);
  // Reductions: 8 warps store their sums, one warp reads them, for each channel.
  cases.back().wavefronts = 256 * (8 + 1);
  cases.back().min_simt = 0.9;
  // 49 cells of 4 B start anywhere in a sector: 196 B touch 7 or 8 sectors in two requests of 128 B and 68 B.
  cases.push_back(make_case("cawe_weights", "f32 2x512x7x7", {2, 512, 7, 7}, DType::f32, 1e-6));
  cases.back().sectors = 1024 * 8 + 1024;
  cases.push_back(make_case("cawe_weights", "f16 1x64x32x32", {1, 64, 32, 32}, DType::f16, 1e-3));
  cases.back().sectors = 64 * (1024 * 2 / 32 + 1);
  cases.push_back(make_case("cawe_weights", "bf16 1x64x16x16", {1, 64, 16, 16}, DType::bf16, 4e-3));
  cases.push_back(make_case("cawe_weights", "f64 1x32x14x14", {1, 32, 14, 14}, DType::f64, 1e-15));
  // 256 cells of 2048 B of channels: whole sectors; each of 16 blocks stores 32 weights (4 sectors). Trees of four numbers a
  // lane: 8 warps store, then 4, 2, 1, 1 and 1 load and store.
  cases.push_back(make_case("cawe_weights_nhwc", "f32 1x512x16x16", {1, 512, 16, 16}, DType::f32, 1e-6,
                            Layout::channels_last));
  cases.back().sectors = 256 * 512 * 4 / 32 + 512 * 4 / 32;
  cases.back().wavefronts = 16 * 4 * (8 + 2 * (4 + 2 + 1 + 1 + 1));
  // 100 channels are 25 packs: 4 columns of 8 lanes, 7 lanes of the last idle. 101 are no packs.
  for (const int64_t channels : {100, 101})
    cases.push_back(make_case("cawe_weights_nhwc", "f32 2x" + std::to_string(channels) + "x7x9",
                              {2, channels, 7, 9}, DType::f32, 1e-6, Layout::channels_last));
  // More cells than the 4 x 32 that a block's rows load at once.
  cases.push_back(make_case("cawe_weights_nhwc", "f16 1x64x14x14", {1, 64, 14, 14}, DType::f16, 1e-3,
                            Layout::channels_last));
  cases.back().sectors = (196 + 1) * 64 * 2 / 32;
  cases.push_back(make_case("cawe_weights_nhwc", "bf16 2x24x5x5", {2, 24, 5, 5}, DType::bf16, 4e-3,
                            Layout::channels_last));
  cases.push_back(make_case("cawe_weights_nhwc", "f64 1x12x9x9", {1, 12, 9, 9}, DType::f64, 1e-15,
                            Layout::channels_last));
}

}  // namespace CAWE_DEVICE
