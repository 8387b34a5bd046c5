// SPDX-License-Identifier: Apache-2.0
// cuBLASLt's handle and descriptors.
#include <cstring>

#include "cuda/emulator/vendor/gemm.h"

namespace cawe::emulated {
namespace {

template <class Body>
cublasStatus_t blas_call(const char* name, Body body) {
  return library_call(name, CUBLAS_STATUS_EXECUTION_FAILED, CUBLAS_STATUS_INTERNAL_ERROR, body);
}

template <class T, class Handle>
cublasStatus_t create(Handle* handle, std::shared_ptr<T> made) {
  if (!handle) return refuse(CUBLAS_STATUS_INVALID_VALUE, "the result's address is nullptr");
  *handle = static_cast<Handle>(new_handle(std::move(made)));
  return CUBLAS_STATUS_SUCCESS;
}

/// As blas_call, but it releases after an asynchronous error, too.
template <class T>
cublasStatus_t release(const char* name, const void* handle) {
  const Entry entry(name);
  return destroy<T>(handle) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

template <class T>
cublasStatus_t set(T& field, const void* value, size_t bytes) {
  if (!value) return refuse(CUBLAS_STATUS_INVALID_VALUE, "the value's address is nullptr");
  if (bytes != sizeof field)
    return refuse(CUBLAS_STATUS_INVALID_VALUE, "a value of ", bytes, " bytes (expected ", sizeof field, ")");
  std::memcpy(&field, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t unknown_attribute(int attribute) {
  return refuse(CUBLAS_STATUS_INVALID_VALUE, "attribute ", attribute, " is not one that the emulator knows");
}

cublasStatus_t set_attribute(MatmulDesc& d, cublasLtMatmulDescAttributes_t attribute, const void* value,
                             size_t bytes) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_COMPUTE_TYPE:
      return set(d.compute, value, bytes);
    case CUBLASLT_MATMUL_DESC_SCALE_TYPE:
      return set(d.scale, value, bytes);
    case CUBLASLT_MATMUL_DESC_POINTER_MODE:
      return set(d.pointer_mode, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return set(d.trans_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return set(d.trans_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return set(d.epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return set(d.bias, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      return set(d.bias_type, value, bytes);
    default:
      return unknown_attribute(attribute);
  }
}

cublasStatus_t set_attribute(MatrixLayout& l, cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                             size_t bytes) {
  switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_TYPE:
      return set(l.type, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return set(l.order, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_ROWS:
      return set(l.rows, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_COLS:
      return set(l.cols, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_LD:
      return set(l.ld, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return set(l.batch, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      return set(l.batch_stride, value, bytes);
    default:
      return unknown_attribute(attribute);
  }
}

cublasStatus_t set_attribute(MatmulPreference& p, cublasLtMatmulPreferenceAttributes_t attribute,
                             const void* value, size_t bytes) {
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return set(p.workspace, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return set(p.alignment[0], value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return set(p.alignment[1], value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return set(p.alignment[2], value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return set(p.alignment[3], value, bytes);
    default:
      return unknown_attribute(attribute);
  }
}

template <class T, class Attribute>
cublasStatus_t set_on(const char* name, const void* handle, Attribute attribute, const void* value,
                      size_t bytes) {
  return blas_call(name, [&]() -> cublasStatus_t {
    const auto found = find<T>(handle);
    return found ? set_attribute(*found, attribute, value, bytes) : CUBLAS_STATUS_INVALID_VALUE;
  });
}

}  // namespace
}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an invalid value was given";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "a feature is missing in this device";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "an access to memory failed";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "the function failed on the device";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "an internal operation failed";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the operation is not supported";
    case CUBLAS_STATUS_LICENSE_ERROR:
      return "licensing error";
  }
  return "unknown status";
}

size_t cublasLtGetVersion() { return 130000; }

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return blas_call(__func__, [&] { return create(handle, std::make_shared<BlasHandle>()); });
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return release<BlasHandle>(__func__, handle); }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  return blas_call(__func__, [&] {
    auto made = std::make_shared<MatmulDesc>();
    made->compute = compute;
    made->scale = scale;
    return create(desc, std::move(made));
  });
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t attribute, const void* value,
                                              size_t bytes) {
  return set_on<MatmulDesc>(__func__, desc, attribute, value, bytes);
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  return release<MatmulDesc>(__func__, desc);
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, uint64_t rows,
                                          uint64_t cols, int64_t ld) {
  return blas_call(__func__, [&] {
    auto made = std::make_shared<MatrixLayout>();
    made->type = uint32_t(type);
    made->rows = rows;
    made->cols = cols;
    made->ld = ld;
    return create(layout, std::move(made));
  });
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                                                size_t bytes) {
  return set_on<MatrixLayout>(__func__, layout, attribute, value, bytes);
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return release<MatrixLayout>(__func__, layout);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return blas_call(__func__, [&] { return create(preference, std::make_shared<MatmulPreference>()); });
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, size_t bytes) {
  return set_on<MatmulPreference>(__func__, preference, attribute, value, bytes);
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return release<MatmulPreference>(__func__, preference);
}

CAWE_EMULATED_END
