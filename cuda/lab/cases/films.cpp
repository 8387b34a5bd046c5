// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/films.h"

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/films.h"

namespace CAWE_DEVICE {
namespace {

/// Numbers in [0, 1), some of them what the ends of a film's range are.
Tensor film(const Shape& shape) {
  Tensor x = Tensor::empty(shape, DType::f32, Layout::channels_last);
  const Random random(23, "film");
  for (int64_t i = 0; i < x.numel(); ++i)
    x.data<float>()[i] = i % 19 == 0 ? 0.0f : i % 23 == 0 ? 1.0f : random.uniform(uint64_t(i));
  return x;
}

/// How many numbers are not the CPU's.
double run(CaseContext& c, int64_t n, int64_t channels, int64_t height, int64_t width, int64_t outputs,
           DType dtype, Layout layout) {
  const NormaliseParams p{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
  const Tensor x = film({n, channels, height, width}).in_layout(layout);
  Tensor expected = Tensor::empty({n, outputs, height, width}, dtype, layout);
  {
    const ReferenceScope reference;
    primitives::normalise_films(x, p, expected);
  }
  ChannelScale by;
  for (size_t k = 0; k < 3; ++k) {
    by.mean[k] = p.mean[outputs == 1 ? 0 : k];
    by.stddev[k] = p.stddev[outputs == 1 ? 0 : k];
  }
  const auto* in = static_cast<const float*>(c.upload(x));
  void* out = c.fresh<char>(expected.numel() * int64_t(size_of(dtype)));
  c.measure([&] {
    if (layout == Layout::contiguous)
      normalise_planes(number_for(dtype), in, channels != outputs, by, n, height * width, out, c.stream());
    else
      normalise_films(number_for(dtype), in, channels != outputs, by, expected.numel(), out, c.stream());
  });
  return different(c.download(out, expected.shape(), dtype, layout).to(DType::f64).to_vector<double>(),
                   expected.to(DType::f64).to_vector<double>());
}

Case make_case(DType dtype, int64_t n, int64_t channels, int64_t height, int64_t width, int64_t outputs = 3,
               Layout layout = Layout::channels_last) {
  Case r;
  r.name = layout == Layout::contiguous ? "normalise_planes" : "normalise_films";
  r.shape = std::string(name(dtype)) + " " + std::to_string(n) + "x" + std::to_string(channels) + "x" +
            std::to_string(height) + "x" + std::to_string(width) + " to " + std::to_string(outputs);
  r.file = "cuda/kernels/films.cu";
  const double pixels = double(n * height * width);
  // No less than whole sectors move.
  r.floor_read = 32 * double(sectors_of(4 * pixels * double(channels)));
  r.floor_written = 32 * double(sectors_of(double(size_of(dtype)) * pixels * double(outputs)));
  r.flops = 2 * pixels * double(outputs);
  r.run = [=](CaseContext& c) { return run(c, n, channels, height, width, outputs, dtype, layout); };
  return r;
}

}  // namespace

void add_films_cases(std::vector<Case>& cases) {
  // 3,072 pixels are 2,304 packs in 72 warps, 3 blocks of 4 turns: 128 numbers of y a warp, stored in 16 (or 8) sectors.
  // Each of the two loads of gray pixels asks for 42 or 43 of them. Three warps begin 0, 42 and 85 pixels (0, 8 and 20 B)
  // into a sector, the second load a pixel later: 6 sectors each.
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    cases.push_back(make_case(dtype, 3, 1, 32, 32));
    cases.back().sectors = 9216 * uint64_t(size_of(dtype)) / 32 + 72 * 2 * 6;
    cases.back().min_simt = 0.9;  // lanes begin with different channels
    cases.push_back(make_case(dtype, 3, 3, 32, 32));
    cases.back().sectors = 9216 * uint64_t(size_of(dtype) + 4) / 32;
    cases.back().min_simt = 0.9;
    cases.push_back(make_case(dtype, 2, 1, 13, 9));
    cases.push_back(make_case(dtype, 1, 3, 7, 11));
  }
  // Planes of 1,056 numbers: two blocks of 1,024 and 32, each number in one whole sector of its tensor; planes of 231 begin
  // anywhere, and are read number by number.
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16})
    for (const int64_t channels : {1, 3}) {
      cases.push_back(make_case(dtype, 2, channels, 32, 33, 3, Layout::contiguous));
      cases.back().sectors = 2 * 1056 * uint64_t(3 * int64_t(size_of(dtype)) + 4 * channels) / 32;
      cases.push_back(make_case(dtype, 2, channels, 21, 11, 3, Layout::contiguous));
    }
  cases.push_back(make_case(DType::f32, 1, 1, 1, 1, 3, Layout::contiguous));
  cases.push_back(make_case(DType::f32, 2, 1, 19, 17, 1));
  cases.push_back(make_case(DType::f32, 1, 1, 1, 1));
}

}  // namespace CAWE_DEVICE
