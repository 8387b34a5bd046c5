// SPDX-License-Identifier: Apache-2.0
// CAWE's map, and its range after up-sampling.
#include "cuda/kernels/cawe_fuse.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/cawe.h"
#include "tensor/primitives/reductions.h"
#include "tensor/primitives/resize.h"

namespace CAWE_DEVICE {
namespace {

/// Eq. 2 by the reference, in f64.
Tensor reference_map(const Tensor& w, const Tensor& f) {
  Tensor map = Tensor::empty({f.dim(0), 1, f.dim(2), f.dim(3)}, DType::f64);
  const ReferenceScope reference;
  primitives::cawe_map(w.to(DType::f64), f.to(DType::f64), map);
  return map;
}

double run_map(CaseContext& c, const Shape& shape, DType dtype, Layout layout) {
  const Tensor w = random_tensor({shape[0], shape[1]}, "cawe weights", dtype);
  const Tensor f = random_tensor(shape, "cawe features", dtype, layout);
  const void *weights = c.upload(w), *features = c.upload(f);
  const int64_t cells = shape[2] * shape[3];
  void* out = c.fresh<char>(shape[0] * cells * int64_t(size_of(dtype)));
  c.measure([&] {
    cawe_map(number_for(dtype), weights, features, out, shape[0], shape[1], cells,
             layout == Layout::channels_last, c.stream());
  });
  return relative_error(c.download(out, {shape[0], 1, shape[2], shape[3]}, dtype), reference_map(w, f));
}

/// Range of one image-sized map [1, 1, H, W], and whether models/cawe.cpp would call it constant.
struct Extremes {
  double low, high;
  int32_t constant;
};
Extremes extremes_of(const Tensor& map) {
  Tensor low = Tensor::empty({1}, map.dtype()), high = Tensor::like(low);
  primitives::min_max(map, low, high);
  const double a = low.item(), b = high.item();
  if (!all_finite(map)) return {NAN, NAN, 1};
  return {a, b, b - a > 1e-8 * std::max(1.0, std::fabs(b)) ? 0 : 1};
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// How many images have another range than the reference finds in the map as the kernel left it; one more
/// where the tickets are not 0 again.
template <class T>
double wrong_ranges(CaseContext& c, const Tensor& map, int64_t height, int64_t width, const MapRange& range) {
  const int64_t n = map.dim(0);
  const auto low = c.download(static_cast<const T*>(range.low), n);
  const auto high = c.download(static_cast<const T*>(range.high), n);
  const auto constant = c.download(range.constant, n);
  double wrong = 0;
  const ReferenceScope reference;
  for (int64_t i = 0; i < n; ++i) {
    Tensor large = Tensor::empty({1, 1, height, width}, map.dtype());
    primitives::resize_bilinear(map.slice(0, i, i + 1), large);
    const Extremes e = extremes_of(large);
    const auto at = size_t(i);
    const double all_wrong = noted(!same(double(low[at]), e.low), at, double(low[at]), e.low, "low") +
                             noted(!same(double(high[at]), e.high), at, double(high[at]), e.high, "high") +
                             noted(constant[at] != e.constant, at, constant[at], e.constant, "constant");
    wrong += all_wrong > 0;
  }
  const std::vector<uint32_t> tickets = c.download(range.tickets, n);
  return wrong + different(tickets, std::vector<uint32_t>(tickets.size(), 0), "tickets");
}

/// Runs both parts of the launch on w and f. The error counts wrong ranges; a map that is off counts as one.
double run_extremes(CaseContext& c, const Tensor& w, const Tensor& f, int64_t height, int64_t width,
                    double map_tolerance) {
  const DType dtype = f.dtype(), wide = accumulator_of(dtype);
  const Dims4 d{f.dim(0), f.dim(1), f.dim(2), f.dim(3)};
  const void *weights = c.upload(w), *features = c.upload(f);
  const int64_t bytes = int64_t(size_of(wide));
  void* map = c.fresh<char>(d.n * d.h * d.w * bytes);
  const MapRange range{c.fresh<char>(d.n * bytes), c.fresh<char>(d.n * bytes), c.fresh<int32_t>(d.n),
                       c.upload(std::vector<uint32_t>(size_t(d.n), 0))};
  c.measure([&] {
    cawe_map_extremes(number_for(dtype), weights, features, map, range, d,
                      !f.is_contiguous() && f.is_channels_last(), height, width, c.stream());
  });
  const Tensor found = c.download(map, {d.n, 1, d.h, d.w}, wide);
  const bool map_holds = !all_finite(f) || relative_error(found, reference_map(w, f)) <= map_tolerance;
  return double(!map_holds) + (wide == DType::f64 ? wrong_ranges<double>(c, found, height, width, range)
                                                  : wrong_ranges<float>(c, found, height, width, range));
}

double run_random(CaseContext& c, const Shape& shape, int64_t height, int64_t width, DType dtype,
                  Layout layout, double map_tolerance) {
  const Tensor w = random_tensor({shape[0], shape[1]}, "cawe weights", dtype);
  return run_extremes(c, w, random_tensor(shape, "cawe features", dtype, layout), height, width,
                      map_tolerance);
}

/// Six images whose single feature is the map: constant 0.1, all zero, a plateau of the largest value, one
/// infinite cell, a smallest value far from the rest, denormal numbers.
double run_special(CaseContext& c, int64_t height, int64_t width) {
  const int64_t h = 5, w = 7, n = 6;
  std::vector<float> f(size_t(n * h * w), 0.f);
  const auto cell = [&](int64_t image, int64_t i) -> float& { return f[size_t(image * h * w + i)]; };
  for (int64_t i = 0; i < h * w; ++i) {
    cell(0, i) = 0.1f;
    cell(1, i) = -float(i);
    cell(2, i) = i % w < 3 ? 0.3f : 0.1f * float(i % w - 2) / float(w);
    cell(3, i) = float(i);
    cell(4, i) = i == 17 ? 1e-3f : 5.f + 0.01f * float(i);
    cell(5, i) = 1e-44f * float(i % 5);
  }
  cell(3, 11) = INFINITY;
  return run_extremes(c, Tensor::full({n, 1}, 1), Tensor::from(f, {n, 1, h, w}), height, width, 0);
}

Case make_case(const std::string& name, const std::string& text, const Shape& shape, DType dtype) {
  Case r;
  r.name = name;
  r.shape = text;
  r.file = "cuda/kernels/cawe_map.cu";
  const double e = double(size_of(dtype)), features = double(shape.numel());
  r.floor_read = (features + double(shape[0] * shape[1])) * e;
  r.floor_written = double(shape[0] * shape[2] * shape[3]) * e;
  r.flops = 2 * features;
  return r;
}

Case map_case(const std::string& text, const Shape& shape, DType dtype, double tolerance,
              Layout layout = Layout::contiguous) {
  Case r = make_case(layout == Layout::contiguous ? "cawe_map" : "cawe_map_nhwc", text, shape, dtype);
  r.run = [=](CaseContext& c) { return run_map(c, shape, dtype, layout); };
  r.tolerance = tolerance;
  return r;
}

/// Judged by the bits of the range; the map's own error must stay below map_tolerance.
Case range_case(const std::string& text, const Shape& shape, int64_t height, int64_t width, DType dtype,
                double map_tolerance, Layout layout = Layout::contiguous) {
  Case r =
      make_case(layout == Layout::contiguous ? "cawe_map_range" : "cawe_map_range_nhwc", text, shape, dtype);
  r.floor_read = r.floor_written = 0;
  r.run = [=](CaseContext& c) { return run_random(c, shape, height, width, dtype, layout, map_tolerance); };
  return r;
}

void add_maps(std::vector<Case>& cases) {
  // Features 256 x 1024 B. Each of 8 blocks x 16 warps x 4 steps asks for 4 weights that lie together.
  cases.push_back(map_case("f32 1x256x16x16", {1, 256, 16, 16}, DType::f32, 1e-6));
  cases.back().sectors = 256 * 1024 / 32 + 8 * 16 * 4 + 1024 / 32;
  // A block: 16 warps store 32 sums each, one warp adds them.
  cases.back().wavefronts = 8 * (16 + 16);
  cases.back().min_simt = 0.9;
  cases.push_back(map_case("f32 2x70x7x9", {2, 70, 7, 9}, DType::f32, 1e-6));
  // 4 lanes hold the 64 B of 32 cells: 8 channels a warp and request, so 1 step; the sectors are whole.
  cases.push_back(map_case("f16 1x128x16x16", {1, 128, 16, 16}, DType::f16, 1e-3));
  cases.back().sectors = 128 * 512 / 32 + 8 * 16 * 1 + 512 / 32;
  cases.push_back(map_case("bf16 1x100x8x8", {1, 100, 8, 8}, DType::bf16, 4e-3));
  cases.push_back(map_case("f64 2x33x6x6", {2, 33, 6, 6}, DType::f64, 1e-15));
  // 64 rows of 2 KB, the 2 KB of weights for each of 16 warps, and 16 B of map from each of them.
  cases.push_back(map_case("f32 1x512x8x8", {1, 512, 8, 8}, DType::f32, 1e-6, Layout::channels_last));
  cases.back().sectors = 64 * 2048 / 32 + 16 * 2048 / 32 + 16;
  cases.back().min_simt = 0.9;
  cases.push_back(map_case("f32 2x70x7x9", {2, 70, 7, 9}, DType::f32, 1e-6, Layout::channels_last));
  cases.push_back(map_case("bf16 2x64x7x9", {2, 64, 7, 9}, DType::bf16, 4e-3, Layout::channels_last));
}

}  // namespace

void add_cawe_map_cases(std::vector<Case>& cases) {
  add_maps(cases);
  // As above with 512 channels; the last block reads the 4 cells of 256 patches twice, 16 warps x 2 x 4
  // requests of 4 to 5 sectors, and some 10 patches once more.
  cases.push_back(range_case("f32 1x512x16x16 to 64x64", {1, 512, 16, 16}, 64, 64, DType::f32, 1e-6));
  cases.back().sectors = 512 * 1024 / 32 + 8 * 16 * 8 + 1024 / 32 + 8 * 2 * 4 * 5 + 4 * 10;
  // The map is written and read again; low, high, constant and the ticket are a sector each.
  cases.back().floor_read = 512 * 1024 + 2048 + 1024;
  cases.back().floor_written = 1024 + 4 * 32;
  cases.push_back(range_case("f32 2x70x7x9 to 61x50", {2, 70, 7, 9}, 61, 50, DType::f32, 1e-6));
  cases.push_back(range_case("f32 1x40x16x16 to 9x11", {1, 40, 16, 16}, 9, 11, DType::f32, 1e-6));
  cases.push_back(range_case("f16 2x64x8x8 to 96x64", {2, 64, 8, 8}, 96, 64, DType::f16, 1e-6));
  cases.push_back(range_case("f64 2x10x5x6 to 20x31", {2, 10, 5, 6}, 20, 31, DType::f64, 1e-15));
  cases.push_back(
      range_case("f32 2x64x8x8 to 64x64", {2, 64, 8, 8}, 64, 64, DType::f32, 1e-6, Layout::channels_last));
  cases.push_back(
      range_case("bf16 2x30x9x7 to 30x40", {2, 30, 9, 7}, 30, 40, DType::bf16, 1e-6, Layout::channels_last));
  for (const auto& [height, width] :
       {std::pair<int64_t, int64_t>{40, 63}, {37, 50}, {5, 7}, {3, 4}, {1, 1}}) {
    Case r = range_case("f32 special maps to " + std::to_string(height) + "x" + std::to_string(width),
                        {6, 1, 5, 7}, height, width, DType::f32, 0);
    r.run = [h = height, w = width](CaseContext& c) { return run_special(c, h, w); };
    cases.push_back(r);
  }
}

}  // namespace CAWE_DEVICE
