// SPDX-License-Identifier: Apache-2.0
// Every call of the runtime, cuBLASLt and cuDNN goes through one of three macros, which throw Error naming
// the operator, the call, the status, the operator's operands and what to do.
#pragma once

#include <string>

#include "cuda/runtime/api.h"
#include "tensor/error.h"

namespace CAWE_DEVICE {

/// Names the operator of this thread in errors while it lives; the innermost wins. Every primitive has one
/// (backend/named_backend.cpp).
class OperatorScope {
 public:
  /// Says what the operands are. Called where something fails, so that a scope costs no text.
  using Describe = std::string (*)(const void* operands);
  explicit OperatorScope(const char* name, const void* operands = nullptr, Describe describe = nullptr);
  ~OperatorScope();
  OperatorScope(const OperatorScope&) = delete;
  OperatorScope& operator=(const OperatorScope&) = delete;
  const char* name() const { return name_; }
  std::string operands() const;

 private:
  const char* name_;
  const void* operands_;
  Describe describe_;
  const OperatorScope* outer_;
};
/// The operator that runs on this thread; "cuda" outside of any.
const char* current_operator();
/// " Operands: x [2, 3] f32, y [2, 3] f32." of that operator, a sentence behind others; "" where it told of none.
std::string current_operands();

/// Throw Code::io where memory ran out, Code::unsupported where this device, driver or library cannot do it,
/// else Code::internal. `call` is the text of the call, printed without its arguments.
[[noreturn]] void fail_cuda(const char* call, cudaError_t status);
[[noreturn]] void fail_cublas(const char* call, cublasStatus_t status);
[[noreturn]] void fail_cudnn(const char* call, cudnnStatus_t status);

/// What fail_cuda() says of a status after the operator and the call: its name, text and a hint.
std::string describe(cudaError_t status);
/// The status's name and number, and the library's words about the last error.
std::string describe(cudnnStatus_t status);
/// The status's name and number.
std::string describe(cublasStatus_t status);

/// True where the library cannot do what it was asked with this algorithm, types or layout; another may work.
inline bool is_refusal(cudnnStatus_t status) { return int(status) / 1000 == 2 || int(status) / 1000 == 3; }
inline bool is_refusal(cublasStatus_t status) {
  return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE ||
         status == CUBLAS_STATUS_ARCH_MISMATCH;
}

/// After a launch: throws naming the kernel where `status` is not cudaSuccess.
void check_launch(const char* kernel, cudaError_t status);

}  // namespace CAWE_DEVICE

#define CAWE_CHECK_CALL(call, type, success, failed)                      \
  do {                                                                    \
    const type cawe_call_status = (call);                                 \
    if (cawe_call_status != (success)) (failed)(#call, cawe_call_status); \
  } while (0)
#define CAWE_CUDA(call) CAWE_CHECK_CALL(call, cudaError_t, cudaSuccess, ::CAWE_DEVICE::fail_cuda)
#define CAWE_CUBLAS(call) \
  CAWE_CHECK_CALL(call, cublasStatus_t, CUBLAS_STATUS_SUCCESS, ::CAWE_DEVICE::fail_cublas)
#define CAWE_CUDNN(call) CAWE_CHECK_CALL(call, cudnnStatus_t, CUDNN_STATUS_SUCCESS, ::CAWE_DEVICE::fail_cudnn)
