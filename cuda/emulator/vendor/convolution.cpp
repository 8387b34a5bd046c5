// SPDX-License-Identifier: Apache-2.0
// What cuDNN's descriptors say together, and which algorithms can compute it.
#include "cuda/emulator/vendor/convolution.h"

#include <algorithm>

namespace cawe::emulated {
namespace {

/// The CPU backend has one number for both directions; so has every network here.
cudnnStatus_t read_parameters(const ConvolutionDesc& d, Conv2dParams& p) {
  if (d.mode != CUDNN_CROSS_CORRELATION)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "mode CUDNN_CONVOLUTION (expected CUDNN_CROSS_CORRELATION)");
  if (d.pad[0] != d.pad[1] || d.stride[0] != d.stride[1] || d.dilation[0] != d.dilation[1])
    return refuse(CUDNN_STATUS_NOT_SUPPORTED,
                  "the emulator takes the same padding, stride and dilation in both "
                  "directions only");
  p.padding = d.pad[0];
  p.stride = d.stride[0];
  p.dilation = d.dilation[0];
  p.groups = d.groups;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_types(const Convolution& c, const ConvolutionDesc& d) {
  if (c.x.dtype != c.y.dtype || c.x.dtype != c.w.dtype)
    return refuse(CUDNN_STATUS_BAD_PARAM, "types ", name(c.x.dtype), " and ", name(c.w.dtype), " into ",
                  name(c.y.dtype));
  const cudnnDataType_t wanted = c.x.dtype == DType::f64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
  if (d.compute != wanted)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "compute type ", int(d.compute), " for ", name(c.x.dtype),
                  " (expected ", int(wanted), ")");
  return CUDNN_STATUS_SUCCESS;
}

// What the manual's tables of cuDNN 9 say about algorithms (cudnnConvolutionForward, …BackwardData,
// …BackwardFilter; 2-d convolutions that sum in f32, or in f64 for f64).
enum : unsigned { kF16 = 1, kBf16 = 2, kF32 = 4, kF64 = 8, kAllTypes = 15 };
enum : unsigned { kNchw = 1, kNhwc = 2 };
enum class Form : uint8_t {
  any,
  undilated,
  undilated_nchw,  ///< dilated only where the filter is NHWC
  winograd,        ///< 3x3, stride and dilation 1
  winograd_five,   ///< 5x5 too
  fft,       ///< stride and dilation 1, padded images of 256x256 or less, filters larger than the padding
  fft_tiles  ///< the same with images of any size and filters of 32x32 or less, or 1-d ones up to 256
};
enum class Memory : uint8_t { nothing, offsets, patches, transforms };

struct Algorithm {
  Direction direction;
  int number;
  unsigned filters, types;
  Form form;
  /// The library takes groups in all; this one offers few, so that callers see short lists, too.
  bool groups;
  Memory memory;
};
constexpr Algorithm kAlgorithms[] = {
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, kNchw, kAllTypes, Form::any, true,
     Memory::nothing},
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, kNchw | kNhwc, kAllTypes,
     Form::undilated_nchw, true, Memory::offsets},
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_GEMM, kNchw, kF32 | kF64, Form::undilated, false,
     Memory::patches},
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_FFT, kNchw, kF16 | kF32, Form::fft, false,
     Memory::transforms},
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING, kNchw, kF16 | kF32, Form::fft_tiles, false,
     Memory::transforms},
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, kNchw, kF16 | kF32, Form::winograd, false,
     Memory::nothing},
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED, kNchw, kF16 | kBf16 | kF32,
     Form::winograd_five, false, Memory::transforms},
    {Direction::data, CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, kNchw, kAllTypes, Form::any, true, Memory::nothing},
    {Direction::data, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, kNchw | kNhwc, kAllTypes, Form::any, true,
     Memory::offsets},
    {Direction::data, CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, kNchw, kF16 | kF32, Form::fft, false,
     Memory::transforms},
    {Direction::data, CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING, kNchw, kF16 | kF32, Form::fft_tiles, false,
     Memory::transforms},
    {Direction::data, CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, kNchw, kF16 | kF32, Form::winograd, false,
     Memory::nothing},
    {Direction::data, CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED, kNchw, kF16 | kBf16 | kF32,
     Form::winograd_five, false, Memory::transforms},
    {Direction::filter, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, kNchw | kNhwc, kAllTypes, Form::any, true,
     Memory::nothing},
    {Direction::filter, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, kNchw | kNhwc, kAllTypes, Form::any, true,
     Memory::offsets},
    {Direction::filter, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, kNchw, kF16 | kF32, Form::fft, false,
     Memory::transforms},
    {Direction::filter, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, kNchw, kF32 | kF64, Form::undilated, false,
     Memory::patches},
    {Direction::filter, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED, kNchw, kF16 | kF32,
     Form::winograd_five, false, Memory::transforms},
    {Direction::filter, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING, kNchw, kF16 | kF32, Form::fft_tiles,
     false, Memory::transforms},
};

unsigned type_bit(DType dtype) {
  return dtype == DType::f64 ? kF64 : dtype == DType::f32 ? kF32 : dtype == DType::bf16 ? kBf16 : kF16;
}

bool is_fft(const Convolution& c) {
  const Conv2dParams& p = c.params;
  return p.stride == 1 && p.dilation == 1 && c.w.size[2] > p.padding && c.w.size[3] > p.padding;
}

/// Images in tiles; gradients of a filter only along one direction.
bool fits_fft_tiles(Direction direction, const Convolution& c) {
  const int64_t rows = c.w.size[2], columns = c.w.size[3];
  const bool filter_fits =
      rows == 1 || columns == 1 ? std::max(rows, columns) <= 256 : rows <= 32 && columns <= 32;
  const auto along = [&](size_t d) {
    return c.x.size[5 - d] == 1 && c.y.size[5 - d] == 1 && c.y.size[d] <= 256;
  };
  return is_fft(c) && filter_fits && (direction != Direction::filter || along(2) || along(3));
}

bool has_form(const Algorithm& a, const Convolution& c) {
  const Conv2dParams& p = c.params;
  const int64_t rows = c.w.size[2], columns = c.w.size[3];
  const bool dense = p.stride == 1 && p.dilation == 1;
  switch (a.form) {
    case Form::undilated:
      return p.dilation == 1;
    case Form::undilated_nchw:
      return p.dilation == 1 || c.nhwc_filter;
    case Form::winograd:
      return dense && rows == 3 && columns == 3;
    case Form::winograd_five:
      return dense && rows == columns && (rows == 3 || rows == 5);
    case Form::fft:
      return is_fft(c) && c.x.size[2] + 2 * p.padding <= 256 && c.x.size[3] + 2 * p.padding <= 256;
    case Form::fft_tiles:
      return fits_fft_tiles(a.direction, c);
    default:
      return true;
  }
}

/// The images' layouts that go with the filter's. With a filter in NCHW, x may have any strides and y only
/// going forward.
bool has_layouts(const Algorithm& a, const Convolution& c) {
  if (c.nhwc_filter) return true;  // checked with the descriptors
  const bool implicit = a.form == Form::any || a.form == Form::undilated_nchw;
  return (implicit || has_packed_items(c.x, false)) &&
         ((implicit && a.direction == Direction::forward) || has_packed_items(c.y, false));
}

bool can_compute(const Algorithm& a, const Convolution& c) {
  if (!(a.filters & (c.nhwc_filter ? kNhwc : kNchw)) || !(a.types & type_bit(c.x.dtype))) return false;
  if (!a.groups && c.params.groups > 1) return false;
  const bool odd_halves = a.direction == Direction::filter &&
                          a.number == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 && c.x.dtype == DType::f16 &&
                          c.w.count() % 2 != 0;
  return !odd_halves && has_form(a, c) && has_layouts(a, c);
}

/// How much the library takes is its secret; this much an algorithm of the kind would need.
size_t workspace_bytes(Memory memory, const Convolution& c) {
  const int64_t taps = c.w.size[1] * c.w.size[2] * c.w.size[3];
  switch (memory) {
    case Memory::offsets:
      return size_t(taps) * sizeof(int32_t);
    case Memory::patches:
      return size_t(taps * c.y.size[2] * c.y.size[3]) * size_of(c.x.dtype);
    case Memory::transforms:
      return size_t(4 * (c.x.count() + c.w.count() + c.y.count())) * sizeof(float);
    default:
      return 0;
  }
}

}  // namespace

cudnnStatus_t check_shapes(const Convolution& c) {
  const Conv2dParams& p = c.params;
  const auto extent = [&](int64_t in, int64_t kernel) {
    const int64_t room = in + 2 * p.padding - (p.dilation * (kernel - 1) + 1);
    return room < 0 ? 0 : room / p.stride + 1;
  };
  const Sizes &x = c.x.size, &w = c.w.size, &y = c.y.size;
  if (x[1] != w[1] * p.groups || w[0] % p.groups != 0)
    return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "x has ", x[1], " channels, the filter ", w[0], "x",
                  w[1], " with ", p.groups, " groups");
  const Sizes expected{x[0], w[0], extent(x[2], w[2]), extent(x[3], w[3])};
  if (y == expected) return CUDNN_STATUS_SUCCESS;
  return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "y is ", y[0], "x", y[1], "x", y[2], "x", y[3],
                " (expected ", expected[0], "x", expected[1], "x", expected[2], "x", expected[3], ")");
}

bool has_packed_items(const Strided& x, bool channels_last) {
  const Sizes &n = x.size, &s = x.stride;
  const Sizes packed = channels_last ? Sizes{0, 1, n[1] * n[3], n[1]} : Sizes{0, n[2] * n[3], n[3], 1};
  for (size_t d = 1; d < 4; ++d)
    if (n[d] > 1 && s[d] != packed[d]) return false;
  return true;
}

cudnnStatus_t read_convolution(cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                               cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t y,
                               Convolution& result) {
  const auto xd = find<TensorDesc>(x), yd = find<TensorDesc>(y);
  const auto wd = find<FilterDesc>(w);
  const auto cd = find<ConvolutionDesc>(conv);
  if (!xd || !yd || !wd || !cd) return CUDNN_STATUS_BAD_PARAM;
  if (!xd->set || !yd->set || !wd->set || !cd->set)
    return refuse(CUDNN_STATUS_BAD_PARAM, "a descriptor was created and never set");
  result = Convolution{};
  result.x = xd->elements, result.w = wd->elements, result.y = yd->elements;
  if (const cudnnStatus_t status = read_parameters(*cd, result.params)) return status;
  if (const cudnnStatus_t status = check_types(result, *cd)) return status;
  if (const cudnnStatus_t status = check_shapes(result)) return status;
  result.nhwc_filter = wd->channels_last;
  if (result.nhwc_filter && (result.x.dtype == DType::f64 || !has_packed_items(result.x, true) ||
                             !has_packed_items(result.y, true)))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED,
                  "an NHWC filter with images that are not packed in NHWC, or of f64");
  const bool tensor_cores = size_of(result.x.dtype) == 2 && cd->math != CUDNN_FMA_MATH;
  result.alignment = result.nhwc_filter || tensor_cores ? 16 : size_of(result.x.dtype);
  result.tf32 = cd->math != CUDNN_FMA_MATH && result.x.dtype == DType::f32 && state().options.tf32;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_alignment(const Convolution& c) {
  for (const Strided* operand : {&c.x, &c.w, &c.y})
    if (reinterpret_cast<uintptr_t>(operand->p) % c.alignment != 0)
      return refuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "an operand is not aligned to ", c.alignment,
                    " bytes");
  return CUDNN_STATUS_SUCCESS;
}

bool algorithm_workspace(Direction direction, int algorithm, const Convolution& c, size_t& bytes) {
  for (const Algorithm& a : kAlgorithms)
    if (a.direction == direction && a.number == algorithm && can_compute(a, c)) {
      bytes = workspace_bytes(a.memory, c);
      return true;
    }
  return false;
}

}  // namespace cawe::emulated
