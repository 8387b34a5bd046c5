// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/convolution.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace CAWE_DEVICE {
namespace {

/// Networks have few shapes, but images of many sizes bring many; plans are cheap to make again.
constexpr size_t kMostPlans = 2048;

struct Algorithm {
  int number;  ///< value of the library's enumeration for this pass
  size_t workspace;
  cudnnMathType_t math;
};

const char* call_name(const ConvolutionProblem& p) {
  if (p.pass == ConvolutionPass::grad_input) return "cudnnConvolutionBackwardData";
  if (p.pass == ConvolutionPass::grad_weight) return "cudnnConvolutionBackwardFilter";
  return p.epilogue == Epilogue::none ? "cudnnConvolutionForward" : "cudnnConvolutionBiasActivationForward";
}

cudnnDataType_t data_type(Number number) {
  switch (number) {
    case Number::f64:
      return CUDNN_DATA_DOUBLE;
    case Number::f16:
      return CUDNN_DATA_HALF;
    case Number::bf16:
      return CUDNN_DATA_BFLOAT16;
    default:
      return CUDNN_DATA_FLOAT;
  }
}

/// f16 and bf16 may use tensor cores (sums stay in f32); f32 only where TF32 is wanted.
cudnnMathType_t math_type(Number number, bool tf32) {
  if (number == Number::f16 || number == Number::bf16) return CUDNN_TENSOR_OP_MATH;
  return number == Number::f32 && !tf32 ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH;
}

bool is_transform(cudnnConvolutionFwdAlgo_t a) { return a >= CUDNN_CONVOLUTION_FWD_ALGO_FFT; }
bool is_transform(cudnnConvolutionBwdDataAlgo_t a) { return a >= CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT; }
bool is_transform(cudnnConvolutionBwdFilterAlgo_t a) {
  return a >= CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT && a != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3;
}

/// The algorithms that the library proposes, without those that are not deterministic, not exact enough, need
/// too much workspace or fail. ask(most, count, results) is one of cuDNN's query functions.
template <class Answer, class Ask>
std::vector<Algorithm> usable(cudnnMathType_t wanted, const Settings& settings, Ask ask) {
  constexpr int kMost = 16;
  Answer answers[kMost];
  int count = 0;
  const cudnnStatus_t status = ask(kMost, &count, answers);
  if (is_refusal(status)) return {};
  if (status != CUDNN_STATUS_SUCCESS) fail_cudnn("cudnnGetConvolution...Algorithm_v7", status);
  std::vector<Algorithm> found;
  for (int i = 0; i < count; ++i) {
    const Answer& a = answers[i];
    if (a.status != CUDNN_STATUS_SUCCESS || a.determinism != CUDNN_DETERMINISTIC ||
        a.memory > settings.workspace_bytes || (is_transform(a.algo) && !settings.winograd))
      continue;
    found.push_back({int(a.algo), a.memory, wanted == CUDNN_FMA_MATH ? wanted : a.mathType});
  }
  return found;
}

/// A bias without ReLU goes with a single algorithm; the others refuse the call.
void leave_those_that_fuse_a_bias(std::vector<Algorithm>& algorithms) {
  algorithms.erase(std::remove_if(algorithms.begin(), algorithms.end(),
                                  [](const Algorithm& a) {
                                    return a.number != int(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM);
                                  }),
                   algorithms.end());
}

}  // namespace

/// The problem as cuDNN's descriptors, and its algorithms.
struct Convolutions::Plan {
  Plan(const ConvolutionProblem& p, bool tf32) : math(math_type(p.number, tf32)) {
    const cudnnTensorFormat_t format = p.channels_last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW;
    const cudnnDataType_t type = data_type(p.number);
    const auto set = [&](cudnnTensorDescriptor_t d, const Dims4& size) {
      CAWE_CUDNN(
          cudnnSetTensor4dDescriptor(d, format, type, int(size.n), int(size.c), int(size.h), int(size.w)));
    };
    set(x, p.x);
    set(y, p.y);
    set(bias, {1, p.y.c, 1, 1});
    CAWE_CUDNN(cudnnSetFilter4dDescriptor(w, type, format, int(p.w.n), int(p.w.c), int(p.w.h), int(p.w.w)));
    const int padding = int(p.params.padding), stride = int(p.params.stride),
              dilation = int(p.params.dilation);
    CAWE_CUDNN(cudnnSetConvolution2dDescriptor(
        conv, padding, padding, stride, stride, dilation, dilation, CUDNN_CROSS_CORRELATION,
        p.number == Number::f64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT));
    CAWE_CUDNN(cudnnSetConvolutionGroupCount(conv, int(p.params.groups)));
    CAWE_CUDNN(cudnnSetConvolutionMathType(conv, math));
    const cudnnActivationMode_t mode =
        p.epilogue == Epilogue::bias_relu ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY;
    // ReLU must keep NaN, or a broken network looks sound; where the library has no such ReLU it refuses, and the caller
    // adds bias and ReLU itself. The identity keeps it in any case, and must not ask for it.
    const auto nan = p.epilogue == Epilogue::bias_relu ? CUDNN_PROPAGATE_NAN : CUDNN_NOT_PROPAGATE_NAN;
    CAWE_CUDNN(cudnnSetActivationDescriptor(activation, mode, nan, 0));
  }

  cudnnMathType_t math;  ///< the mode that conv is set to now
  TensorDescriptor x, y, bias;
  FilterDescriptor w;
  ConvolutionDescriptor conv;
  ActivationDescriptor activation;
  std::vector<Algorithm> algorithms;
  size_t current = 0;  ///< index of the algorithm in use; earlier ones failed for this problem
  std::string refusal = "no deterministic algorithm within the workspace";
};

Convolutions::Convolutions(Libraries& libraries, DeviceAllocator& allocator, const Settings& settings)
    : libraries_(libraries), allocator_(allocator), settings_(settings) {}
Convolutions::~Convolutions() = default;

Convolutions::Key Convolutions::key_of(const ConvolutionProblem& p) {
  return {p.pass,
          p.epilogue,
          p.number,
          p.channels_last,
          {p.x.n, p.x.c, p.x.h, p.x.w, p.w.n, p.w.c, p.w.h, p.w.w, p.y.n, p.y.c, p.y.h, p.y.w,
           p.params.stride, p.params.padding, p.params.dilation, p.params.groups}};
}

void Convolutions::list_algorithms(const ConvolutionProblem& problem, Plan& plan) {
  const cudnnHandle_t handle = libraries_.cudnn();
  switch (problem.pass) {
    case ConvolutionPass::forward:
      plan.algorithms =
          usable<cudnnConvolutionFwdAlgoPerf_t>(plan.math, settings_, [&](int n, int* count, auto* answers) {
            return cudnnGetConvolutionForwardAlgorithm_v7(handle, plan.x, plan.w, plan.conv, plan.y, n, count,
                                                          answers);
          });
      if (problem.epilogue == Epilogue::bias) leave_those_that_fuse_a_bias(plan.algorithms);
      break;
    case ConvolutionPass::grad_input:
      plan.algorithms = usable<cudnnConvolutionBwdDataAlgoPerf_t>(
          plan.math, settings_, [&](int n, int* count, auto* answers) {
            return cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, plan.w, plan.y, plan.conv, plan.x, n,
                                                               count, answers);
          });
      break;
    case ConvolutionPass::grad_weight:
      plan.algorithms = usable<cudnnConvolutionBwdFilterAlgoPerf_t>(
          plan.math, settings_, [&](int n, int* count, auto* answers) {
            return cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, plan.x, plan.y, plan.conv, plan.w, n,
                                                                 count, answers);
          });
      break;
  }
}

Convolutions::Plan& Convolutions::plan_of(const ConvolutionProblem& problem) {
  const Key key = key_of(problem);
  const auto known = plans_.find(key);
  if (known != plans_.end()) {
    ++statistics_.found;
    return *known->second;
  }
  if (plans_.size() >= kMostPlans) plans_.clear();
  auto plan = std::make_unique<Plan>(problem, settings_.tf32);
  list_algorithms(problem, *plan);
  ++statistics_.made;
  return *(plans_[key] = std::move(plan));
}

cudnnStatus_t Convolutions::call(const ConvolutionProblem& problem, Plan& plan, void* x, void* w,
                                 const void* bias, void* y, const Scratch& workspace) {
  const cudnnHandle_t handle = libraries_.cudnn();
  const Algorithm& a = plan.algorithms[plan.current];
  const Factor one(1), zero(0);
  const void *alpha = one.of(problem.number), *beta = zero.of(problem.number);
  if (plan.math != a.math) {
    CAWE_CUDNN(cudnnSetConvolutionMathType(plan.conv, a.math));
    plan.math = a.math;
  }
  switch (problem.pass) {
    case ConvolutionPass::grad_input:
      return cudnnConvolutionBackwardData(handle, alpha, plan.w, w, plan.y, y, plan.conv,
                                          cudnnConvolutionBwdDataAlgo_t(a.number), workspace.data(),
                                          a.workspace, beta, plan.x, x);
    case ConvolutionPass::grad_weight:
      return cudnnConvolutionBackwardFilter(handle, alpha, plan.x, x, plan.y, y, plan.conv,
                                            cudnnConvolutionBwdFilterAlgo_t(a.number), workspace.data(),
                                            a.workspace, beta, plan.w, w);
    default:
      break;
  }
  const auto algorithm = cudnnConvolutionFwdAlgo_t(a.number);
  if (problem.epilogue == Epilogue::none)
    return cudnnConvolutionForward(handle, alpha, plan.x, x, plan.w, w, plan.conv, algorithm,
                                   workspace.data(), a.workspace, beta, plan.y, y);
  // The call wants a tensor z to add; with beta = 0 it is not read, and y is passed for it.
  return cudnnConvolutionBiasActivationForward(handle, alpha, plan.x, x, plan.w, w, plan.conv, algorithm,
                                               workspace.data(), a.workspace, beta, plan.y, y, plan.bias,
                                               bias, plan.activation, plan.y, y);
}

bool Convolutions::run(const ConvolutionProblem& problem, void* x, void* w, const void* bias, void* y,
                       std::string& refusal) {
  const std::lock_guard<std::mutex> hold(mutex_);
  Plan& plan = plan_of(problem);
  std::optional<size_t> starved;
  for (; plan.current < plan.algorithms.size(); ++plan.current) {
    const Algorithm& a = plan.algorithms[plan.current];
    const Scratch workspace(allocator_, a.workspace);
    if (!workspace.good()) {
      if (!starved) starved = plan.current;
      plan.refusal =
          detail::concat("algorithm ", a.number, ": no memory for a workspace of ", a.workspace, " bytes");
      continue;
    }
    const cudnnStatus_t status = call(problem, plan, x, w, bias, y, workspace);
    if (status == CUDNN_STATUS_SUCCESS) return true;
    if (!is_refusal(status)) fail_cudnn(call_name(problem), status);
    plan.refusal = detail::concat("algorithm ", a.number, ": ", cudnnGetErrorString(status));
  }
  if (starved && problem.epilogue == Epilogue::none) {
    plan.current = *starved;  // only memory was missing, so try this one again next time
    allocator_.fail_out_of_memory(plan.algorithms[*starved].workspace);
  }
  refusal = plan.refusal;
  return false;
}

PlanStatistics Convolutions::statistics() const {
  const std::lock_guard<std::mutex> hold(mutex_);
  return statistics_;
}

}  // namespace CAWE_DEVICE
