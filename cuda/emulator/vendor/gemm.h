// SPDX-License-Identifier: Apache-2.0
// cuBLASLt's descriptors, and what they say together: one product of matrices. Internal.
#pragma once

#include "cuda/emulator/vendor/cublas_api.h"
#include "cuda/emulator/vendor/elements.h"
#include "cuda/emulator/vendor/state.h"

namespace cawe::emulated {

struct BlasHandle : Object {
  static constexpr const char* kKind = "cublasLt handle";
  const char* kind() const override { return kKind; }
};

struct MatmulDesc : Object {
  static constexpr const char* kKind = "cublasLt matmul descriptor";
  const char* kind() const override { return kKind; }
  int32_t compute = CUBLAS_COMPUTE_32F, scale = CUDA_R_32F, pointer_mode = 0;
  int32_t trans_a = CUBLAS_OP_N, trans_b = CUBLAS_OP_N, bias_type = -1;
  uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  void* bias = nullptr;
};

struct MatrixLayout : Object {
  static constexpr const char* kKind = "cublasLt matrix layout";
  const char* kind() const override { return kKind; }
  uint32_t type = CUDA_R_32F;
  int32_t order = CUBLASLT_ORDER_COL;
  uint64_t rows = 0, cols = 0;
  int64_t ld = 0, batch_stride = 0;
  int32_t batch = 1;
};

struct MatmulPreference : Object {
  static constexpr const char* kKind = "cublasLt matmul preference";
  const char* kind() const override { return kKind; }
  uint64_t workspace = 0;
  uint32_t alignment[4] = {256, 256, 256, 256};  ///< of A, B, C, D
};

/// D [m, n] = activation(alpha op(A) [m, k] op(B) [k, n] + beta C + bias [m]), for each of `batch`. Operands
/// have the sizes {batch, rows, columns, 1}; A and B are op(A) and op(B).
struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  Strided a, b, c, d, bias;
  bool has_bias = false, tf32 = false;
  Activation activation = Activation::none;
  double alpha = 1, beta = 0;
};

/// Fills `gemm` but for pointers and factors. CUBLAS_STATUS_INVALID_VALUE where the descriptors do not fit
/// together, CUBLAS_STATUS_NOT_SUPPORTED where the library has no such product; with a complaint.
cublasStatus_t make_gemm(const MatmulDesc& desc, const MatrixLayout& a, const MatrixLayout& b,
                         const MatrixLayout& c, const MatrixLayout& d, Gemm& gemm);
/// A number that tells products with different descriptors apart.
uint64_t fingerprint(const Gemm& gemm);

/// Computes it now. cudaErrorIllegalAddress where an operand is gone.
cudaError_t run_gemm(const Gemm& gemm);

}  // namespace cawe::emulated
