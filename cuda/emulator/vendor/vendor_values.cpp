// SPDX-License-Identifier: Apache-2.0
// Compiled where the toolkit's headers are, never linked: our constants and structures against the vendor's.
// Signatures are compared by compiling the definitions with CAWE_EMULATED_AGAINST_VENDOR.
#include <type_traits>

#include "cuda/emulator/vendor/cublas_api.h"
#include "cuda/emulator/vendor/cuda_api.h"
#include "cuda/emulator/vendor/cudnn_api.h"

// The vendor's are macros, and ours are gone once they are defined.
namespace cawe::emulated {
constexpr unsigned kFlags[] = {cudaStreamDefault, cudaStreamNonBlocking, cudaEventDefault,
                               cudaEventBlockingSync, cudaEventDisableTiming};
}

#include <cublasLt.h>
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

namespace own = cawe::emulated;

static_assert(own::kFlags[0] == cudaStreamDefault && own::kFlags[1] == cudaStreamNonBlocking);
static_assert(own::kFlags[2] == cudaEventDefault && own::kFlags[3] == cudaEventBlockingSync);
static_assert(own::kFlags[4] == cudaEventDisableTiming);

#define SAME(name) static_assert(int(own::name) == int(::name), #name)

// --- the CUDA runtime
SAME(cudaSuccess);
SAME(cudaErrorInvalidValue);
SAME(cudaErrorMemoryAllocation);
SAME(cudaErrorInitializationError);
SAME(cudaErrorInvalidConfiguration);
SAME(cudaErrorInvalidPitchValue);
SAME(cudaErrorInvalidMemcpyDirection);
SAME(cudaErrorInsufficientDriver);
SAME(cudaErrorNoDevice);
SAME(cudaErrorInvalidDevice);
SAME(cudaErrorNoKernelImageForDevice);
SAME(cudaErrorInvalidResourceHandle);
SAME(cudaErrorIllegalState);
SAME(cudaErrorNotReady);
SAME(cudaErrorIllegalAddress);
SAME(cudaErrorLaunchOutOfResources);
SAME(cudaErrorMisalignedAddress);
SAME(cudaErrorLaunchFailure);
SAME(cudaErrorNotSupported);
SAME(cudaErrorStreamCaptureUnsupported);
SAME(cudaErrorStreamCaptureInvalidated);
SAME(cudaErrorStreamCaptureUnmatched);
SAME(cudaErrorStreamCaptureUnjoined);
SAME(cudaErrorStreamCaptureIsolation);
SAME(cudaErrorStreamCaptureImplicit);
SAME(cudaErrorCapturedEvent);
SAME(cudaErrorStreamCaptureWrongThread);
SAME(cudaErrorUnknown);
SAME(cudaMemcpyHostToHost);
SAME(cudaMemcpyHostToDevice);
SAME(cudaMemcpyDeviceToHost);
SAME(cudaMemcpyDeviceToDevice);
SAME(cudaMemcpyDefault);
SAME(cudaStreamCaptureModeGlobal);
SAME(cudaStreamCaptureModeThreadLocal);
SAME(cudaStreamCaptureModeRelaxed);
SAME(cudaStreamCaptureStatusNone);
SAME(cudaStreamCaptureStatusActive);
SAME(cudaStreamCaptureStatusInvalidated);
SAME(cudaDevAttrMaxThreadsPerBlock);
SAME(cudaDevAttrMaxSharedMemoryPerBlock);
SAME(cudaDevAttrWarpSize);
SAME(cudaDevAttrMaxRegistersPerBlock);
SAME(cudaDevAttrClockRate);
SAME(cudaDevAttrMultiProcessorCount);
SAME(cudaDevAttrIntegrated);
SAME(cudaDevAttrEccEnabled);
SAME(cudaDevAttrMemoryClockRate);
SAME(cudaDevAttrGlobalMemoryBusWidth);
SAME(cudaDevAttrL2CacheSize);
SAME(cudaDevAttrMaxThreadsPerMultiProcessor);
SAME(cudaDevAttrAsyncEngineCount);
SAME(cudaDevAttrComputeCapabilityMajor);
SAME(cudaDevAttrComputeCapabilityMinor);
SAME(cudaDevAttrMaxSharedMemoryPerMultiprocessor);
SAME(cudaDevAttrCooperativeLaunch);
SAME(cudaDevAttrMaxSharedMemoryPerBlockOptin);

// --- cuBLASLt
SAME(CUBLAS_STATUS_SUCCESS);
SAME(CUBLAS_STATUS_NOT_INITIALIZED);
SAME(CUBLAS_STATUS_ALLOC_FAILED);
SAME(CUBLAS_STATUS_INVALID_VALUE);
SAME(CUBLAS_STATUS_ARCH_MISMATCH);
SAME(CUBLAS_STATUS_MAPPING_ERROR);
SAME(CUBLAS_STATUS_EXECUTION_FAILED);
SAME(CUBLAS_STATUS_INTERNAL_ERROR);
SAME(CUBLAS_STATUS_NOT_SUPPORTED);
SAME(CUBLAS_STATUS_LICENSE_ERROR);
SAME(CUBLAS_OP_N);
SAME(CUBLAS_OP_T);
SAME(CUBLAS_OP_C);
SAME(CUBLAS_COMPUTE_32F);
SAME(CUBLAS_COMPUTE_32F_PEDANTIC);
SAME(CUBLAS_COMPUTE_64F);
SAME(CUBLAS_COMPUTE_32F_FAST_TF32);
SAME(CUDA_R_32F);
SAME(CUDA_R_64F);
SAME(CUDA_R_16F);
SAME(CUDA_R_16BF);
SAME(CUBLASLT_ORDER_COL);
SAME(CUBLASLT_ORDER_ROW);
SAME(CUBLASLT_EPILOGUE_DEFAULT);
SAME(CUBLASLT_EPILOGUE_RELU);
SAME(CUBLASLT_EPILOGUE_BIAS);
SAME(CUBLASLT_EPILOGUE_RELU_BIAS);
SAME(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE);
SAME(CUBLASLT_MATMUL_DESC_SCALE_TYPE);
SAME(CUBLASLT_MATMUL_DESC_POINTER_MODE);
SAME(CUBLASLT_MATMUL_DESC_TRANSA);
SAME(CUBLASLT_MATMUL_DESC_TRANSB);
SAME(CUBLASLT_MATMUL_DESC_EPILOGUE);
SAME(CUBLASLT_MATMUL_DESC_BIAS_POINTER);
SAME(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE);
SAME(CUBLASLT_MATRIX_LAYOUT_TYPE);
SAME(CUBLASLT_MATRIX_LAYOUT_ORDER);
SAME(CUBLASLT_MATRIX_LAYOUT_ROWS);
SAME(CUBLASLT_MATRIX_LAYOUT_COLS);
SAME(CUBLASLT_MATRIX_LAYOUT_LD);
SAME(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT);
SAME(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
SAME(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
SAME(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
SAME(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
SAME(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
SAME(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);

// --- cuDNN
SAME(CUDNN_STATUS_SUCCESS);
SAME(CUDNN_STATUS_NOT_INITIALIZED);
SAME(CUDNN_STATUS_BAD_PARAM);
SAME(CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
SAME(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
SAME(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
SAME(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
SAME(CUDNN_STATUS_NOT_SUPPORTED);
SAME(CUDNN_STATUS_INTERNAL_ERROR);
SAME(CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED);
SAME(CUDNN_STATUS_EXECUTION_FAILED);
SAME(CUDNN_DATA_FLOAT);
SAME(CUDNN_DATA_DOUBLE);
SAME(CUDNN_DATA_HALF);
SAME(CUDNN_DATA_BFLOAT16);
SAME(CUDNN_TENSOR_NCHW);
SAME(CUDNN_TENSOR_NHWC);
SAME(CUDNN_CONVOLUTION);
SAME(CUDNN_CROSS_CORRELATION);
SAME(CUDNN_DEFAULT_MATH);
SAME(CUDNN_TENSOR_OP_MATH);
SAME(CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION);
SAME(CUDNN_FMA_MATH);
SAME(CUDNN_ACTIVATION_RELU);
SAME(CUDNN_ACTIVATION_IDENTITY);
SAME(CUDNN_NOT_PROPAGATE_NAN);
SAME(CUDNN_PROPAGATE_NAN);
SAME(CUDNN_NON_DETERMINISTIC);
SAME(CUDNN_DETERMINISTIC);
SAME(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM);
SAME(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM);
SAME(CUDNN_CONVOLUTION_FWD_ALGO_GEMM);
SAME(CUDNN_CONVOLUTION_FWD_ALGO_DIRECT);
SAME(CUDNN_CONVOLUTION_FWD_ALGO_FFT);
SAME(CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING);
SAME(CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD);
SAME(CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED);
SAME(CUDNN_CONVOLUTION_FWD_ALGO_COUNT);
SAME(CUDNN_CONVOLUTION_BWD_DATA_ALGO_0);
SAME(CUDNN_CONVOLUTION_BWD_DATA_ALGO_1);
SAME(CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT);
SAME(CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING);
SAME(CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD);
SAME(CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED);
SAME(CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT);
SAME(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0);
SAME(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1);
SAME(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT);
SAME(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3);
SAME(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD);
SAME(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED);
SAME(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING);
SAME(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT);

// --- fields
#define SAME_FIELD(name) \
  static_assert(std::is_same_v<decltype(own::cudaDeviceProp::name), decltype(::cudaDeviceProp::name)>, #name)
SAME_FIELD(name);
SAME_FIELD(totalGlobalMem);
SAME_FIELD(sharedMemPerBlock);
SAME_FIELD(regsPerBlock);
SAME_FIELD(warpSize);
SAME_FIELD(maxThreadsPerBlock);
SAME_FIELD(maxThreadsDim);
SAME_FIELD(maxGridSize);
SAME_FIELD(major);
SAME_FIELD(minor);
SAME_FIELD(multiProcessorCount);
SAME_FIELD(integrated);
SAME_FIELD(concurrentKernels);
SAME_FIELD(ECCEnabled);
SAME_FIELD(pciBusID);
SAME_FIELD(asyncEngineCount);
SAME_FIELD(memoryBusWidth);
SAME_FIELD(l2CacheSize);
SAME_FIELD(maxThreadsPerMultiProcessor);
SAME_FIELD(sharedMemPerMultiprocessor);
SAME_FIELD(regsPerMultiprocessor);
SAME_FIELD(sharedMemPerBlockOptin);

#define SAME_LAYOUT(type, field)                                             \
  static_assert(sizeof(own::type) == sizeof(::type) &&                       \
                    offsetof(own::type, field) == offsetof(::type, field) && \
                    sizeof(own::type::field) == sizeof(::type::field),       \
                #type)
SAME_LAYOUT(cublasLtMatmulAlgo_t, data);
SAME_LAYOUT(cublasLtMatmulHeuristicResult_t, algo);
SAME_LAYOUT(cublasLtMatmulHeuristicResult_t, workspaceSize);
SAME_LAYOUT(cublasLtMatmulHeuristicResult_t, state);
SAME_LAYOUT(cublasLtMatmulHeuristicResult_t, wavesCount);
SAME_LAYOUT(cublasLtMatmulHeuristicResult_t, reserved);
SAME_LAYOUT(cudnnConvolutionFwdAlgoPerf_t, algo);
SAME_LAYOUT(cudnnConvolutionFwdAlgoPerf_t, status);
SAME_LAYOUT(cudnnConvolutionFwdAlgoPerf_t, time);
SAME_LAYOUT(cudnnConvolutionFwdAlgoPerf_t, memory);
SAME_LAYOUT(cudnnConvolutionFwdAlgoPerf_t, determinism);
SAME_LAYOUT(cudnnConvolutionFwdAlgoPerf_t, mathType);
SAME_LAYOUT(cudnnConvolutionFwdAlgoPerf_t, reserved);
SAME_LAYOUT(cudnnConvolutionBwdDataAlgoPerf_t, algo);
SAME_LAYOUT(cudnnConvolutionBwdDataAlgoPerf_t, status);
SAME_LAYOUT(cudnnConvolutionBwdDataAlgoPerf_t, time);
SAME_LAYOUT(cudnnConvolutionBwdDataAlgoPerf_t, memory);
SAME_LAYOUT(cudnnConvolutionBwdDataAlgoPerf_t, determinism);
SAME_LAYOUT(cudnnConvolutionBwdDataAlgoPerf_t, mathType);
SAME_LAYOUT(cudnnConvolutionBwdDataAlgoPerf_t, reserved);
SAME_LAYOUT(cudnnConvolutionBwdFilterAlgoPerf_t, algo);
SAME_LAYOUT(cudnnConvolutionBwdFilterAlgoPerf_t, status);
SAME_LAYOUT(cudnnConvolutionBwdFilterAlgoPerf_t, time);
SAME_LAYOUT(cudnnConvolutionBwdFilterAlgoPerf_t, memory);
SAME_LAYOUT(cudnnConvolutionBwdFilterAlgoPerf_t, determinism);
SAME_LAYOUT(cudnnConvolutionBwdFilterAlgoPerf_t, mathType);
SAME_LAYOUT(cudnnConvolutionBwdFilterAlgoPerf_t, reserved);
