// SPDX-License-Identifier: Apache-2.0
// Convolutions by cuDNN, on operands packed in one layout: channels-last where the result is. f64, f32 without
// TF32, and whatever the library refuses in channels-last, run in NCHW: in f32 the library's kernels for
// channels-last are slow (5 times on an H200). convolution_layout() says so to the operators, so that networks of
// f32 lie in NCHW and convolutions pack nothing. What else packs in NCHW: ADR 16.
//
// A bias and a ReLU are added by the first of these that the library does not refuse: in the same kernel (a ReLU that keeps
// NaN only by the graph interface); the bias in the same kernel, then a ReLU of ours in place; both by a kernel of ours, to
// sums that were rounded to the type.
#include <array>
#include <vector>

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"
#include "cuda/kernels/batch_norm.h"
#include "cuda/runtime/runtime.h"
#include "tensor/elementwise.h"

namespace CAWE_DEVICE {
namespace {

Layout fastest_layout(DType dtype, const Settings& settings) {
  const bool nchw = dtype == DType::f64 || (dtype == DType::f32 && !settings.tf32);
  return nchw ? Layout::contiguous : Layout::channels_last;
}

/// One pass (forward, by input or by weight); x, w and y always mean what they are in the forward pass.
class Pass {
 public:
  Pass(Runtime& runtime, ConvolutionPass pass, const Tensor& x, const Tensor& w, const Tensor& y,
       const Conv2dParams& params)
      : runtime_(runtime), operands_{x, w, y} {
    for (const Tensor& t : operands_)
      CAWE_CHECK(t.numel() <= INT32_MAX, Code::shape, current_operator(), ": ", t.shape(),
                 " has 2^31 elements or more, which cuDNN cannot count. Use a smaller batch or image.");
    problem_ = {pass,       Epilogue::none, number_of(current_operator(), x), false, dims_of(x), dims_of(w),
                dims_of(y), params};
  }

  /// False where the library has no algorithm for this layout and epilogue, which adds bias [O].
  bool run(bool channels_last, Epilogue epilogue = Epilogue::none, const void* bias = nullptr) {
    ConvolutionProblem problem = problem_;
    problem.channels_last = channels_last;
    problem.epilogue = epilogue;
    const size_t output = output_index();
    const Layout layout = channels_last ? Layout::channels_last : Layout::contiguous;
    std::array<Tensor, 3> t;
    for (size_t i = 0; i < 3; ++i)
      t[i] = i == output ? packed_output(operands_[i], layout) : packed(operands_[i], layout);
    const ConvolutionOperands memory{t[0].raw(), t[1].raw(), bias, t[2].raw()};
    Refusal refusal;
    if (!runtime_.convolutions.run(problem, memory, refusal)) {
      refused_.push_back({channels_last, epilogue != Epilogue::none, refusal});
      return false;
    }
    if (t[output].raw() != operands_[output].raw()) operands_[output].copy_from(t[output]);
    return true;
  }

  std::string why() const {
    Refusals all(4000);
    for (const Refused& r : refused_)
      all.add(
          detail::concat(r.channels_last ? "channels-last" : "NCHW", r.epilogue ? " with its epilogue" : ""),
          *r.reason);
    return all.text();
  }

  /// Runs in the preferred layout, or else in the other one; throws where neither works.
  void run_anyhow() {
    const bool first = prefers_channels_last();
    if (run(first) || run(!first)) return;
    fail(Code::unsupported, current_operator(), ": cuDNN has no algorithm for x ", operands_[0].shape(),
         ", w ", operands_[1].shape(), ", ", cawe::name(operands_[0].dtype()), " (", why(),
         "). Raise CAWE_CUDNN_WORKSPACE_MB, use f32, or --device cpu.");
  }

  bool prefers_channels_last() const {
    const Tensor &x = operands_[0], &y = operands_[2];
    if (!is_last(fastest_layout(x.dtype(), runtime_.settings))) return false;
    if (x.is_contiguous() && y.is_contiguous()) return x.is_channels_last() && y.is_channels_last();
    return (output_index() == 0 ? x : y).is_channels_last();
  }

 private:
  size_t output_index() const {
    return problem_.pass == ConvolutionPass::grad_input    ? 0
           : problem_.pass == ConvolutionPass::grad_weight ? 1
                                                           : 2;
  }

  Runtime& runtime_;
  std::array<Tensor, 3> operands_;
  ConvolutionProblem problem_;
  struct Refused {
    bool channels_last, epilogue;
    Refusal reason;
  };
  std::vector<Refused> refused_;
};

/// y = sums + bias, then a ReLU where it is wanted. The sums are dense, in y's layout.
void add_bias(Runtime& runtime, const Tensor& sums, const Tensor& bias, bool relu, Tensor& y) {
  const Number number = number_of(current_operator(), y);
  const bool is_double = number == Number::f64;
  const Layout layout = layout_of(y);
  const Tensor shift = packed(bias.to(is_double ? DType::f64 : DType::f32), Layout::contiguous);
  const Tensor out = packed_output(y, layout);
  channel_affine(number, {y.dim(0), y.dim(1), y.dim(2) * y.dim(3), is_last(layout)}, sums.raw(),
                 runtime.constants.of(is_double ? Constant::ones_f64 : Constant::ones_f32, y.dim(1)),
                 shift.raw(), nullptr, relu, out.raw(), runtime.compute.get());
  deliver(out, y);
}

}  // namespace

Layout CudaBackend::convolution_layout(DType dtype) const {
  return fastest_layout(dtype, runtime_->settings);
}

void CudaBackend::conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dParams& p,
                         bool relu, Tensor& y) {
  if (y.numel() == 0) return;
  Pass pass(*runtime_, ConvolutionPass::forward, x, w, y, p);
  if (!bias.defined() && !relu) return pass.run_anyhow();
  const bool channels_last = pass.prefers_channels_last();
  const Tensor shift = bias.defined() ? packed(bias, Layout::contiguous) : Tensor();
  const bool fuses_relu = relu && runtime_->settings.cudnn == CudnnInterface::graph;
  if (fuses_relu &&
      pass.run(channels_last, Epilogue::bias_relu,
               shift.defined() ? shift.raw() : runtime_->constants.of(Constant::zeros, y.dim(1))))
    return;
  if (!bias.defined()) {
    pass.run_anyhow();
  } else if (!pass.run(channels_last, Epilogue::bias, shift.raw())) {
    const Tensor sums = Tensor::empty(y.shape(), y.dtype(), layout_of(y), y.device());
    Pass(*runtime_, ConvolutionPass::forward, x, w, sums, p).run_anyhow();
    return add_bias(*runtime_, sums, bias, relu, y);
  }
  if (relu) unary(UnaryOp::relu, 0, 0, y, y);
}

void CudaBackend::conv2d_grad_input(const Tensor& dy, const Tensor& w, const Conv2dParams& p, Tensor& dx) {
  if (dx.numel() == 0) return;
  Pass(*runtime_, ConvolutionPass::grad_input, dx, w, dy, p).run_anyhow();
}

void CudaBackend::conv2d_grad_weight(const Tensor& x, const Tensor& dy, const Conv2dParams& p, Tensor& dw,
                                     Tensor& dbias) {
  if (dy.numel() == 0) {
    dw.fill(0);
  } else if (dw.numel() > 0) {
    Pass(*runtime_, ConvolutionPass::grad_weight, x, dw, dy, p).run_anyhow();
  }
  if (!dbias.defined()) return;
  Tensor by_channel = dbias.unsqueeze(0).unsqueeze(-1).unsqueeze(-1);
  sum_to(dy, by_channel);
}

}  // namespace CAWE_DEVICE
