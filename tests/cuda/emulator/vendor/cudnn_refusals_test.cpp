// SPDX-License-Identifier: Apache-2.0
// What the emulated cuDNN refuses or overwrites: one convolution that works, broken in one place by each
// test.
#include <cmath>
#include <memory>

#include "cuda/emulator/vendor/cudnn_api.h"
#include "tests/cuda/emulator/vendor/support.h"

namespace cawe::emulated {
namespace {

constexpr auto kImplicit = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
constexpr auto kPrecomputed = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
constexpr auto kWinograd = CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD;

/// x [1, 2, 4, 4] * w [3, 2, 3, 3] with padding 1 -> y [1, 3, 4, 4], all ones; f32.
class EmulatedCudnnRefusals : public EmulatedTest {
 protected:
  void SetUp() override {
    EmulatedTest::SetUp();
    EXPECT_EQ(cudnnCreate(&handle_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateTensorDescriptor(&x_desc_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateTensorDescriptor(&y_desc_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateFilterDescriptor(&w_desc_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateConvolutionDescriptor(&conv_), CUDNN_STATUS_SUCCESS);
    set_x(CUDNN_DATA_FLOAT, 2);
    set_y(4);
    EXPECT_EQ(cudnnSetFilter4dDescriptor(w_desc_, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, 3, 2, 3, 3),
              CUDNN_STATUS_SUCCESS);
    set_convolution(1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    data_ = std::make_unique<DeviceArray<float>>(std::vector<float>(1024, 1.0f));
    x_ = data_->get(), w_ = x_ + 64, y_ = x_ + 128, workspace_ = x_ + 512;
  }
  void TearDown() override {
    EXPECT_EQ(cudnnDestroyConvolutionDescriptor(conv_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnDestroyFilterDescriptor(w_desc_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnDestroyTensorDescriptor(y_desc_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnDestroyTensorDescriptor(x_desc_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnDestroy(handle_), CUDNN_STATUS_SUCCESS);
    data_.reset();
    EmulatedTest::TearDown();
  }
  void set_x(cudnnDataType_t type, int channels) {
    EXPECT_EQ(cudnnSetTensor4dDescriptor(x_desc_, CUDNN_TENSOR_NCHW, type, 1, channels, 4, 4),
              CUDNN_STATUS_SUCCESS);
  }
  void set_y(int size) {
    EXPECT_EQ(cudnnSetTensor4dDescriptor(y_desc_, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1, 3, size, size),
              CUDNN_STATUS_SUCCESS);
  }
  void set_convolution(int pad_h, int pad_w, cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
    EXPECT_EQ(cudnnSetConvolution2dDescriptor(conv_, pad_h, pad_w, 1, 1, 1, 1, mode, compute),
              CUDNN_STATUS_SUCCESS);
  }
  cudnnStatus_t run(cudnnConvolutionFwdAlgo_t algo = kImplicit, size_t bytes = 0) {
    return cudnnConvolutionForward(handle_, &one_, x_desc_, x_, w_desc_, w_, conv_, algo, workspace_, bytes,
                                   &zero_, y_desc_, y_);
  }
  size_t workspace_of(cudnnConvolutionFwdAlgo_t algo) {
    size_t bytes = ~size_t{0};
    EXPECT_EQ(
        cudnnGetConvolutionForwardWorkspaceSize(handle_, x_desc_, w_desc_, conv_, y_desc_, algo, &bytes),
        CUDNN_STATUS_SUCCESS)
        << last_complaint();
    return bytes;
  }
  const float one_ = 1, zero_ = 0;
  float *x_ = nullptr, *w_ = nullptr, *y_ = nullptr, *workspace_ = nullptr;
  cudnnHandle_t handle_ = nullptr;
  cudnnTensorDescriptor_t x_desc_ = nullptr, y_desc_ = nullptr;
  cudnnFilterDescriptor_t w_desc_ = nullptr;
  cudnnConvolutionDescriptor_t conv_ = nullptr;
  std::unique_ptr<DeviceArray<float>> data_;
};

TEST_F(EmulatedCudnnRefusals, WhatIsRightPasses) {
  EXPECT_EQ(run(), CUDNN_STATUS_SUCCESS) << last_complaint();
  EXPECT_EQ(data_->to_host()[128], 8) << "a corner: 2 x 2 of 3 x 3 taps, 2 channels";
  EXPECT_EQ(complaints(), 0u);
  EXPECT_EQ(calls("cudnnConvolutionForward"), 1u);
}

TEST_F(EmulatedCudnnRefusals, OperandsThatAreNotThere) {
  std::vector<float> host(32);
  x_ = host.data();
  EXPECT_EQ(run(), CUDNN_STATUS_BAD_PARAM);
  EXPECT_TRUE(complained("x lies in host memory"));
  x_ = data_->get() + 1024 - 31;
  EXPECT_EQ(run(), CUDNN_STATUS_BAD_PARAM);
  EXPECT_TRUE(complained("x: 128 bytes from byte 3972 of a block of 4096 bytes"));
  x_ = nullptr;
  EXPECT_EQ(run(), CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  x_ = reinterpret_cast<float*>(reinterpret_cast<char*>(data_->get()) + 2);
  EXPECT_EQ(run(), CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
}

TEST_F(EmulatedCudnnRefusals, OutputsOverInputs) {
  y_ = x_ + 16;
  EXPECT_EQ(run(), CUDNN_STATUS_BAD_PARAM);
  EXPECT_TRUE(complained("the output overlaps an input"));
}

TEST_F(EmulatedCudnnRefusals, ShapesAndTypes) {
  set_x(CUDNN_DATA_FLOAT, 3);
  EXPECT_EQ(run(), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  EXPECT_TRUE(complained("x has 3 channels, the filter 3x2"));
  set_x(CUDNN_DATA_HALF, 2);
  EXPECT_EQ(run(), CUDNN_STATUS_BAD_PARAM);
  EXPECT_TRUE(complained("types f16 and f32 into f32"));
  set_x(CUDNN_DATA_FLOAT, 2);
  set_y(3);
  EXPECT_EQ(run(), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  EXPECT_TRUE(complained("y is 1x3x3x3 (expected 1x3x4x4)"));
  set_y(4);
  set_convolution(1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_HALF);
  EXPECT_EQ(run(), CUDNN_STATUS_NOT_SUPPORTED);
  set_convolution(1, 1, CUDNN_CONVOLUTION, CUDNN_DATA_FLOAT);
  EXPECT_EQ(run(), CUDNN_STATUS_NOT_SUPPORTED);
  set_convolution(1, 0, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
  EXPECT_EQ(run(), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(
      cudnnSetConvolution2dDescriptor(conv_, -1, 0, 1, 1, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
      CUDNN_STATUS_BAD_PARAM);
}

TEST_F(EmulatedCudnnRefusals, AnNhwcFilterNeedsNhwcImages) {
  ASSERT_EQ(cudnnSetFilter4dDescriptor(w_desc_, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, 3, 2, 3, 3),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(run(), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_TRUE(complained("images that are not packed in NHWC"));
}

TEST_F(EmulatedCudnnRefusals, DescriptorsThatWereNeverSetOrAreGone) {
  cudnnTensorDescriptor_t fresh = nullptr;
  ASSERT_EQ(cudnnCreateTensorDescriptor(&fresh), CUDNN_STATUS_SUCCESS);
  std::swap(fresh, x_desc_);
  EXPECT_EQ(run(), CUDNN_STATUS_BAD_PARAM);
  EXPECT_TRUE(complained("created and never set"));
  ASSERT_EQ(cudnnDestroyTensorDescriptor(x_desc_), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(run(), CUDNN_STATUS_BAD_PARAM);
  EXPECT_TRUE(complained("a handle that was destroyed"));
  char text[20] = {};
  cudnnGetLastErrorString(text, sizeof text);
  EXPECT_EQ(std::string(text), last_complaint().substr(0, 19));
  std::swap(fresh, x_desc_);
}

TEST_F(EmulatedCudnnRefusals, Workspaces) {
  const size_t bytes = workspace_of(kPrecomputed);
  EXPECT_EQ(workspace_of(kImplicit), 0u);
  ASSERT_EQ(bytes, 72u) << "an offset for each of 2 x 3 x 3 taps";
  EXPECT_EQ(run(kPrecomputed, bytes), CUDNN_STATUS_SUCCESS) << last_complaint();
  EXPECT_TRUE(std::isnan(data_->to_host()[512])) << "the workspace is overwritten";
  EXPECT_EQ(run(kPrecomputed, bytes - 1), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  workspace_ = w_;
  EXPECT_EQ(run(kPrecomputed, bytes), CUDNN_STATUS_BAD_PARAM);
  EXPECT_TRUE(complained("the workspace overlaps an operand"));
  workspace_ = x_ + 513;
  EXPECT_EQ(run(kPrecomputed, bytes), CUDNN_STATUS_BAD_PARAM);
  EXPECT_TRUE(complained("the workspace is not aligned"));
  workspace_ = x_ + 512;
  inject(Fault::workspace);
  EXPECT_EQ(run(kPrecomputed, bytes), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(run(), CUDNN_STATUS_SUCCESS) << last_complaint();
}

TEST_F(EmulatedCudnnRefusals, AlgorithmsThatCannot) {
  EXPECT_EQ(run(kWinograd), CUDNN_STATUS_SUCCESS) << last_complaint();
  EXPECT_EQ(run(CUDNN_CONVOLUTION_FWD_ALGO_DIRECT), CUDNN_STATUS_NOT_SUPPORTED);
  ASSERT_EQ(
      cudnnSetConvolution2dDescriptor(conv_, 1, 1, 1, 1, 2, 2, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
      CUDNN_STATUS_SUCCESS);
  set_y(2);
  EXPECT_EQ(run(kWinograd), CUDNN_STATUS_NOT_SUPPORTED) << "dilated";
  EXPECT_EQ(run(kImplicit), CUDNN_STATUS_SUCCESS) << last_complaint();
}

TEST_F(EmulatedCudnnRefusals, AnAlgorithmCanBeMadeToFail) {
  inject(Fault::algorithm, 1, 2, kWinograd);
  EXPECT_EQ(run(kImplicit), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(run(kWinograd), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(run(kWinograd), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(run(kWinograd), CUDNN_STATUS_SUCCESS);
}

TEST_F(EmulatedCudnnRefusals, SearchesListUsableAlgorithmsFirst) {
  cudnnConvolutionFwdAlgoPerf_t results[8];
  int count = 0;
  ASSERT_EQ(
      cudnnFindConvolutionForwardAlgorithm(handle_, x_desc_, w_desc_, conv_, y_desc_, 8, &count, results),
      CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(count, 8);
  EXPECT_EQ(results[0].algo, kPrecomputed);
  EXPECT_EQ(results[6].status, CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(results[7].status, CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(results[7].algo, CUDNN_CONVOLUTION_FWD_ALGO_DIRECT);
  EXPECT_LT(results[0].time, results[1].time);
  ASSERT_EQ(
      cudnnGetConvolutionForwardAlgorithm_v7(handle_, x_desc_, w_desc_, conv_, y_desc_, 1, &count, results),
      CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(count, 1);
  EXPECT_EQ(results[0].time, -1);
}

TEST_F(EmulatedCudnnRefusals, ASearchOnTheCallersMemoryOverwritesTheOutput) {
  cudnnConvolutionFwdAlgoPerf_t results[8];
  int count = 0;
  ASSERT_EQ(cudnnFindConvolutionForwardAlgorithmEx(handle_, x_desc_, x_, w_desc_, w_, conv_, y_desc_, y_, 8,
                                                   &count, results, workspace_, 16),
            CUDNN_STATUS_SUCCESS)
      << last_complaint();
  EXPECT_EQ(results[0].algo, kWinograd) << "16 bytes are too few for the fastest";
  const std::vector<float> after = data_->to_host();
  EXPECT_EQ(after[0], 1);
  EXPECT_TRUE(std::isnan(after[128]));
}

TEST_F(EmulatedCudnnRefusals, WorkWaitsForTheHandlesStream) {
  StreamOwner stream(cudaStreamNonBlocking);
  ASSERT_EQ(cudnnSetStream(handle_, stream), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(run(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(data_->to_host()[128], 1) << "nothing waited for the stream";
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(data_->to_host()[128], 8);
  EXPECT_EQ(cudnnSetStream(handle_, reinterpret_cast<cudaStream_t>(handle_)), CUDNN_STATUS_BAD_PARAM);
}

TEST_F(EmulatedCudnnRefusals, ConvolutionsAreCapturedAndSearchesAreNot) {
  StreamOwner stream;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  cudnnConvolutionFwdAlgoPerf_t results[1];
  int count = 0;
  ASSERT_EQ(cudnnSetStream(handle_, stream), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(run(), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
  EXPECT_EQ(data_->to_host()[128], 1);
  EXPECT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  EXPECT_EQ(data_->to_host()[128], 8);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(
      cudnnFindConvolutionForwardAlgorithm(handle_, x_desc_, w_desc_, conv_, y_desc_, 1, &count, results),
      CUDNN_STATUS_EXECUTION_FAILED);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  ASSERT_EQ(cudnnSetStream(handle_, nullptr), CUDNN_STATUS_SUCCESS);
}

TEST_F(EmulatedCudnnRefusals, Tf32IsRoundedToWhereItIsAllowed) {
  const float fine = 1 + 0x1p-12f;  // TF32 has 10 bits of mantissa
  ASSERT_EQ(cudaMemcpy(x_, &fine, 4, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(run(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(data_->to_host()[128], 8);
  ASSERT_EQ(cudnnSetConvolutionMathType(conv_, CUDNN_FMA_MATH), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(run(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(data_->to_host()[128], 8 + 0x1p-12f);
}

TEST_F(EmulatedCudnnRefusals, InputsThatNobodyWroteAreAComplaint) {
  simt::options().level = simt::Level::check;
  DeviceArray<float> fresh(32), output(48);
  y_ = output.get();
  EXPECT_EQ(run(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(output.to_host()[0], 8);
  EXPECT_EQ(complaints(), 0u) << last_complaint();
  x_ = fresh.get();
  EXPECT_EQ(run(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_TRUE(complained("cudnnConvolutionForward: x: byte 0 of 128 is read, and nobody wrote it"));
}

}  // namespace
}  // namespace cawe::emulated
