// SPDX-License-Identifier: Apache-2.0
// What cuDNN's descriptors say together, and which algorithms can compute it.
#include "cuda/emulator/vendor/convolution.h"

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

bool is_channels_last(const Strided& x) { return x.stride[1] == 1; }

/// What an algorithm is good for. Real libraries have more conditions; these make callers look at the answer.
struct Algorithm {
  Direction direction;
  int number;
  bool any;             ///< else: one group, f32 or f64, images in NCHW
  bool three_by_three;  ///< with stride and dilation 1, f32
  enum Memory { nothing, offsets, patches } memory;
};
constexpr Algorithm kAlgorithms[] = {
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, true, false, Algorithm::nothing},
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, true, false, Algorithm::offsets},
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_GEMM, false, false, Algorithm::patches},
    {Direction::forward, CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, false, true, Algorithm::nothing},
    {Direction::data, CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, true, false, Algorithm::nothing},
    {Direction::data, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, true, false, Algorithm::offsets},
    {Direction::data, CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, false, true, Algorithm::nothing},
    {Direction::filter, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, true, false, Algorithm::nothing},
    {Direction::filter, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, true, false, Algorithm::offsets},
    {Direction::filter, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, false, false, Algorithm::patches},
};

bool can_compute(const Algorithm& a, const Convolution& c) {
  const bool plain = c.params.groups == 1 && size_of(c.x.dtype) >= 4 && !is_channels_last(c.x);
  const bool three = c.w.size[2] == 3 && c.w.size[3] == 3 && c.params.stride == 1 && c.params.dilation == 1 &&
                     c.x.dtype == DType::f32;
  return (a.any || plain) && (!a.three_by_three || three);
}

size_t workspace_bytes(Algorithm::Memory memory, const Convolution& c) {
  const int64_t taps = c.w.size[1] * c.w.size[2] * c.w.size[3];
  switch (memory) {
    case Algorithm::offsets:
      return size_t(taps) * sizeof(int32_t);
    case Algorithm::patches:
      return size_t(taps * c.y.size[2] * c.y.size[3]) * size_of(c.x.dtype);
    default:
      return 0;
  }
}

}  // namespace

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
  if (wd->channels_last && (!is_channels_last(result.x) || !is_channels_last(result.y)))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "an NHWC filter with images that are not NHWC");
  result.tf32 = cd->math != CUDNN_FMA_MATH && result.x.dtype == DType::f32 && state().options.tf32;
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
