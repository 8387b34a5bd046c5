// SPDX-License-Identifier: Apache-2.0
// The emulated cuDNN against plain loops, and what it refuses. Inputs are eighths: every sum here is exact,
// so results are compared bit by bit.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cuda/emulator/vendor/cudnn_api.h"
#include "tests/cuda/emulator/vendor/support.h"

namespace cawe::emulated {
namespace {

template <class T>
constexpr cudnnDataType_t kType = CUDNN_DATA_FLOAT;
template <>
constexpr cudnnDataType_t kType<double> = CUDNN_DATA_DOUBLE;
template <>
constexpr cudnnDataType_t kType<Half> = CUDNN_DATA_HALF;
template <>
constexpr cudnnDataType_t kType<BFloat16> = CUDNN_DATA_BFLOAT16;

/// Where a 4-d array lies: contiguous NCHW or NHWC, or NHWC with `gap` more channels than it shows.
struct Array {
  int n, c, h, w;
  bool channels_last = false;
  int gap = 0;
  int pitch() const { return c + gap; }
  size_t at(int in, int ic, int ih, int iw) const {
    return size_t(channels_last ? ((in * h + ih) * w + iw) * pitch() + ic
                                : ((in * c + ic) * h + ih) * w + iw);
  }
  size_t span() const { return at(n - 1, c - 1, h - 1, w - 1) + 1; }
};

struct Layer {
  Array x, w, y;
  int stride = 1, padding = 0, dilation = 1, groups = 1;
  double alpha = 1, beta = 0;
};

/// fn(y index, x index, w index) for each product of the convolution, by the definition.
template <class Fn>
void for_products(const Layer& l, Fn fn) {
  const int outputs = l.w.n / l.groups, inputs = l.w.c;
  for (int n = 0; n < l.y.n; ++n)
    for (int o = 0; o < l.y.c; ++o)
      for (int oy = 0; oy < l.y.h; ++oy)
        for (int ox = 0; ox < l.y.w; ++ox)
          for (int c = 0; c < inputs; ++c)
            for (int ky = 0; ky < l.w.h; ++ky)
              for (int kx = 0; kx < l.w.w; ++kx) {
                const int iy = oy * l.stride - l.padding + ky * l.dilation;
                const int ix = ox * l.stride - l.padding + kx * l.dilation;
                if (iy < 0 || ix < 0 || iy >= l.x.h || ix >= l.x.w) continue;
                fn(l.y.at(n, o, oy, ox), l.x.at(n, o / outputs * inputs + c, iy, ix), l.w.at(o, c, ky, kx));
              }
}

/// before * beta + alpha * sums, at the array's elements; what lies between them stays.
template <class T>
std::vector<T> blend(const Layer& l, const Array& where, const std::vector<double>& sums,
                     std::vector<T> before) {
  for (int n = 0; n < where.n; ++n)
    for (int c = 0; c < where.c; ++c)
      for (int h = 0; h < where.h; ++h)
        for (int w = 0; w < where.w; ++w) {
          T& value = before[where.at(n, c, h, w)];
          assign(l.alpha * sums[where.at(n, c, h, w)] + l.beta * number(value), value);
        }
  return before;
}

template <class T>
std::vector<double> numbers(const std::vector<T>& values) {
  std::vector<double> result;
  for (const T& v : values) result.push_back(number(v));
  return result;
}

/// The objects of a convolution.
struct Objects {
  cudnnHandle_t handle = nullptr;
  cudnnTensorDescriptor_t x = nullptr, y = nullptr, bias = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t conv = nullptr;
  cudnnActivationDescriptor_t activation = nullptr;

  Objects(const Layer& l, cudnnDataType_t type) {
    EXPECT_EQ(cudnnCreate(&handle), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateTensorDescriptor(&x), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateTensorDescriptor(&y), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateTensorDescriptor(&bias), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateFilterDescriptor(&w), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateConvolutionDescriptor(&conv), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateActivationDescriptor(&activation), CUDNN_STATUS_SUCCESS);
    set(x, type, l.x);
    set(y, type, l.y);
    set(bias, type, {1, l.y.c, 1, 1});
    EXPECT_EQ(cudnnSetFilter4dDescriptor(w, type, l.w.channels_last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW,
                                         l.w.n, l.w.c, l.w.h, l.w.w),
              CUDNN_STATUS_SUCCESS);
    set_convolution(l, type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT);
    EXPECT_EQ(cudnnSetConvolutionGroupCount(conv, l.groups), CUDNN_STATUS_SUCCESS);
  }
  ~Objects() {
    cudnnDestroyActivationDescriptor(activation);
    cudnnDestroyConvolutionDescriptor(conv);
    cudnnDestroyFilterDescriptor(w);
    for (cudnnTensorDescriptor_t desc : {x, y, bias}) cudnnDestroyTensorDescriptor(desc);
    cudnnDestroy(handle);
  }
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;

  static void set(cudnnTensorDescriptor_t desc, cudnnDataType_t type, const Array& a) {
    const int row = a.channels_last ? a.w * a.pitch() : a.w, pixel = a.channels_last ? a.pitch() : 1;
    const int channel = a.channels_last ? 1 : a.h * a.w;
    EXPECT_EQ(cudnnSetTensor4dDescriptorEx(desc, type, a.n, a.c, a.h, a.w, a.h * a.w * a.pitch(), channel,
                                           row, pixel),
              CUDNN_STATUS_SUCCESS);
  }
  void set_convolution(const Layer& l, cudnnDataType_t compute) {
    EXPECT_EQ(cudnnSetConvolution2dDescriptor(conv, l.padding, l.padding, l.stride, l.stride, l.dilation,
                                              l.dilation, CUDNN_CROSS_CORRELATION, compute),
              CUDNN_STATUS_SUCCESS);
  }
};

/// alpha or beta in the type that the library reads.
struct Factor {
  Factor(double value, cudnnDataType_t type)
      : f64(value), f32(float(value)), is_f64(type == CUDNN_DATA_DOUBLE) {}
  operator const void*() const { return is_f64 ? static_cast<const void*>(&f64) : &f32; }
  double f64;
  float f32;
  bool is_f64;
};

/// How many algorithms can, in each direction: cudnn_tables_test.cpp says which.
struct Usable {
  int forward, data, filter;
};

/// All algorithms that say they can: fn(algorithm, workspace, bytes).
template <class Performance, class List, class Fn>
void with_each_algorithm(int expected, List list, Fn fn) {
  Performance results[8];
  int count = 0, usable = 0;
  ASSERT_EQ(list(8, &count, results), CUDNN_STATUS_SUCCESS) << last_complaint();
  for (int i = 0; i < count; ++i) {
    if (results[i].status != CUDNN_STATUS_SUCCESS) continue;
    ++usable;
    DeviceArray<char> workspace(results[i].memory);
    EXPECT_EQ(fn(results[i].algo, workspace.get(), results[i].memory), CUDNN_STATUS_SUCCESS)
        << last_complaint();
  }
  EXPECT_EQ(usable, expected);
}

/// The three convolutions of a layer against the definition, with all algorithms.
template <class T>
void check(const Layer& l, const Usable& usable) {
  const Objects o(l, kType<T>);
  const Factor alpha(l.alpha, kType<T>), beta(l.beta, kType<T>);
  const auto x = eighths<T>(l.x.span(), 1), w = eighths<T>(l.w.span(), 2), y = eighths<T>(l.y.span(), 3);
  std::vector<double> sum_x(x.size()), sum_w(w.size()), sum_y(y.size());
  for_products(l, [&](size_t iy, size_t ix, size_t iw) {
    sum_y[iy] += number(x[ix]) * number(w[iw]);
    sum_x[ix] += number(y[iy]) * number(w[iw]);
    sum_w[iw] += number(y[iy]) * number(x[ix]);
  });
  DeviceArray<T> dx(x), dw(w), dy(y);
  with_each_algorithm<cudnnConvolutionFwdAlgoPerf_t>(
      usable.forward,
      [&](int n, int* count, auto* results) {
        return cudnnGetConvolutionForwardAlgorithm_v7(o.handle, o.x, o.w, o.conv, o.y, n, count, results);
      },
      [&](auto algo, void* workspace, size_t bytes) {
        DeviceArray<T> out(y);
        const cudnnStatus_t status =
            cudnnConvolutionForward(o.handle, alpha, o.x, dx.get(), o.w, dw.get(), o.conv, algo, workspace,
                                    bytes, beta, o.y, out.get());
        EXPECT_EQ(numbers(out.to_host()), numbers(blend(l, l.y, sum_y, y))) << "forward, algorithm " << algo;
        return status;
      });
  with_each_algorithm<cudnnConvolutionBwdDataAlgoPerf_t>(
      usable.data,
      [&](int n, int* count, auto* results) {
        return cudnnGetConvolutionBackwardDataAlgorithm_v7(o.handle, o.w, o.y, o.conv, o.x, n, count,
                                                           results);
      },
      [&](auto algo, void* workspace, size_t bytes) {
        DeviceArray<T> out(x);
        const cudnnStatus_t status =
            cudnnConvolutionBackwardData(o.handle, alpha, o.w, dw.get(), o.y, dy.get(), o.conv, algo,
                                         workspace, bytes, beta, o.x, out.get());
        EXPECT_EQ(numbers(out.to_host()), numbers(blend(l, l.x, sum_x, x))) << "data, algorithm " << algo;
        return status;
      });
  with_each_algorithm<cudnnConvolutionBwdFilterAlgoPerf_t>(
      usable.filter,
      [&](int n, int* count, auto* results) {
        return cudnnGetConvolutionBackwardFilterAlgorithm_v7(o.handle, o.x, o.y, o.conv, o.w, n, count,
                                                             results);
      },
      [&](auto algo, void* workspace, size_t bytes) {
        DeviceArray<T> out(w);
        const cudnnStatus_t status =
            cudnnConvolutionBackwardFilter(o.handle, alpha, o.x, dx.get(), o.y, dy.get(), o.conv, algo,
                                           workspace, bytes, beta, o.w, out.get());
        EXPECT_EQ(numbers(out.to_host()), numbers(blend(l, l.w, sum_w, w))) << "filter, algorithm " << algo;
        return status;
      });
}

using EmulatedCudnnTest = EmulatedTest;

const Layer kThreeByThree{{2, 3, 7, 6}, {4, 3, 3, 3}, {2, 4, 7, 6}, 1, 1};

TEST_F(EmulatedCudnnTest, AllTypes) {
  check<float>(kThreeByThree, {7, 6, 5});
  check<double>(kThreeByThree, {3, 2, 3});
  check<Half>(kThreeByThree, {6, 6, 4});
  check<BFloat16>(kThreeByThree, {3, 3, 2});
}

TEST_F(EmulatedCudnnTest, StrideDilationAndUnevenSizes) {
  check<float>({{2, 3, 8, 9}, {5, 3, 3, 3}, {2, 5, 4, 5}, 2, 1}, {3, 2, 3});
  check<float>({{1, 2, 9, 8}, {3, 2, 3, 2}, {1, 3, 5, 6}, 1, 0, 2}, {1, 2, 2});
  check<double>({{2, 3, 11, 11}, {4, 3, 5, 5}, {2, 4, 3, 3}, 3, 0}, {3, 2, 3});
}

TEST_F(EmulatedCudnnTest, Groups) {
  check<float>({{2, 4, 6, 6}, {6, 2, 3, 3}, {2, 6, 6, 6}, 1, 1, 1, 2}, {2, 2, 2});
  check<Half>({{2, 4, 6, 6}, {4, 1, 3, 3}, {2, 4, 6, 6}, 1, 1, 1, 4}, {2, 2, 2});  // depthwise
}

TEST_F(EmulatedCudnnTest, ChannelsLast) {
  const Layer layer{{2, 3, 7, 6, true}, {4, 3, 3, 3, true}, {2, 4, 7, 6, true}, 1, 1};
  check<float>(layer, {1, 1, 2});
  check<Half>(layer, {1, 1, 2});
  check<float>({{2, 8, 5, 5, true}, {4, 8, 1, 1, true}, {2, 4, 5, 5, true}}, {1, 1, 2});
  check<float>({{2, 3, 7, 6, true}, {4, 3, 3, 3}, {2, 4, 7, 6, true}, 1, 1}, {2, 0, 0});
  check<float>({{2, 3, 7, 6, true}, {4, 3, 3, 3}, {2, 4, 7, 6}, 1, 1}, {2, 2, 2});
}

TEST_F(EmulatedCudnnTest, GapsBetweenTheElementsStay) {
  Layer layer{{2, 3, 7, 6, true, 2}, {4, 3, 3, 3}, {2, 4, 7, 6}, 1, 1};
  check<float>(layer, {2, 2, 2});
  layer.beta = 0.5;
  check<BFloat16>(layer, {2, 2, 2});
  layer.y = {2, 4, 7, 6, true, 1};
  check<float>(layer, {2, 0, 0});
}

TEST_F(EmulatedCudnnTest, FactorsScaleResultAndOldValue) {
  Layer layer = kThreeByThree;
  layer.alpha = 0.5, layer.beta = 2;
  check<float>(layer, {7, 6, 5});
  check<double>(layer, {3, 2, 3});
  check<Half>(layer, {6, 6, 4});
}

TEST_F(EmulatedCudnnTest, BetaOfZeroDoesNotReadTheOutput) {
  const Layer& l = kThreeByThree;
  const Objects o(l, CUDNN_DATA_FLOAT);
  const float one = 1, zero = 0;
  DeviceArray<float> x(eighths<float>(l.x.span(), 1)), w(eighths<float>(l.w.span(), 2));
  DeviceArray<float> y(std::vector<float>(l.y.span(), std::numeric_limits<float>::quiet_NaN()));
  EXPECT_EQ(
      cudnnConvolutionForward(o.handle, &one, o.x, x.get(), o.w, w.get(), o.conv,
                              CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, nullptr, 0, &zero, o.y, y.get()),
      CUDNN_STATUS_SUCCESS);
  for (const float value : y.to_host()) ASSERT_FALSE(std::isnan(value));
}

TEST_F(EmulatedCudnnTest, BiasAndActivationAreFused) {
  const Layer l{{2, 3, 5, 5}, {4, 3, 3, 3}, {2, 4, 5, 5}, 1, 1};
  const Objects o(l, CUDNN_DATA_FLOAT);
  const auto x = eighths<float>(l.x.span(), 1), w = eighths<float>(l.w.span(), 2),
             z = eighths<float>(l.y.span(), 3);
  const std::vector<float> bias{-3, 0.5f, 2, 0};
  std::vector<double> sums(l.y.span());
  for_products(l, [&](size_t iy, size_t ix, size_t iw) { sums[iy] += double(x[ix]) * double(w[iw]); });
  DeviceArray<float> dx(x), dw(w), dz(z), db(bias), dy(l.y.span()), workspace(1024);
  const float alpha = 2, beta = 0.5f;
  for (const bool relu : {true, false}) {
    ASSERT_EQ(
        cudnnSetActivationDescriptor(o.activation, relu ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY,
                                     CUDNN_NOT_PROPAGATE_NAN, 0),
        CUDNN_STATUS_SUCCESS);
    const auto run = [&](cudnnConvolutionFwdAlgo_t algo, size_t bytes) {
      return cudnnConvolutionBiasActivationForward(o.handle, &alpha, o.x, dx.get(), o.w, dw.get(), o.conv,
                                                   algo, workspace.get(), bytes, &beta, o.y, dz.get(), o.bias,
                                                   db.get(), o.activation, o.y, dy.get());
    };
    ASSERT_EQ(run(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, workspace.bytes()), CUDNN_STATUS_SUCCESS)
        << last_complaint();
    std::vector<float> expected(l.y.span());
    for (size_t i = 0; i < expected.size(); ++i) {
      const double value = 2 * sums[i] + 0.5 * double(z[i]) + double(bias[i / 25 % 4]);
      expected[i] = float(relu ? std::max(value, 0.0) : value);
    }
    EXPECT_EQ(dy.to_host(), expected);
    EXPECT_EQ(run(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, 0),
              relu ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED);
  }
}

/// cuDNN's manual: the fused call has no ReLU that keeps NaN. The identity keeps it, whatever its descriptor says.
TEST_F(EmulatedCudnnTest, AFusedReluThatKeepsNanIsRefused) {
  const Layer l{{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}};
  const Objects o(l, CUDNN_DATA_FLOAT);
  DeviceArray<float> x(std::vector<float>{std::numeric_limits<float>::quiet_NaN()}), w(std::vector<float>{1});
  DeviceArray<float> y(1), bias(std::vector<float>{0});
  const float one = 1, zero = 0;
  DeviceArray<float> workspace(1024);
  const auto run = [&](cudnnActivationMode_t mode, cudnnNanPropagation_t nan) {
    EXPECT_EQ(cudnnSetActivationDescriptor(o.activation, mode, nan, 0), CUDNN_STATUS_SUCCESS);
    return cudnnConvolutionBiasActivationForward(o.handle, &one, o.x, x.get(), o.w, w.get(), o.conv,
                                                 CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
                                                 workspace.get(), workspace.bytes(), &zero, o.y, y.get(),
                                                 o.bias, bias.get(), o.activation, o.y, y.get());
  };
  EXPECT_EQ(run(CUDNN_ACTIVATION_RELU, CUDNN_PROPAGATE_NAN), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_NE(last_complaint().find("CUDNN_NOT_PROPAGATE_NAN"), std::string::npos) << last_complaint();
  ASSERT_EQ(run(CUDNN_ACTIVATION_RELU, CUDNN_NOT_PROPAGATE_NAN), CUDNN_STATUS_SUCCESS) << last_complaint();
  EXPECT_EQ(y.to_host()[0], 0);
  for (const cudnnNanPropagation_t nan : {CUDNN_PROPAGATE_NAN, CUDNN_NOT_PROPAGATE_NAN}) {
    ASSERT_EQ(run(CUDNN_ACTIVATION_IDENTITY, nan), CUDNN_STATUS_SUCCESS) << last_complaint();
    EXPECT_TRUE(std::isnan(y.to_host()[0]));
  }
}

TEST_F(EmulatedCudnnTest, BiasGradientSumsPixelsAndImages) {
  Layer l{{2, 3, 4, 5, true}, {3, 3, 1, 1, true}, {2, 3, 4, 5, true}};
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const Objects o(l, kType<T>);
    const Factor alpha(0.5, kType<T>), beta(2, kType<T>);
    const auto dy = eighths<T>(l.y.span(), 1), before = eighths<T>(3, 2);
    DeviceArray<T> device_dy(dy), db(before);
    EXPECT_EQ(cudnnConvolutionBackwardBias(o.handle, alpha, o.y, device_dy.get(), beta, o.bias, db.get()),
              CUDNN_STATUS_SUCCESS)
        << last_complaint();
    const std::vector<T> found = db.to_host();
    for (int c = 0; c < 3; ++c) {
      double sum = 0;
      for (int i = 0; i < 40; ++i) sum += number(dy[size_t(i * 3 + c)]);
      T expected;
      assign(0.5 * sum + 2 * number(before[size_t(c)]), expected);
      EXPECT_EQ(number(found[size_t(c)]), number(expected));
    }
  };
  run(float{});
  run(double{});
  run(Half{});
}

}  // namespace
}  // namespace cawe::emulated
