// SPDX-License-Identifier: Apache-2.0
// Fusion with an image-sized map, with a small one, and both launches from features to the image. The CPU's
// bits are expected everywhere: f16 and bf16 are fused in f32 there too and rounded once.
#include <algorithm>
#include <cstring>

#include "cuda/kernels/cawe_fuse.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/cawe.h"
#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/reductions.h"
#include "tensor/primitives/resize.h"

namespace CAWE_DEVICE {
namespace {

/// How many elements of two tensors of one layout and dtype differ in their bytes.
double different_bits(const Tensor& a, const Tensor& b) {
  const size_t e = size_of(a.dtype());
  const auto *p = static_cast<const char*>(a.raw()), *q = static_cast<const char*>(b.raw());
  double count = 0;
  for (size_t i = 0; i < size_t(a.numel()); ++i) count += std::memcmp(p + i * e, q + i * e, e) != 0;
  return count;
}

/// The reference's fusion in f32 (f64 for f64), rounded to x's type and laid out as x.
Tensor reference_fuse(const Tensor& x, const Tensor& map, double alpha) {
  const DType wide = accumulator_of(x.dtype());
  Tensor fused = Tensor::empty(x.shape(), wide), y = Tensor::like(x);
  const ReferenceScope reference;
  primitives::cawe_fuse(x.to(wide), map.to(wide), alpha, fused);
  y.copy_from(fused);
  return y;
}

double run_fuse(CaseContext& c, const Shape& shape, DType dtype, Layout layout) {
  const Tensor x = random_tensor(shape, "fuse image", dtype, layout);
  const Tensor map = random_tensor({shape[0], 1, shape[2], shape[3]}, "fuse map", dtype);
  const void *in = c.upload(x), *m = c.upload(map);
  void* out = c.fresh<char>(shape.numel() * int64_t(size_of(dtype)));
  c.measure([&] {
    cawe_fuse(number_for(dtype), in, m, 0.3, out, {shape[0], shape[1], shape[2], shape[3]},
              layout == Layout::channels_last, c.stream());
  });
  return different_bits(c.download(out, shape, dtype, layout), reference_fuse(x, map, 0.3));
}

/// Small maps, not negative, the last image's all 0.7, with what the first launch would say of them.
struct SmallMaps {
  Tensor maps, stretched;  ///< [N, 1, h, w]; [N, 1, H, W] in [0, 1], the last image's 0.5
  Tensor low, high;
  std::vector<int32_t> constant;
};
SmallMaps small_maps(int64_t n, int64_t h, int64_t w, int64_t height, int64_t width, DType dtype) {
  SmallMaps s;
  const ReferenceScope reference;
  s.maps = Tensor::empty({n, 1, h, w}, dtype);
  primitives::unary(UnaryOp::abs, 0, 0, random_tensor({n, 1, h, w}, "small map", dtype), s.maps);
  s.maps.slice(0, n - 1, n).fill(0.7);
  Tensor large = Tensor::empty({n, 1, height, width}, dtype), shifted = Tensor::like(large);
  s.stretched = Tensor::like(large);
  s.low = Tensor::empty({n}, dtype);
  s.high = Tensor::like(s.low);
  Tensor range = Tensor::like(s.low);
  primitives::resize_bilinear(s.maps, large);
  primitives::min_max(large, s.low, s.high);
  primitives::binary(BinaryOp::sub, s.high, s.low, range);
  primitives::binary(BinaryOp::sub, large, s.low.reshape({n, 1, 1, 1}), shifted);
  primitives::binary(BinaryOp::div, shifted, range.reshape({n, 1, 1, 1}), s.stretched);
  s.constant.assign(size_t(n), 0);
  s.constant.back() = 1;
  s.stretched.slice(0, n - 1, n).fill(0.5);
  return s;
}

double run_enhance(CaseContext& c, const Shape& shape, int64_t map_h, int64_t map_w, DType dtype) {
  const int64_t n = shape[0];
  const SmallMaps s = small_maps(n, map_h, map_w, shape[2], shape[3], accumulator_of(dtype));
  const Tensor x = random_tensor(shape, "fuse image", dtype);
  const void *in = c.upload(x), *map = c.upload(s.maps);
  const MapRange range{c.upload(s.low), c.upload(s.high), c.upload(s.constant), nullptr};
  void* out = c.fresh<char>(shape.numel() * int64_t(size_of(dtype)));
  c.measure([&] {
    cawe_enhance(number_for(dtype), in, map, range, 0.3, 0.5, out, {n, shape[1], shape[2], shape[3]}, map_h,
                 map_w, c.stream());
  });
  return different_bits(c.download(out, shape, dtype), reference_fuse(x, s.stretched, 0.3));
}

/// Both launches on images of ones with alpha 0, so that y is the map: it must be what the CPU makes of the
/// same features, and reach 0 and 1.
double run_both(CaseContext& c) {
  const int64_t n = 2, channels = 12, h = 6, w = 5, height = 50, width = 36;
  const Tensor weights = random_tensor({n, channels}, "cawe weights");
  const Tensor f = random_tensor({n, channels, h, w}, "cawe features");
  const void *wp = c.upload(weights), *fp = c.upload(f);
  const void* x = c.upload(Tensor::full({n, 1, height, width}, 1));
  auto *map = c.fresh<float>(n * h * w), *y = c.fresh<float>(n * height * width);
  const MapRange range{c.fresh<float>(n), c.fresh<float>(n), c.fresh<int32_t>(n),
                       c.upload(std::vector<uint32_t>(n, 0))};
  c.measure([&] {
    cawe_map_extremes(Number::f32, wp, fp, map, range, {n, channels, h, w}, false, height, width, c.stream());
    cawe_enhance(Number::f32, x, map, range, 0, 0, y, {n, 1, height, width}, h, w, c.stream());
  });
  const Tensor small = c.download(map, {n, 1, h, w}, DType::f32),
               got = c.download(y, {n, 1, height, width}, DType::f32);
  double wrong = 0;
  const ReferenceScope reference;
  for (int64_t i = 0; i < n; ++i) {
    Tensor large = Tensor::empty({1, 1, height, width});
    primitives::resize_bilinear(small.slice(0, i, i + 1), large);
    const std::vector<float> l = large.to_vector<float>(), m = got.slice(0, i, i + 1).to_vector<float>();
    const float low = *std::min_element(l.begin(), l.end()), high = *std::max_element(l.begin(), l.end());
    const float least = *std::min_element(m.begin(), m.end()), most = *std::max_element(m.begin(), m.end());
    const std::string image = "image " + std::to_string(i);
    for (size_t k = 0; k < l.size(); ++k) {
      const float stretched = (l[k] - low) / (high - low);
      wrong += noted(m[k] != stretched, k, m[k], stretched, image);
    }
    wrong += noted(least != 0.f, image, least, 0.f, "least");
    wrong += noted(most != 1.f, image, most, 1.f, "most");
  }
  return wrong;
}

Case make_case(const std::string& name, const std::string& text, const Shape& shape, DType dtype) {
  Case r;
  r.name = name;
  r.shape = text;
  r.file = "cuda/kernels/cawe_fuse.cu";
  const double e = double(size_of(dtype)), pixels = double(shape[0] * shape[2] * shape[3]);
  r.floor_read = (double(shape.numel()) + pixels) * e;
  r.floor_written = double(shape.numel()) * e;
  r.flops = 2 * double(shape.numel()) + pixels;
  return r;
}

Case fuse_case(const std::string& text, const Shape& shape, DType dtype, Layout layout = Layout::contiguous) {
  Case r = make_case(layout == Layout::contiguous ? "cawe_fuse" : "cawe_fuse_nhwc", text, shape, dtype);
  r.run = [=](CaseContext& c) { return run_fuse(c, shape, dtype, layout); };
  return r;
}

Case enhance_case(const std::string& text, const Shape& shape, int64_t map_h, int64_t map_w, DType dtype) {
  Case r = make_case("cawe_enhance", text, shape, dtype);
  const double e = double(size_of(dtype)), numbers = double(shape.numel());
  const double map_bytes = double(shape[0] * map_h * map_w) * double(size_of(accumulator_of(dtype)));
  r.floor_read = numbers * e + map_bytes + 3 * 32;  // low, high and constant lie in a sector each
  r.flops = 2 * numbers + 14 * double(shape[0] * shape[2] * shape[3]);
  r.run = [=](CaseContext& c) { return run_enhance(c, shape, map_h, map_w, dtype); };
  return r;
}

}  // namespace

void add_cawe_fuse_cases(std::vector<Case>& cases) {
  // 2 images of 3 planes of 4,096 B in and out, and a map of 4,096 B each.
  cases.push_back(fuse_case("f32 2x3x32x32", {2, 3, 32, 32}, DType::f32));
  cases.back().sectors = 2 * 7 * 4096 / 32;
  cases.back().min_simt = 1;
  cases.push_back(fuse_case("f32 2x3x19x21", {2, 3, 19, 21}, DType::f32));
  cases.push_back(fuse_case("f16 1x3x24x32", {1, 3, 24, 32}, DType::f16));
  cases.back().sectors = 7 * 24 * 32 * 2 / 32;
  cases.push_back(fuse_case("bf16 2x1x16x17", {2, 1, 16, 17}, DType::bf16));
  cases.push_back(fuse_case("f64 1x2x9x10", {1, 2, 9, 10}, DType::f64));
  // 6,144 numbers in and out: 192 requests of 4 sectors each. 32 numbers lie in 11 or 12 pixels, whose map
  // values begin 0, 10 and 21 pixels (0, 8 and 20 B) into a sector and lie in 2 of them.
  cases.push_back(fuse_case("f32 2x3x32x32", {2, 3, 32, 32}, DType::f32, Layout::channels_last));
  cases.back().sectors = 192 * (2 * 4 + 2);
  cases.push_back(fuse_case("bf16 1x3x11x13", {1, 3, 11, 13}, DType::bf16, Layout::channels_last));

  // 3 planes of 32 KB in and out. Cells are 8 rows high and change at rows 4, 12, ..: each of the 16 warps
  // loads its strip once, 4 requests of one sector (8 columns are 32 B), and 3 numbers of its image.
  cases.push_back(enhance_case("f32 1x3x64x128 of 8x8", {1, 3, 64, 128}, 8, 8, DType::f32));
  cases.back().sectors = 2 * 3 * 32768 / 32 + 16 * (4 + 3);
  cases.back().min_simt = 1;
  cases.push_back(enhance_case("f32 2x1x37x50 of 5x7", {2, 1, 37, 50}, 5, 7, DType::f32));
  cases.push_back(enhance_case("f32 2x2x6x7 of 12x9", {2, 2, 6, 7}, 12, 9, DType::f32));
  cases.push_back(enhance_case("f16 2x3x16x256 of 4x8", {2, 3, 16, 256}, 4, 8, DType::f16));
  cases.push_back(enhance_case("bf16 2x1x20x40 of 3x3", {2, 1, 20, 40}, 3, 3, DType::bf16));
  cases.push_back(enhance_case("f64 2x2x20x33 of 6x6", {2, 2, 20, 33}, 6, 6, DType::f64));

  Case both = make_case("cawe_enhance", "f32 both launches", {2, 1, 50, 36}, DType::f32);
  both.floor_read = both.floor_written = 0;
  both.run = run_both;
  cases.push_back(both);
}

}  // namespace CAWE_DEVICE
