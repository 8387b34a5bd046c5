// SPDX-License-Identifier: Apache-2.0
// cuDNN's ways to choose an algorithm, and the workspace that one needs.
#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/convolution.h"

namespace cawe::emulated {
namespace {

struct Candidate {
  int algorithm;
  cudnnDeterminism_t determinism;
};
// All of the vendor's algorithms of a direction, the fastest of this made-up device first.
constexpr Candidate kForward[] = {
    {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_FWD_ALGO_GEMM, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_FWD_ALGO_DIRECT, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_FWD_ALGO_FFT, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED, CUDNN_DETERMINISTIC},
};
constexpr Candidate kData[] = {
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, CUDNN_NON_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED, CUDNN_DETERMINISTIC},
};
constexpr Candidate kFilter[] = {
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, CUDNN_NON_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, CUDNN_NON_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING, CUDNN_DETERMINISTIC},
};

/// The direction, candidates and enumeration of a result type.
template <class Performance>
struct Choice;
template <>
struct Choice<cudnnConvolutionFwdAlgoPerf_t> {
  using Algorithm = cudnnConvolutionFwdAlgo_t;
  static constexpr Direction direction = Direction::forward;
  static constexpr auto& candidates = kForward;
};
template <>
struct Choice<cudnnConvolutionBwdDataAlgoPerf_t> {
  using Algorithm = cudnnConvolutionBwdDataAlgo_t;
  static constexpr Direction direction = Direction::data;
  static constexpr auto& candidates = kData;
};
template <>
struct Choice<cudnnConvolutionBwdFilterAlgoPerf_t> {
  using Algorithm = cudnnConvolutionBwdFilterAlgo_t;
  static constexpr Direction direction = Direction::filter;
  static constexpr auto& candidates = kFilter;
};

/// What a call for an algorithm was given.
template <class Performance>
struct Query {
  cudnnHandle_t handle;
  cudnnTensorDescriptor_t x;
  cudnnFilterDescriptor_t w;
  cudnnConvolutionDescriptor_t conv;
  cudnnTensorDescriptor_t y;
  int requested;
  int* returned;
  Performance* results;
};

/// Usable algorithms come first, the others with CUDNN_STATUS_NOT_SUPPORTED. `limit`: of the workspace. Times
/// are the order of the list, or -1 where nothing was measured, as the library says it.
template <class Performance>
void list(const Query<Performance>& q, const Convolution& c, size_t limit, bool measured,
          cudnnMathType_t math) {
  using Chosen = Choice<Performance>;
  int count = 0;
  for (const bool usable : {true, false})
    for (const Candidate& candidate : Chosen::candidates) {
      size_t bytes = 0;
      const bool fits =
          algorithm_workspace(Chosen::direction, candidate.algorithm, c, bytes) && bytes <= limit;
      if (fits != usable || count == q.requested) continue;
      Performance& r = q.results[count++];
      r = {};
      r.algo = typename Chosen::Algorithm(candidate.algorithm);
      r.status = usable ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
      r.time = measured && usable ? float(count) : -1.0f;
      r.memory = bytes;
      r.determinism = candidate.determinism;
      r.mathType = math;
    }
  *q.returned = count;
}

template <class Performance>
cudnnStatus_t read(const Query<Performance>& q, Convolution& c) {
  if (!find<DnnHandle>(q.handle)) return CUDNN_STATUS_BAD_PARAM;
  if (!q.returned || !q.results || q.requested < 1)
    return refuse(CUDNN_STATUS_BAD_PARAM, "no room for a result");
  *q.returned = 0;
  return read_convolution(q.x, q.w, q.conv, q.y, c);
}

template <class Performance>
cudnnStatus_t ask_heuristic(const char* name, const Query<Performance>& q) {
  return dnn_call(name, [&]() -> cudnnStatus_t {
    Convolution c;
    if (const cudnnStatus_t status = read(q, c)) return status;
    list(q, c, ~size_t{0}, false, find<ConvolutionDesc>(q.conv)->math);
    return CUDNN_STATUS_SUCCESS;
  });
}

/// Measuring waits for the device and allocates.
template <class Performance>
cudnnStatus_t measure(const char* name, const Query<Performance>& q) {
  return dnn_call(name, [&]() -> cudnnStatus_t {
    Convolution c;
    if (const cudnnStatus_t status = read(q, c)) return status;
    if (forbidden_by_capture() || device_wait_forbidden() || wait_for_all() != cudaSuccess)
      return CUDNN_STATUS_EXECUTION_FAILED;
    list(q, c, ~size_t{0}, true, find<ConvolutionDesc>(q.conv)->math);
    return CUDNN_STATUS_SUCCESS;
  });
}

/// The same on the caller's memory, whose output every trial overwrites.
template <class Performance>
cudnnStatus_t measure_on(const char* name, const Query<Performance>& q, const void* x, const void* w,
                         const void* y, void* workspace, size_t bytes) {
  return dnn_call(name, [&]() -> cudnnStatus_t {
    Convolution c;
    if (const cudnnStatus_t status = read(q, c)) return status;
    c.x.p = device_pointer(x), c.w.p = device_pointer(w), c.y.p = device_pointer(y);
    if (const cudnnStatus_t status = check_alignment(c)) return status;
    if (!check_elements("x", c.x) || !check_elements("w", c.w) || !check_elements("y", c.y))
      return CUDNN_STATUS_BAD_PARAM;
    if (!check_workspace({workspace, bytes}, bytes, kWorkspaceAlignment, {&c.x, &c.w, &c.y}))
      return CUDNN_STATUS_BAD_PARAM;
    if (forbidden_by_capture() || device_wait_forbidden() || wait_for_all() != cudaSuccess)
      return CUDNN_STATUS_EXECUTION_FAILED;
    list(q, c, bytes, true, find<ConvolutionDesc>(q.conv)->math);
    const simt::HostAccess access;
    overwrite(c.output(Choice<Performance>::direction));
    return use_workspace({workspace, bytes}) == cudaSuccess ? CUDNN_STATUS_SUCCESS
                                                            : CUDNN_STATUS_EXECUTION_FAILED;
  });
}

cudnnStatus_t ask_workspace(const char* name, cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                            cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t conv,
                            cudnnTensorDescriptor_t y, Direction direction, int algorithm, size_t* bytes) {
  return dnn_call(name, [&]() -> cudnnStatus_t {
    Convolution c;
    if (!find<DnnHandle>(handle)) return CUDNN_STATUS_BAD_PARAM;
    if (!bytes) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the result's address is nullptr");
    if (const cudnnStatus_t status = read_convolution(x, w, conv, y, c)) return status;
    if (algorithm_workspace(direction, algorithm, c, *bytes)) return CUDNN_STATUS_SUCCESS;
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "algorithm ", algorithm, " cannot compute this convolution");
  });
}

}  // namespace
}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                     cudnnFilterDescriptor_t w,
                                                     cudnnConvolutionDescriptor_t conv,
                                                     cudnnTensorDescriptor_t y, int requested, int* returned,
                                                     cudnnConvolutionFwdAlgoPerf_t* results) {
  return ask_heuristic<cudnnConvolutionFwdAlgoPerf_t>(__func__,
                                                      {handle, x, w, conv, y, requested, returned, results});
}

cudnnStatus_t cudnnFindConvolutionForwardAlgorithm(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                   cudnnFilterDescriptor_t w,
                                                   cudnnConvolutionDescriptor_t conv,
                                                   cudnnTensorDescriptor_t y, int requested, int* returned,
                                                   cudnnConvolutionFwdAlgoPerf_t* results) {
  return measure<cudnnConvolutionFwdAlgoPerf_t>(__func__,
                                                {handle, x, w, conv, y, requested, returned, results});
}

cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(cudnnHandle_t handle, cudnnTensorDescriptor_t x_desc,
                                                     const void* x, cudnnFilterDescriptor_t w_desc,
                                                     const void* w, cudnnConvolutionDescriptor_t conv,
                                                     cudnnTensorDescriptor_t y_desc, void* y, int requested,
                                                     int* returned, cudnnConvolutionFwdAlgoPerf_t* results,
                                                     void* workspace, size_t bytes) {
  return measure_on<cudnnConvolutionFwdAlgoPerf_t>(
      __func__, {handle, x_desc, w_desc, conv, y_desc, requested, returned, results}, x, w, y, workspace,
      bytes);
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                      cudnnFilterDescriptor_t w,
                                                      cudnnConvolutionDescriptor_t conv,
                                                      cudnnTensorDescriptor_t y,
                                                      cudnnConvolutionFwdAlgo_t algo, size_t* bytes) {
  return ask_workspace(__func__, handle, x, w, conv, y, Direction::forward, algo, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                          cudnnTensorDescriptor_t dy,
                                                          cudnnConvolutionDescriptor_t conv,
                                                          cudnnTensorDescriptor_t dx, int requested,
                                                          int* returned,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* results) {
  return ask_heuristic<cudnnConvolutionBwdDataAlgoPerf_t>(
      __func__, {handle, dx, w, conv, dy, requested, returned, results});
}

cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithm(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                        cudnnTensorDescriptor_t dy,
                                                        cudnnConvolutionDescriptor_t conv,
                                                        cudnnTensorDescriptor_t dx, int requested,
                                                        int* returned,
                                                        cudnnConvolutionBwdDataAlgoPerf_t* results) {
  return measure<cudnnConvolutionBwdDataAlgoPerf_t>(__func__,
                                                    {handle, dx, w, conv, dy, requested, returned, results});
}

cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(
    cudnnHandle_t handle, cudnnFilterDescriptor_t w_desc, const void* w, cudnnTensorDescriptor_t dy_desc,
    const void* dy, cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t dx_desc, void* dx,
    int requested, int* returned, cudnnConvolutionBwdDataAlgoPerf_t* results, void* workspace, size_t bytes) {
  return measure_on<cudnnConvolutionBwdDataAlgoPerf_t>(
      __func__, {handle, dx_desc, w_desc, conv, dy_desc, requested, returned, results}, dx, w, dy, workspace,
      bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                           cudnnTensorDescriptor_t dy,
                                                           cudnnConvolutionDescriptor_t conv,
                                                           cudnnTensorDescriptor_t dx,
                                                           cudnnConvolutionBwdDataAlgo_t algo,
                                                           size_t* bytes) {
  return ask_workspace(__func__, handle, dx, w, conv, dy, Direction::data, algo, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                            cudnnTensorDescriptor_t dy,
                                                            cudnnConvolutionDescriptor_t conv,
                                                            cudnnFilterDescriptor_t dw, int requested,
                                                            int* returned,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* results) {
  return ask_heuristic<cudnnConvolutionBwdFilterAlgoPerf_t>(
      __func__, {handle, x, dw, conv, dy, requested, returned, results});
}

cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithm(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                          cudnnTensorDescriptor_t dy,
                                                          cudnnConvolutionDescriptor_t conv,
                                                          cudnnFilterDescriptor_t dw, int requested,
                                                          int* returned,
                                                          cudnnConvolutionBwdFilterAlgoPerf_t* results) {
  return measure<cudnnConvolutionBwdFilterAlgoPerf_t>(
      __func__, {handle, x, dw, conv, dy, requested, returned, results});
}

cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x_desc, const void* x, cudnnTensorDescriptor_t dy_desc,
    const void* dy, cudnnConvolutionDescriptor_t conv, cudnnFilterDescriptor_t dw_desc, void* dw,
    int requested, int* returned, cudnnConvolutionBwdFilterAlgoPerf_t* results, void* workspace,
    size_t bytes) {
  return measure_on<cudnnConvolutionBwdFilterAlgoPerf_t>(
      __func__, {handle, x_desc, dw_desc, conv, dy_desc, requested, returned, results}, x, dw, dy, workspace,
      bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                             cudnnTensorDescriptor_t dy,
                                                             cudnnConvolutionDescriptor_t conv,
                                                             cudnnFilterDescriptor_t dw,
                                                             cudnnConvolutionBwdFilterAlgo_t algo,
                                                             size_t* bytes) {
  return ask_workspace(__func__, handle, x, dw, conv, dy, Direction::filter, algo, bytes);
}

CAWE_EMULATED_END
