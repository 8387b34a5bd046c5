// SPDX-License-Identifier: Apache-2.0
// Which algorithms the emulated cuDNN offers for which convolution: cuDNN 9's tables, a row for each of their
// conditions. And what it refuses before any algorithm: sizes, layouts, alignment.
#include <string>

#include "cuda/emulator/vendor/cudnn_api.h"
#include "tests/cuda/emulator/vendor/support.h"

namespace cawe::emulated {
namespace {

constexpr cudnnTensorFormat_t kNchw = CUDNN_TENSOR_NCHW, kNhwc = CUDNN_TENSOR_NHWC;

struct Problem {
  const char* name;
  cudnnDataType_t type;
  int x[4];  ///< N C H W
  int w[4];  ///< K C/groups KH KW
  int padding = 0, stride = 1, dilation = 1, groups = 1;
  cudnnTensorFormat_t x_format = kNchw, w_format = kNchw, y_format = kNchw;
  int extent(int d) const { return (x[d] + 2 * padding - dilation * (w[d] - 1) - 1) / stride + 1; }
};

class Problems : public EmulatedTest {
 protected:
  void SetUp() override {
    EmulatedTest::SetUp();
    EXPECT_EQ(cudnnCreate(&handle), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateTensorDescriptor(&x), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateTensorDescriptor(&y), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateFilterDescriptor(&w), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateConvolutionDescriptor(&conv), CUDNN_STATUS_SUCCESS);
  }
  void TearDown() override {
    EXPECT_EQ(cudnnDestroyConvolutionDescriptor(conv), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnDestroyFilterDescriptor(w), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnDestroyTensorDescriptor(y), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnDestroyTensorDescriptor(x), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnDestroy(handle), CUDNN_STATUS_SUCCESS);
    EmulatedTest::TearDown();
  }
  void set(const Problem& p) {
    const auto compute = p.type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
    EXPECT_EQ(cudnnSetTensor4dDescriptor(x, p.x_format, p.type, p.x[0], p.x[1], p.x[2], p.x[3]),
              CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetTensor4dDescriptor(y, p.y_format, p.type, p.x[0], p.w[0], p.extent(2), p.extent(3)),
              CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetFilter4dDescriptor(w, p.type, p.w_format, p.w[0], p.w[1], p.w[2], p.w[3]),
              CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetConvolution2dDescriptor(conv, p.padding, p.padding, p.stride, p.stride, p.dilation,
                                              p.dilation, CUDNN_CROSS_CORRELATION, compute),
              CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetConvolutionGroupCount(conv, p.groups), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetConvolutionMathType(conv, CUDNN_DEFAULT_MATH), CUDNN_STATUS_SUCCESS);
  }
  cudnnStatus_t forward(const float* x_data, const float* w_data, float* y_data,
                        cudnnConvolutionFwdAlgo_t algo = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM,
                        void* workspace = nullptr, size_t bytes = 0) {
    const float one = 1, zero = 0;
    return cudnnConvolutionForward(handle, &one, x, x_data, w, w_data, conv, algo, workspace, bytes, &zero, y,
                                   y_data);
  }
  cudnnHandle_t handle = nullptr;
  cudnnTensorDescriptor_t x = nullptr, y = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t conv = nullptr;
};

/// The numbers of the usable algorithms, by number.
template <class Performance, class Ask>
std::string usable(Ask ask) {
  Performance results[8];
  int count = 0;
  EXPECT_EQ(ask(8, &count, results), CUDNN_STATUS_SUCCESS) << last_complaint();
  bool can[8] = {};
  for (int i = 0; i < count; ++i) can[results[i].algo] |= results[i].status == CUDNN_STATUS_SUCCESS;
  std::string numbers;
  for (int i = 0; i < 8; ++i)
    if (can[i]) numbers += char('0' + i);
  return numbers;
}

struct Row {
  Problem problem;
  const char *forward, *data, *filter;
};
constexpr auto kF16 = CUDNN_DATA_HALF, kBf16 = CUDNN_DATA_BFLOAT16, kF32 = CUDNN_DATA_FLOAT,
               kF64 = CUDNN_DATA_DOUBLE;
// Forward: 0 implicit, 1 precomputed, 2 GEMM, 4 FFT, 5 tiles, 6 Winograd, 7 not fused (3 was never written).
// Data: 0, 1, 2 FFT, 3 tiles, 4 Winograd, 5 not fused. Filter: 0, 1, 2 FFT, 3, 5 not fused, 6 tiles.
const Row kRows[] = {
    {{"f32", kF32, {2, 3, 7, 6}, {4, 3, 3, 3}, 1}, "0124567", "012345", "01235"},
    {{"f64", kF64, {2, 3, 7, 6}, {4, 3, 3, 3}, 1}, "012", "01", "013"},
    {{"f16", kF16, {2, 3, 7, 6}, {4, 3, 3, 3}, 1}, "014567", "012345", "0125"},
    {{"bf16", kBf16, {2, 3, 7, 6}, {4, 3, 3, 3}, 1}, "017", "015", "01"},
    {{"f16, odd filter", kF16, {1, 1, 7, 6}, {3, 1, 3, 3}, 1}, "014567", "012345", "125"},
    {{"dilated", kF32, {2, 3, 7, 6}, {4, 3, 3, 3}, 1, 1, 2}, "0", "01", "01"},
    {{"strided", kF32, {2, 3, 7, 7}, {4, 3, 3, 3}, 1, 2}, "012", "01", "013"},
    {{"5x5", kF32, {2, 3, 7, 6}, {4, 3, 5, 5}, 2}, "012457", "01235", "01235"},
    {{"7x7", kF32, {2, 3, 9, 9}, {4, 3, 7, 7}, 3}, "01245", "0123", "0123"},
    {{"1x1", kF32, {2, 3, 7, 6}, {4, 3, 1, 1}}, "01245", "0123", "0123"},
    {{"much padding", kF32, {2, 3, 7, 6}, {4, 3, 3, 3}, 3}, "01267", "0145", "0135"},
    {{"padding of the rows", kF32, {2, 3, 7, 6}, {4, 3, 3, 5}, 3}, "012", "01", "013"},
    {{"padding of the columns", kF32, {2, 3, 7, 6}, {4, 3, 5, 3}, 3}, "012", "01", "013"},
    {{"254 rows", kF32, {1, 1, 254, 4}, {1, 1, 3, 3}, 1}, "0124567", "012345", "01235"},
    {{"255 rows", kF32, {1, 1, 255, 4}, {1, 1, 3, 3}, 1}, "012567", "01345", "0135"},
    {{"33x1", kF32, {1, 1, 40, 4}, {1, 1, 33, 1}}, "01245", "0123", "0123"},
    {{"32x32", kF32, {1, 1, 40, 40}, {1, 1, 32, 32}}, "01245", "0123", "0123"},
    {{"33x33", kF32, {1, 1, 40, 40}, {1, 1, 33, 33}}, "0124", "012", "0123"},
    {{"one row", kF32, {1, 1, 1, 40}, {1, 1, 1, 3}}, "01245", "0123", "01236"},
    {{"groups", kF32, {2, 4, 7, 6}, {4, 2, 3, 3}, 1, 1, 1, 2}, "01", "01", "01"},
    {{"nhwc", kF32, {2, 3, 7, 6}, {4, 3, 3, 3}, 1, 1, 1, 1, kNhwc, kNhwc, kNhwc}, "1", "1", "01"},
    {{"nhwc f16", kF16, {2, 3, 7, 6}, {4, 3, 3, 3}, 1, 1, 1, 1, kNhwc, kNhwc, kNhwc}, "1", "1", "01"},
    {{"nhwc images", kF32, {2, 3, 7, 6}, {4, 3, 3, 3}, 1, 1, 1, 1, kNhwc, kNchw, kNhwc}, "01", "", ""},
    {{"nhwc x", kF32, {2, 3, 7, 6}, {4, 3, 3, 3}, 1, 1, 1, 1, kNhwc, kNchw, kNchw}, "01", "01", "01"},
    {{"nhwc y", kF32, {2, 3, 7, 6}, {4, 3, 3, 3}, 1, 1, 1, 1, kNchw, kNchw, kNhwc}, "01", "", ""},
};

TEST_F(Problems, HaveTheAlgorithmsOfTheTables) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.problem.name);
    set(row.problem);
    EXPECT_EQ(usable<cudnnConvolutionFwdAlgoPerf_t>([&](int n, int* count, auto* results) {
                return cudnnGetConvolutionForwardAlgorithm_v7(handle, x, w, conv, y, n, count, results);
              }),
              row.forward);
    EXPECT_EQ(usable<cudnnConvolutionBwdDataAlgoPerf_t>([&](int n, int* count, auto* results) {
                return cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, w, y, conv, x, n, count, results);
              }),
              row.data);
    EXPECT_EQ(usable<cudnnConvolutionBwdFilterAlgoPerf_t>([&](int n, int* count, auto* results) {
                return cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, x, y, conv, w, n, count,
                                                                     results);
              }),
              row.filter);
  }
}

TEST_F(Problems, AFilterInNhwcWantsPackedImagesAndNoDoubles) {
  cudnnConvolutionFwdAlgoPerf_t results[8];
  int count = 0;
  const auto ask = [&] {
    return cudnnGetConvolutionForwardAlgorithm_v7(handle, x, w, conv, y, 8, &count, results);
  };
  Problem p{"", kF32, {2, 3, 7, 6}, {4, 3, 3, 3}, 1, 1, 1, 1, kNhwc, kNhwc, kNhwc};
  set(p);
  EXPECT_EQ(ask(), CUDNN_STATUS_SUCCESS) << last_complaint();
  ASSERT_EQ(cudnnSetTensor4dDescriptorEx(x, kF32, 2, 3, 7, 6, 7 * 6 * 4, 1, 6 * 4, 4), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(ask(), CUDNN_STATUS_NOT_SUPPORTED) << "a channel more than is used";
  ASSERT_EQ(cudnnSetTensor4dDescriptorEx(x, kF32, 2, 3, 7, 6, 7 * 6 * 4, 1, 6 * 3, 3), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(ask(), CUDNN_STATUS_SUCCESS) << "items may be apart";
  p.type = kF64;
  set(p);
  EXPECT_EQ(ask(), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_TRUE(complained("an NHWC filter"));
}

TEST_F(Problems, TensorsHaveLessThanTwoGigaElements) {
  EXPECT_EQ(cudnnSetTensor4dDescriptor(x, kNchw, kF32, 1, 1, 1, 2147483647), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudnnSetTensor4dDescriptor(x, kNchw, kF32, 1, 2, 1 << 15, 1 << 15), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_TRUE(complained("2 giga-elements"));
  EXPECT_EQ(cudnnSetTensor4dDescriptorEx(x, kF32, 2, 1, 1, 1, 1 << 30, 1, 1, 1), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudnnSetTensor4dDescriptorEx(x, kF32, 3, 1, 1, 1, 1 << 30, 1, 1, 1), CUDNN_STATUS_NOT_SUPPORTED)
      << "gaps count";
  EXPECT_EQ(cudnnSetFilter4dDescriptor(w, kF32, kNchw, 1 << 15, 1 << 16, 1, 1), CUDNN_STATUS_NOT_SUPPORTED);
}

TEST_F(Problems, TensorCoresAndNhwcReadSixteenBytesAtOnce) {
  DeviceArray<float> data(std::vector<float>(4096, 1.f));
  float* const p = data.get();
  const auto kPrecomputed = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
  set({"", kF32, {1, 4, 4, 4}, {4, 4, 3, 3}, 1});
  EXPECT_EQ(forward(p + 1, p + 1025, p + 2049), CUDNN_STATUS_SUCCESS) << "f32 in NCHW: " << last_complaint();
  set({"", kF32, {1, 4, 4, 4}, {4, 4, 3, 3}, 1, 1, 1, 1, kNhwc, kNhwc, kNhwc});
  EXPECT_EQ(forward(p, p + 1024, p + 2048, kPrecomputed, p + 3072, 4096), CUDNN_STATUS_SUCCESS)
      << last_complaint();
  EXPECT_EQ(forward(p + 1, p + 1024, p + 2048, kPrecomputed, p + 3072, 4096),
            CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  EXPECT_EQ(forward(p, p + 1024, p + 2050, kPrecomputed, p + 3072, 4096),
            CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  EXPECT_TRUE(complained("not aligned to 16 bytes"));
  set({"", kF16, {1, 4, 4, 4}, {4, 4, 3, 3}, 1});
  EXPECT_EQ(forward(p, p + 1025, p + 2048), CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  ASSERT_EQ(cudnnSetConvolutionMathType(conv, CUDNN_FMA_MATH), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(forward(p, p + 1025, p + 2048), CUDNN_STATUS_SUCCESS) << "without tensor cores";
}

}  // namespace
}  // namespace cawe::emulated
