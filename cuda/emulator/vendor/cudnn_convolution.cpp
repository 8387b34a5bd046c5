// SPDX-License-Identifier: Apache-2.0
// cuDNN's legacy calls that compute convolutions.
#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/convolution_job.h"
#include "tensor/primitives/batch_norm.h"

namespace cawe::emulated {
namespace {

cudnnStatus_t check_algorithm(Job& job, int algorithm, size_t workspace_bytes) {
  if (!algorithm_workspace(job.direction, algorithm, job.c, job.workspace.needed))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "algorithm ", algorithm, " cannot compute this convolution");
  if (due(Fault::internal, algorithm)) return refuse(CUDNN_STATUS_INTERNAL_ERROR, "an injected fault");
  if (due(Fault::algorithm, algorithm))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "an injected fault: the algorithm");
  if (workspace_bytes < job.workspace.needed)
    return refuse(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "a workspace of ", workspace_bytes,
                  " bytes is too small (algorithm ", algorithm, " needs ", job.workspace.needed, ")");
  if (!check_workspace(job.workspace, workspace_bytes, kWorkspaceAlignment, {&job.c.x, &job.c.w, &job.c.y}))
    return CUDNN_STATUS_BAD_PARAM;
  if (job.workspace.needed > 0 && due(Fault::workspace))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "an injected fault: the workspace");
  return CUDNN_STATUS_SUCCESS;
}

/// Checks everything that is not the fused call's own, and queues. `old` is the output where a call has just
/// a beta.
cudnnStatus_t submit(cudnnHandle_t handle, Job& job, const void* alpha, const void* beta, int algorithm,
                     size_t workspace_bytes) {
  if (!alpha || !beta) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a factor is nullptr");
  job.alpha = read_factor(alpha, job.c.x.dtype);
  job.beta = read_factor(beta, job.c.x.dtype);
  if (!job.old.p) job.old = job.c.output(job.direction);
  if (!check_operands(job)) return CUDNN_STATUS_BAD_PARAM;
  if (const cudnnStatus_t status = check_algorithm(job, algorithm, workspace_bytes)) return status;
  return enqueue_job(handle, job);
}

/// What all convolutions are given, x, w and y in the places of the forward direction.
struct Operands {
  cudnnHandle_t handle;
  cudnnTensorDescriptor_t x_desc;
  const void* x;
  cudnnFilterDescriptor_t w_desc;
  const void* w;
  cudnnConvolutionDescriptor_t conv;
  cudnnTensorDescriptor_t y_desc;
  const void* y;
  void* workspace;
};

cudnnStatus_t read_job(Direction direction, const Operands& o, Job& job) {
  if (!find<DnnHandle>(o.handle)) return CUDNN_STATUS_BAD_PARAM;
  job = Job{};
  job.direction = direction;
  if (const cudnnStatus_t status = read_convolution(o.x_desc, o.w_desc, o.conv, o.y_desc, job.c))
    return status;
  if (!o.x || !o.w || !o.y) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "an operand is nullptr");
  job.c.x.p = device_pointer(o.x), job.c.w.p = device_pointer(o.w), job.c.y.p = device_pointer(o.y);
  if (const cudnnStatus_t status = check_alignment(job.c)) return status;
  job.workspace.p = o.workspace;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t convolve(const char* name, Direction direction, const Operands& operands, const void* alpha,
                       const void* beta, int algorithm, size_t workspace_bytes) {
  return dnn_call(name, [&]() -> cudnnStatus_t {
    Job job;
    if (const cudnnStatus_t status = read_job(direction, operands, job)) return status;
    return submit(operands.handle, job, alpha, beta, algorithm, workspace_bytes);
  });
}

/// z and bias of the fused call.
cudnnStatus_t add_fused(cudnnTensorDescriptor_t z_desc, const void* z, cudnnTensorDescriptor_t bias_desc,
                        const void* bias, Job& job) {
  const auto zd = find<TensorDesc>(z_desc), bd = find<TensorDesc>(bias_desc);
  if (!zd || !bd) return CUDNN_STATUS_BAD_PARAM;
  if (!z || !bias) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "z or the bias is nullptr");
  job.old = zd->elements, job.bias = bd->elements;
  job.old.p = device_pointer(z), job.bias.p = device_pointer(bias);
  const bool fits = zd->set && bd->set && job.old.size == job.c.y.size && job.old.dtype == job.c.y.dtype &&
                    job.bias.size == Sizes{1, job.c.y.size[1], 1, 1} && job.bias.dtype == job.c.y.dtype;
  if (!fits)
    return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH,
                  "z must have y's sizes and type, the bias y's type and the sizes 1, ", job.c.y.size[1],
                  ", 1, 1");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t add_activation(cudnnActivationDescriptor_t desc, int algorithm, Job& job) {
  const auto found = find<ActivationDesc>(desc);
  if (!found) return CUDNN_STATUS_BAD_PARAM;
  if (!found->set) return refuse(CUDNN_STATUS_BAD_PARAM, "the activation descriptor was never set");
  const bool identity = found->mode == CUDNN_ACTIVATION_IDENTITY;
  if (identity && algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED,
                  "identity goes with CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM alone");
  if (!identity && found->keeps_nan)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "ReLU goes with CUDNN_NOT_PROPAGATE_NAN alone");
  job.activation = identity ? Activation::none : Activation::relu_without_nan;
  return CUDNN_STATUS_SUCCESS;
}

/// db = alpha * sum of dy over N, H, W + beta * db
cudaError_t sum_channels(const Strided& dy, const Strided& db, double alpha, double beta) {
  if (!check_elements("dy", dy) || !check_elements("db", db)) return cudaErrorIllegalAddress;
  note_operand(dy, false);
  note_operand(db, true);
  const simt::HostAccess access;
  const Tensor values = gather("dy", dy);
  Tensor channel = Tensor::empty({1, dy.size[1], 1, 1}, values.dtype());
  Tensor sums = Tensor::empty({2, dy.size[1]}, DType::f64);
  primitives::channel_sums(values, sums);
  channel.reshape({dy.size[1]}).copy_from(sums.slice(0, 0, 1).reshape({dy.size[1]}));
  Epilogue e;
  e.alpha = alpha, e.beta = beta, e.old = db;
  scatter(channel, {0, 1, 0, 0}, e, db);
  return cudaSuccess;
}

}  // namespace
}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_desc,
                                      const void* x, cudnnFilterDescriptor_t w_desc, const void* w,
                                      cudnnConvolutionDescriptor_t conv, cudnnConvolutionFwdAlgo_t algo,
                                      void* workspace, size_t bytes, const void* beta,
                                      cudnnTensorDescriptor_t y_desc, void* y) {
  const Operands operands{handle, x_desc, x, w_desc, w, conv, y_desc, y, workspace};
  return convolve(__func__, Direction::forward, operands, alpha, beta, algo, bytes);
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha,
                                           cudnnFilterDescriptor_t w_desc, const void* w,
                                           cudnnTensorDescriptor_t dy_desc, const void* dy,
                                           cudnnConvolutionDescriptor_t conv,
                                           cudnnConvolutionBwdDataAlgo_t algo, void* workspace, size_t bytes,
                                           const void* beta, cudnnTensorDescriptor_t dx_desc, void* dx) {
  const Operands operands{handle, dx_desc, dx, w_desc, w, conv, dy_desc, dy, workspace};
  return convolve(__func__, Direction::data, operands, alpha, beta, algo, bytes);
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha,
                                             cudnnTensorDescriptor_t x_desc, const void* x,
                                             cudnnTensorDescriptor_t dy_desc, const void* dy,
                                             cudnnConvolutionDescriptor_t conv,
                                             cudnnConvolutionBwdFilterAlgo_t algo, void* workspace,
                                             size_t bytes, const void* beta, cudnnFilterDescriptor_t dw_desc,
                                             void* dw) {
  const Operands operands{handle, x_desc, x, dw_desc, dw, conv, dy_desc, dy, workspace};
  return convolve(__func__, Direction::filter, operands, alpha, beta, algo, bytes);
}

cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t handle, const void* alpha1, cudnnTensorDescriptor_t x_desc, const void* x,
    cudnnFilterDescriptor_t w_desc, const void* w, cudnnConvolutionDescriptor_t conv,
    cudnnConvolutionFwdAlgo_t algo, void* workspace, size_t bytes, const void* alpha2,
    cudnnTensorDescriptor_t z_desc, const void* z, cudnnTensorDescriptor_t bias_desc, const void* bias,
    cudnnActivationDescriptor_t activation, cudnnTensorDescriptor_t y_desc, void* y) {
  return dnn_call(__func__, [&]() -> cudnnStatus_t {
    Job job;
    const Operands operands{handle, x_desc, x, w_desc, w, conv, y_desc, y, workspace};
    if (const cudnnStatus_t status = read_job(Direction::forward, operands, job)) return status;
    if (const cudnnStatus_t status = add_fused(z_desc, z, bias_desc, bias, job)) return status;
    if (const cudnnStatus_t status = add_activation(activation, algo, job)) return status;
    return submit(handle, job, alpha1, alpha2, algo, bytes);
  });
}

cudnnStatus_t cudnnConvolutionBackwardBias(cudnnHandle_t handle, const void* alpha,
                                           cudnnTensorDescriptor_t dy_desc, const void* dy, const void* beta,
                                           cudnnTensorDescriptor_t db_desc, void* db) {
  return dnn_call(__func__, [&]() -> cudnnStatus_t {
    const auto from = find<TensorDesc>(dy_desc), to = find<TensorDesc>(db_desc);
    if (!find<DnnHandle>(handle) || !from || !to) return CUDNN_STATUS_BAD_PARAM;
    if (!alpha || !beta) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a factor is nullptr");
    Strided source = from->elements, target = to->elements;
    source.p = device_pointer(dy);
    target.p = static_cast<char*>(db);
    if (!from->set || !to->set || target.size != Sizes{1, source.size[1], 1, 1} ||
        target.dtype != source.dtype)
      return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "db must have dy's type and the sizes 1, ",
                    source.size[1], ", 1, 1");
    if (!check_elements("dy", source) || !check_elements("db", target)) return CUDNN_STATUS_BAD_PARAM;
    const double a = read_factor(alpha, source.dtype), b = read_factor(beta, source.dtype);
    return enqueue_on(handle, [=] { return sum_channels(source, target, a, b); });
  });
}

CAWE_EMULATED_END
