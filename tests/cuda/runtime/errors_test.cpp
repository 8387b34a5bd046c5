// SPDX-License-Identifier: Apache-2.0
// What errors of the CUDA backend say: operator, operands, call, status, remedy.
#include "cuda/runtime/errors.h"

#include <algorithm>
#include <set>

#include "autograd/operator_table.h"
#include "cuda/runtime/refusals.h"
#include "tests/cuda/runtime/support.h"

namespace cawe::on_emulator {
namespace {

using emulated::Fault;
using emulated::inject;

Tensor of(const Shape& shape, DType dtype = DType::f32, Layout layout = Layout::contiguous) {
  return Tensor::zeros(shape, dtype, layout, Device::emulated);
}

TEST_F(RuntimeTest, ErrorsNameOperatorCallStatusAndRemedy) {
  const OperatorScope outer("train step");
  {
    const OperatorScope scope("top_k");
    expect_error(Code::internal, {"top_k: cudaFree: cudaErrorInvalidValue (1): ", "report"},
                 [&] { CAWE_CUDA(cudaFree(const_cast<OperatorScope*>(&outer))); });
  }
  expect_error(Code::unsupported,
               {"train step: launch of nms_mask: cudaErrorNoKernelImageForDevice (209): ", "CAWE_CUDA_ARCHS"},
               [] { check_launch("nms_mask", cudaErrorNoKernelImageForDevice); });
  check_launch("nms_mask", cudaSuccess);
  expect_error(Code::internal,
               {"train step: cudnnSetStream: CUDNN_STATUS_BAD_PARAM (2000) (cudnnSetStream: ", "report"},
               [] { CAWE_CUDNN(cudnnSetStream(nullptr, nullptr)); });
  expect_error(Code::io, {"CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", "smaller batch"},
               [] { fail_cudnn("f(x)", CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED); });
  expect_error(Code::internal, {"train step: cublasLtDestroy: CUBLAS_STATUS_"},
               [] { CAWE_CUBLAS(cublasLtDestroy(nullptr)); });
  expect_error(Code::unsupported, {"CUBLAS_STATUS_ARCH_MISMATCH (8)", "--device cpu"},
               [] { fail_cublas("f(x)", CUBLAS_STATUS_ARCH_MISMATCH); });
}

/// A kernel that is refused is named with the primitive that launched it, and what that was given.
TEST_F(RuntimeTest, ARefusedLaunchNamesPrimitiveKernelAndOperands) {
  const Tensor x = of({2, 3}, DType::f16);
  Tensor y = of({2, 3}, DType::f16);
  inject(Fault::launch);
  expect_error(Code::unsupported,
               {"softmax: launch of ", "softmax", "cudaErrorLaunchOutOfResources (701)",
                ". Operands: x [2, 3] f16, y [2, 3] f16. The kernel needs more registers"},
               [&] { device().softmax(x, y); });
  device().softmax(x, y);  // nothing is left of it
}

TEST_F(RuntimeTest, OperandsAreToldAsTheyLie) {
  const Tensor image = of({1, 2, 2, 3}, DType::f32, Layout::channels_last), shift = of({2});
  Tensor y = of({1, 2, 2, 3}, DType::f32, Layout::channels_last);
  inject(Fault::launch);
  expect_error(Code::unsupported,
               {"Operands: x [1, 2, 2, 3] f32 channels-last, scale [2] f32, shift [2] f32, relu 1, "
                "y [1, 2, 2, 3] f32 channels-last."},
               [&] { device().channel_affine(image, shift, shift, Tensor(), true, y); });
}

TEST_F(RuntimeTest, OfListsTheFirstTensorIsTold) {
  const std::vector<Tensor> p{of({3, 4}), of({5})}, g{of({3, 4}, DType::bf16), of({5})},
      v{of({3, 4}), of({5})};
  inject(Fault::launch);
  expect_error(
      Code::unsupported,
      {"sgd_steps: launch of ",
       "Operands: p of 2, the first [3, 4] f32, g of 2, the first [3, 4] bf16, velocity of 2, the first [3, "
       "4] f32."},
      [&] { device().sgd_steps(p, g, v, Tensor(), {}); });
}

/// The innermost primitive is named: here a copy into the order that a gradient wants.
TEST_F(RuntimeTest, APrimitiveWithinAPrimitiveIsNamed) {
  const Tensor x = of({2, 6}).slice(1, 0, 3);
  Tensor y = of({2, 3});
  inject(Fault::launch);
  expect_error(Code::unsupported,
               {"copy: launch of ", "Operands: x [2, 3] f32 with strides [6, 1], y [2, 3] f32."},
               [&] { device().softmax(x, y); });
}

/// Every launch of every row is refused in turn.
TEST_F(RuntimeTest, EveryRefusedLaunchNamesAPrimitive) {
  const std::vector<std::string>& known = primitive_names();
  for (const PrimitiveRow& row : primitive_rows()) {
    std::set<std::string> named;
    for (int nth = 1, refused = 1; refused > 0; ++nth) {
      close();
      emulated::reset_for_tests();
      start();
      inject(Fault::launch, nth);
      refused = 0;
      try {
        row.run(device(), 0);
        device().synchronize();
      } catch (const Error& error) {
        const std::string what = error.what(), primitive = what.substr(0, what.find(':'));
        ++refused;
        named.insert(primitive);
        EXPECT_NE(std::find(known.begin(), known.end(), primitive), known.end()) << what;
        EXPECT_NE(what.find(": launch of "), std::string::npos) << what;
        EXPECT_NE(what.find(". Operands: "), std::string::npos) << what;
      }
    }
    // A row has its primitive's name, and more where there are several of one.
    EXPECT_TRUE(std::any_of(named.begin(), named.end(), [&](const std::string& n) {
      return row.name.rfind(n, 0) == 0;
    })) << row.name;
  }
}

TEST_F(RuntimeTest, AFailedKernelIsReportedByTheNextWait) {
  Tensor x = Tensor::zeros({4}, DType::f32, Layout::contiguous, Device::emulated);
  inject(Fault::asynchronous);
  expect_error(Code::internal,
               {"synchronize: cudaStreamSynchronize: cudaErrorIllegalAddress (700)", "compute-sanitizer"},
               [] { device().synchronize(); });
  expect_error(Code::internal, {"copy between devices", "cudaErrorIllegalAddress"},
               [&] { x.to(Device::cpu); });
}

/// The device is lost: what is called next finds out, whatever it is, and says that it need not be the cause.
TEST_F(RuntimeTest, ALostDeviceIsReportedByTheNextPrimitive) {
  const Tensor x = of({2, 3});
  Tensor y = of({2, 3});
  device().synchronize();
  inject(Fault::asynchronous);
  y.fill(1);
  EXPECT_THROW(device().synchronize(), Error);
  expect_error(
      Code::internal,
      {"softmax: launch of ", "cudaErrorIllegalAddress (700)", "Operands: x [2, 3] f32, y [2, 3] f32.",
       "A kernel or copy queued before failed, not always of this operator"},
      [&] { device().softmax(x, y); });
  expect_error(Code::internal, {"copy between devices", "Operands: x [2, 3] f32, y [2, 3] f32."},
               [&] { x.to(Device::cpu); });
}

TEST_F(RuntimeTest, WhateverLosesTheDeviceMayBeOfAnEarlierKernel) {
  for (const cudaError_t status :
       {cudaErrorECCUncorrectable, cudaErrorIllegalAddress, cudaErrorLaunchTimeout, cudaErrorAssert,
        cudaErrorHardwareStackError, cudaErrorIllegalInstruction, cudaErrorMisalignedAddress,
        cudaErrorInvalidAddressSpace, cudaErrorInvalidPc, cudaErrorLaunchFailure})
    expect_error(Code::internal, {"queued before failed, not always of this operator"},
                 [&] { check_launch("nms_mask", status); });
}

TEST(Refusals, AreAllKeptUpToALength) {
  Refusals refusals(20);
  EXPECT_TRUE(refusals.empty());
  refusals.add("engine 1", "no");
  refusals.add("engine 2", "never");
  EXPECT_EQ(refusals.text(), "engine 1: no; engine 2: never");
  refusals.add("engine 3", "no");
  refusals.add("engine 4", "no");
  EXPECT_EQ(refusals.text(), "engine 1: no; engine 2: never; and 2 more");
}

}  // namespace
}  // namespace cawe::on_emulator
