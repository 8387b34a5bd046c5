// SPDX-License-Identifier: Apache-2.0
// cuDNN's convolutions, computed by the CPU backend on copies.
#include "cuda/emulator/vendor/convolution_job.h"

#include "cuda/emulator/simt/emulator.h"
#include "tensor/primitives/conv2d.h"

namespace cawe::emulated {
namespace {

constexpr Layout kLayout = Layout::channels_last;

Shape shape_of(const Strided& x) { return {x.size[0], x.size[1], x.size[2], x.size[3]}; }

Sizes strides_as_sizes(const Tensor& t) { return {t.stride(0), t.stride(1), t.stride(2), t.stride(3)}; }

Tensor& gather_weight(const Convolution& c) {
  Tensor& weight = reused_weight(shape_of(c.w), work_type(c.w.dtype));
  gather("w", c.w, c.tf32, weight, strides_as_sizes(weight));
  return weight;
}

/// The result before alpha and beta.
Tensor compute(Direction direction, const Convolution& c) {
  const DType work = work_type(c.x.dtype);
  if (direction == Direction::forward) {
    Tensor y = Tensor::empty(shape_of(c.y), work, kLayout);
    primitives::conv2d(gather("x", c.x, c.tf32, kLayout), gather_weight(c), Tensor(), c.params, false, y);
    return y;
  }
  const Tensor dy = gather("dy", c.y, c.tf32, kLayout);
  if (direction == Direction::data) {
    Tensor dx = Tensor::empty(shape_of(c.x), work, kLayout);
    primitives::conv2d_grad_input(dy, gather_weight(c), c.params, dx);
    return dx;
  }
  Tensor dw = Tensor::empty(shape_of(c.w), work), no_bias;
  primitives::conv2d_grad_weight(gather("x", c.x, c.tf32, kLayout), dy, c.params, dw, no_bias);
  return dw;
}

struct Names {
  const char *x, *w, *y;
};
constexpr Names names_of(Direction d) {
  return d == Direction::forward ? Names{"x", "w", "y"}
         : d == Direction::data  ? Names{"dx", "w", "dy"}
                                 : Names{"x", "dw", "dy"};
}

bool operands_are_there(const Job& job) {
  const Names names = names_of(job.direction);
  return check_elements(names.x, job.c.x) && check_elements(names.w, job.c.w) &&
         check_elements(names.y, job.c.y) && (job.beta == 0 || check_elements("z", job.old)) &&
         (!job.bias.p || check_elements("the bias", job.bias));
}

void note_operands(const Job& job) {
  const Strided& out = job.c.output(job.direction);
  for (const Strided* operand : {&job.c.x, &job.c.w, &job.c.y})
    if (operand != &out) note_operand(*operand, false);
  if (job.beta != 0) note_operand(job.old, false);
  if (job.bias.p) note_operand(job.bias, false);
  note_operand(out, true);
}

cudaError_t run(const Job& job) {
  if (state().options.dry) return cudaSuccess;
  if (!operands_are_there(job)) return cudaErrorIllegalAddress;
  note_operands(job);
  if (const cudaError_t status = use_workspace(job.workspace)) return status;
  const simt::HostAccess access;
  Epilogue e;
  e.alpha = job.alpha, e.beta = job.beta, e.old = job.old, e.activation = job.activation;
  if (job.bias.p) e.bias = gather("the bias", job.bias);
  const Tensor result = compute(job.direction, job.c);
  scatter(result, strides_as_sizes(result), e, job.c.output(job.direction));
  return cudaSuccess;
}

bool output_is_apart(const Job& job) {
  const Strided& out = job.c.output(job.direction);
  for (const Strided* in : {&job.c.x, &job.c.w, &job.c.y})
    if (in != &out && !check_apart("the output", out.p, out.bytes(), "an input", in->p, in->bytes()))
      return false;
  const bool in_place = job.old.p == out.p && job.old.stride == out.stride;
  return job.beta == 0 || in_place ||
         check_apart("the output", out.p, out.bytes(), "z", job.old.p, job.old.bytes());
}

}  // namespace

bool check_operands(const Job& job) { return operands_are_there(job) && output_is_apart(job); }

cudnnStatus_t enqueue_on(cudnnHandle_t handle, Work work) {
  const StreamPtr stream = stream_of(find<DnnHandle>(handle)->stream);
  if (!stream) return CUDNN_STATUS_EXECUTION_FAILED;
  ++state().traffic.convolutions;
  return enqueue(stream, std::move(work)) == cudaSuccess ? CUDNN_STATUS_SUCCESS
                                                         : CUDNN_STATUS_EXECUTION_FAILED;
}

cudnnStatus_t enqueue_job(cudnnHandle_t handle, const Job& job) {
  return enqueue_on(handle, [job] { return run(job); });
}

}  // namespace cawe::emulated
