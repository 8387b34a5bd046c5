// SPDX-License-Identifier: Apache-2.0
// Error messages for the statuses of the CUDA libraries.
#include "cuda/runtime/errors.h"

#include <algorithm>

namespace CAWE_DEVICE {
namespace {

thread_local const OperatorScope* innermost = nullptr;

constexpr const char* kOutOfMemory = "Use a smaller batch or image, or checkpoint_segments.";
constexpr const char* kOurBug =
    "This is a bug in cawe: please report it with the command and the recipe; --device cpu works without a "
    "GPU.";

std::string function_name(const char* call) {
  const std::string text = call;
  return text.substr(0, text.find('('));
}

const char* hint(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return kOutOfMemory;
    case cudaErrorInsufficientDriver:
      return "Install a driver for the CUDA version of this build (see `cawe doctor`), or use --device cpu.";
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
      return "Use --device cpu, or check nvidia-smi and CUDA_VISIBLE_DEVICES.";
    case cudaErrorNoKernelImageForDevice:
      return "This build has no code for this GPU: build with its architecture in CAWE_CUDA_ARCHS.";
    case cudaErrorLaunchOutOfResources:
      return "The kernel needs more registers or shared memory than this GPU has; use --device cpu.";
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
      return "A kernel or copy queued before failed, not always of this operator, and the device is lost to "
             "this "
             "process. CUDA_LAUNCH_BLOCKING=1 or compute-sanitizer tell which.";
    case cudaErrorInitializationError:
    case cudaErrorUnknown:
      return "Check nvidia-smi, or use --device cpu.";
    default:
      return kOurBug;
  }
}

Code code_of(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return Code::io;
    case cudaErrorInsufficientDriver:
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorLaunchOutOfResources:
    case cudaErrorNotSupported:
    case cudaErrorInitializationError:
      return Code::unsupported;
    default:
      return Code::internal;
  }
}

// cuBLAS's own status text is in libcublas, which nothing else here needs.
const char* status_name(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "an unknown cuBLAS status";
  }
}

struct Advice {
  Code code;
  const char* hint;
};

/// Code and hint for a failure: out of memory, not supported, a failed kernel, or a fault of this program.
Advice advice(bool memory, bool missing, bool execution) {
  if (memory) return {Code::io, kOutOfMemory};
  if (missing)
    return {Code::unsupported,
            "This GPU or library version cannot compute it: use another dtype, or --device cpu."};
  if (execution)
    return {
        Code::internal,
        "A kernel failed, maybe one queued before: CUDA_LAUNCH_BLOCKING=1 or compute-sanitizer tell which."};
  return {Code::internal, kOurBug};
}

std::string last_words_of_cudnn() {
  char text[512] = "";
  cudnnGetLastErrorString(text, sizeof text);
  std::replace(text, text + sizeof text, '\n', ' ');  // errors are one line
  return *text ? detail::concat(" (", text, ")") : "";
}

}  // namespace

OperatorScope::OperatorScope(const char* name, const void* operands, Describe describe)
    : name_(name), operands_(operands), describe_(describe), outer_(innermost) {
  innermost = this;
}
OperatorScope::~OperatorScope() { innermost = outer_; }

std::string OperatorScope::operands() const { return describe_ ? describe_(operands_) : ""; }

const char* current_operator() { return innermost ? innermost->name() : "cuda"; }

std::string current_operands() {
  const std::string operands = innermost ? innermost->operands() : "";
  return operands.empty() ? "" : " Operands: " + operands + ".";
}

std::string describe(cudaError_t status) {
  return detail::concat(cudaGetErrorName(status), " (", int(status), "): ", cudaGetErrorString(status), ".",
                        current_operands(), " ", hint(status));
}

std::string describe(cudnnStatus_t status) {
  return detail::concat(cudnnGetErrorString(status), " (", int(status), ")", last_words_of_cudnn());
}

std::string describe(cublasStatus_t status) {
  return detail::concat(status_name(status), " (", int(status), ")");
}

void fail_cuda(const char* call, cudaError_t status) {
  cudaGetLastError();  // clears the error, or the next launch would report it
  fail(code_of(status), current_operator(), ": ", function_name(call), ": ", describe(status));
}

void fail_cublas(const char* call, cublasStatus_t status) {
  const Advice a = advice(status == CUBLAS_STATUS_ALLOC_FAILED,
                          status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_ARCH_MISMATCH,
                          status == CUBLAS_STATUS_EXECUTION_FAILED);
  fail(a.code, current_operator(), ": ", function_name(call), ": ", describe(status), ".", current_operands(),
       " ", a.hint);
}

void fail_cudnn(const char* call, cudnnStatus_t status) {
  const Advice a = advice(status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED,
                          int(status) / 1000 == 3, int(status) / 1000 == 5);
  fail(a.code, current_operator(), ": ", function_name(call), ": ", describe(status), ".", current_operands(),
       " ", a.hint);
}

void check_launch(const char* kernel, cudaError_t status) {
  if (status == cudaSuccess) return;
  fail(code_of(status), current_operator(), ": launch of ", kernel, ": ", describe(status));
}

}  // namespace CAWE_DEVICE
