// SPDX-License-Identifier: Apache-2.0
// Convolutions by cuDNN's legacy calls: the library's algorithms for a problem, best first.
#include <algorithm>
#include <vector>

#include "cuda/runtime/convolution_plan.h"
#include "cuda/runtime/libraries.h"
#include "cuda/runtime/refusals.h"

namespace CAWE_DEVICE {
namespace {

struct Algorithm {
  int number;  ///< value of the library's enumeration for this pass
  size_t workspace;
  cudnnMathType_t math;
};

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

std::string name_of(int algorithm) { return detail::concat("algorithm ", algorithm); }

/// What is wrong with an algorithm that the library proposes; "" where it may be used.
template <class Answer>
std::string fault_of(const Answer& a, const Settings& settings) {
  if (a.status != CUDNN_STATUS_SUCCESS)
    return detail::concat(cudnnGetErrorString(a.status), " (", int(a.status), ")");
  if (a.determinism != CUDNN_DETERMINISTIC) return "not deterministic";
  if (is_transform(a.algo) && !settings.winograd) return "by a transform, which CAWE_WINOGRAD allows";
  if (a.memory > settings.workspace_bytes)
    return detail::concat("a workspace of ", a.memory, " bytes is above the limit");
  return "";
}

/// The algorithms that the library proposes, without those that are not deterministic, not exact enough, need
/// too much workspace or fail, which go to `left_out`. ask(most, count, results) is one of cuDNN's query functions.
template <class Answer, class Ask>
std::vector<Algorithm> usable(cudnnMathType_t wanted, const Settings& settings, Refusals& left_out, Ask ask) {
  constexpr int kMost = 16;
  Answer answers[kMost];
  int count = 0;
  const cudnnStatus_t status = ask(kMost, &count, answers);
  if (is_refusal(status)) {
    left_out.add("cudnnGetConvolution...Algorithm_v7", CAWE_DEVICE::describe(status));
    return {};
  }
  if (status != CUDNN_STATUS_SUCCESS) fail_cudnn("cudnnGetConvolution...Algorithm_v7", status);
  std::vector<Algorithm> found;
  for (int i = 0; i < count; ++i) {
    const Answer& a = answers[i];
    const std::string fault = fault_of(a, settings);
    if (fault.empty())
      found.push_back({int(a.algo), a.memory, wanted == CUDNN_FMA_MATH ? wanted : a.mathType});
    else
      left_out.add(name_of(int(a.algo)), fault);
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

/// The problem as cuDNN's descriptors, and its algorithms.
class LegacyPlan final : public ConvolutionPlan {
 public:
  LegacyPlan(const ConvolutionProblem& p, cudnnHandle_t handle, const Settings& settings)
      : problem_(p), handle_(handle), math_(math_type(p.number, settings.tf32)) {
    describe();
    if (problem_.epilogue == Epilogue::bias_relu)
      none_ = "the legacy calls fuse no ReLU that keeps NaN";
    else
      list_algorithms(settings);
    for (const Algorithm& a : algorithms_) choices_.push_back({name_of(a.number), a.workspace});
  }

  const ConvolutionChoice* choice(size_t i) override { return i < choices_.size() ? &choices_[i] : nullptr; }

  cudnnStatus_t run(size_t i, const ConvolutionOperands& o, void* workspace) override {
    const Algorithm& a = algorithms_[i];
    const Factor one(1), zero(0);
    const void *alpha = one.of(problem_.number), *beta = zero.of(problem_.number);
    if (math_ != a.math) {
      CAWE_CUDNN(cudnnSetConvolutionMathType(conv_, a.math));
      math_ = a.math;
    }
    switch (problem_.pass) {
      case ConvolutionPass::grad_input:
        return cudnnConvolutionBackwardData(handle_, alpha, w_, o.w, y_, o.y, conv_,
                                            cudnnConvolutionBwdDataAlgo_t(a.number), workspace, a.workspace,
                                            beta, x_, o.x);
      case ConvolutionPass::grad_weight:
        return cudnnConvolutionBackwardFilter(handle_, alpha, x_, o.x, y_, o.y, conv_,
                                              cudnnConvolutionBwdFilterAlgo_t(a.number), workspace,
                                              a.workspace, beta, w_, o.w);
      default:
        break;
    }
    const auto algorithm = cudnnConvolutionFwdAlgo_t(a.number);
    if (problem_.epilogue == Epilogue::none)
      return cudnnConvolutionForward(handle_, alpha, x_, o.x, w_, o.w, conv_, algorithm, workspace,
                                     a.workspace, beta, y_, o.y);
    // The call wants a tensor z to add; with beta = 0 it is not read, and y is passed for it.
    return cudnnConvolutionBiasActivationForward(handle_, alpha, x_, o.x, w_, o.w, conv_, algorithm,
                                                 workspace, a.workspace, beta, y_, o.y, bias_, o.bias,
                                                 activation_, y_, o.y);
  }

  const char* call() const override {
    if (problem_.pass == ConvolutionPass::grad_input) return "cudnnConvolutionBackwardData";
    if (problem_.pass == ConvolutionPass::grad_weight) return "cudnnConvolutionBackwardFilter";
    return problem_.epilogue == Epilogue::none ? "cudnnConvolutionForward"
                                               : "cudnnConvolutionBiasActivationForward";
  }
  std::string refusal() const override {
    const std::string left_out = left_out_.text();
    if (!choices_.empty()) return left_out;
    return left_out.empty() ? none_ : none_ + " (" + left_out + ")";
  }

 private:
  void describe() {
    const ConvolutionProblem& p = problem_;
    const cudnnTensorFormat_t format = p.channels_last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW;
    const cudnnDataType_t type = data_type(p.number);
    const auto set = [&](cudnnTensorDescriptor_t d, const Dims4& size) {
      CAWE_CUDNN(
          cudnnSetTensor4dDescriptor(d, format, type, int(size.n), int(size.c), int(size.h), int(size.w)));
    };
    set(x_, p.x);
    set(y_, p.y);
    set(bias_, {1, p.y.c, 1, 1});
    CAWE_CUDNN(cudnnSetFilter4dDescriptor(w_, type, format, int(p.w.n), int(p.w.c), int(p.w.h), int(p.w.w)));
    const int padding = int(p.params.padding), stride = int(p.params.stride),
              dilation = int(p.params.dilation);
    CAWE_CUDNN(cudnnSetConvolution2dDescriptor(conv_, padding, padding, stride, stride, dilation, dilation,
                                               CUDNN_CROSS_CORRELATION, sum_type(p.number)));
    CAWE_CUDNN(cudnnSetConvolutionGroupCount(conv_, int(p.params.groups)));
    CAWE_CUDNN(cudnnSetConvolutionMathType(conv_, math_));
    // The identity keeps NaN whatever is asked for, as it clips nothing. ReLU must keep it, or a broken network looks
    // sound, and the fused call knows no such ReLU.
    CAWE_CUDNN(
        cudnnSetActivationDescriptor(activation_, CUDNN_ACTIVATION_IDENTITY, CUDNN_NOT_PROPAGATE_NAN, 0));
  }

  void list_algorithms(const Settings& settings) {
    switch (problem_.pass) {
      case ConvolutionPass::forward:
        algorithms_ = usable<cudnnConvolutionFwdAlgoPerf_t>(
            math_, settings, left_out_, [&](int n, int* count, auto* answers) {
              return cudnnGetConvolutionForwardAlgorithm_v7(handle_, x_, w_, conv_, y_, n, count, answers);
            });
        if (problem_.epilogue == Epilogue::bias) leave_those_that_fuse_a_bias(algorithms_);
        break;
      case ConvolutionPass::grad_input:
        algorithms_ = usable<cudnnConvolutionBwdDataAlgoPerf_t>(
            math_, settings, left_out_, [&](int n, int* count, auto* answers) {
              return cudnnGetConvolutionBackwardDataAlgorithm_v7(handle_, w_, y_, conv_, x_, n, count,
                                                                 answers);
            });
        break;
      case ConvolutionPass::grad_weight:
        algorithms_ = usable<cudnnConvolutionBwdFilterAlgoPerf_t>(
            math_, settings, left_out_, [&](int n, int* count, auto* answers) {
              return cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle_, x_, y_, conv_, w_, n, count,
                                                                   answers);
            });
        break;
    }
  }

  const ConvolutionProblem problem_;
  const cudnnHandle_t handle_;
  cudnnMathType_t math_;  ///< the mode that conv_ is set to now
  TensorDescriptor x_, y_, bias_;
  FilterDescriptor w_;
  ConvolutionDescriptor conv_;
  ActivationDescriptor activation_;
  std::vector<Algorithm> algorithms_;
  std::vector<ConvolutionChoice> choices_;  ///< the same, for the caller
  Refusals left_out_;
  std::string none_ = "no deterministic algorithm within the workspace";
};

}  // namespace

std::unique_ptr<ConvolutionPlan> legacy_plan(const ConvolutionProblem& problem, cudnnHandle_t handle,
                                             const Settings& settings) {
  return std::make_unique<LegacyPlan>(problem, handle, settings);
}

}  // namespace CAWE_DEVICE
