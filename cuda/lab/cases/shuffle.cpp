// SPDX-License-Identifier: Apache-2.0
// Pixel shuffle and blur with their gradients: the CPU's bits in f32 and f64, its f32 rounded in the others.
#include "cuda/kernels/shuffle.h"

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/shuffle.h"

namespace CAWE_DEVICE {
namespace {

constexpr DType kFloating[] = {DType::f32, DType::f64, DType::f16, DType::bf16};

using Kernel = void (*)(Number, const void*, void*, const Dims4&, bool, DeviceStream);
using Primitive = void (*)(const Tensor& x, Tensor& y);

struct Operator {
  const char* name;
  const char* file;
  Kernel kernel;
  Primitive primitive;
  bool shuffles;  ///< the output has another shape than the input
  bool is_gradient;
};
const Operator kShuffle{"pixel_shuffle", "shuffle.cu", pixel_shuffle, primitives::pixel_shuffle, true, false};
const Operator kShuffleGrad{"pixel_shuffle_grad",           "shuffle.cu", pixel_shuffle_grad,
                            primitives::pixel_shuffle_grad, true,         true};
const Operator kBlur{"blur", "shuffle_blur.cu", blur, primitives::blur, false, false};
const Operator kBlurGrad{"blur_grad", "shuffle_blur.cu", blur_grad, primitives::blur_grad, false, true};

/// `sizes`: of the shuffle's small side, or of the blurred images.
double run(CaseContext& c, const Operator& op, const Shape& sizes, DType dtype, Layout layout) {
  const Shape large{sizes[0], sizes[1] / 4, 2 * sizes[2], 2 * sizes[3]};
  const Shape from = op.shuffles && op.is_gradient ? large : sizes,
              to = op.shuffles && !op.is_gradient ? large : sizes;
  const DType compute = accumulator_of(dtype);
  const Tensor x = random_tensor(from, "shuffled", dtype, layout);
  const void* const in = c.upload(x);
  void* const out = c.fresh<char>(to.numel() * int64_t(size_of(dtype)));
  c.measure([&] {
    op.kernel(number_for(dtype), in, out, {sizes[0], sizes[1], sizes[2], sizes[3]},
              layout == Layout::channels_last, c.stream());
  });
  Tensor expected = Tensor::empty(to, compute);
  const ReferenceScope reference;
  op.primitive(x.to(compute), expected);
  return different(c.download(out, to, dtype, layout).to(DType::f64).to_vector<double>(),
                   expected.to(dtype).to(DType::f64).to_vector<double>());
}

Case make_case(const Operator& op, const Shape& sizes, DType dtype, Layout layout) {
  Case r;
  r.name = op.name;
  r.shape = std::string(name(dtype)) + (layout == Layout::channels_last ? " channels-last" : "");
  for (int d = 0; d < 4; ++d) r.shape += (d == 0 ? " " : "x") + std::to_string(sizes[d]);
  r.file = std::string("cuda/kernels/") + op.file;
  r.run = [=](CaseContext& c) { return run(c, op, sizes, dtype, layout); };
  // No less than whole sectors move.
  r.floor_read = r.floor_written = 32 * double(sectors_of(double(sizes.numel()) * double(size_of(dtype))));
  r.flops = op.shuffles ? 0 : 4 * double(sizes.numel());
  return r;
}

/// 64 channels of 8 x 16, from and to 256 of 4 x 8, and 4 planes of 16 x 64.
void add_counted_shuffles(std::vector<Case>& cases, DType dtype) {
  for (const Operator& op : {kShuffle, kShuffleGrad}) {
    // Lanes take neighbouring channels of one pixel on both sides, whole sectors. Of f64 a lane moves its 32
    // bytes of x in two halves, and a request for halves touches all their sectors.
    cases.push_back(make_case(op, {1, 256, 4, 8}, dtype, Layout::channels_last));
    cases.back().sectors = (dtype == DType::f64 ? 3 : 2) * sectors_of(cases.back().floor_read);
    // Lanes take one row of two planes of x and of one of y.
    cases.push_back(make_case(op, {1, 16, 8, 32}, dtype, Layout::contiguous));
    cases.back().sectors = 2 * sectors_of(cases.back().floor_read);
  }
}

/// 32 channels of 16 x 16 are 4 x 4 tiles: 5 x 5 pixels each, where windows end at their pixel also at the
/// border, where the first one is loaded twice. Windows that begin at their pixel are cut off there: 5, 5, 5
/// and 4 columns and rows.
void add_counted_blurs(std::vector<Case>& cases, DType dtype) {
  const auto pixel = uint64_t(32 * size_of(dtype) / 32);
  cases.push_back(make_case(kBlur, {1, 32, 16, 16}, dtype, Layout::channels_last));
  cases.back().sectors = (16 * 25 + 256) * pixel;
  cases.push_back(make_case(kBlurGrad, {1, 32, 16, 16}, dtype, Layout::channels_last));
  cases.back().sectors = (19 * 19 + 256) * pixel;
  // 4 planes of 16 rows of 32: 2 tiles of 8 rows a plane, 9 rows (at the lower border of the gradient 8),
  // each in two requests.
  const auto line = uint64_t(32 * size_of(dtype) / 32);
  cases.push_back(make_case(kBlur, {1, 4, 16, 32}, dtype, Layout::contiguous));
  cases.back().sectors = 4 * (2 * 9 * 2 + 16) * line;
  cases.push_back(make_case(kBlurGrad, {1, 4, 16, 32}, dtype, Layout::contiguous));
  cases.back().sectors = 4 * ((9 + 8) * 2 + 16) * line;
}

}  // namespace

void add_shuffle_cases(std::vector<Case>& cases) {
  for (const DType dtype : kFloating) {
    add_counted_shuffles(cases, dtype);
    add_counted_blurs(cases, dtype);
    for (const Layout layout : {Layout::contiguous, Layout::channels_last})
      for (const Operator& op : {kShuffle, kShuffleGrad, kBlur, kBlurGrad}) {
        cases.push_back(make_case(op, {2, 12, 5, 7}, dtype, layout));
        cases.push_back(make_case(op, {1, 20, 9, 1}, dtype, layout));
      }
  }
  for (const Layout layout : {Layout::contiguous, Layout::channels_last})
    for (const Operator& op : {kBlur, kBlurGrad}) {
      cases.push_back(make_case(op, {2, 3, 1, 6}, DType::f32, layout));
      cases.push_back(make_case(op, {3, 4, 1, 1}, DType::f32, layout));
    }
}

}  // namespace CAWE_DEVICE
