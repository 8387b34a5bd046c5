// SPDX-License-Identifier: Apache-2.0
// One product of matrices on the CPU: D^T = op(B)^T op(A)^T is a fully connected layer with weight op(A),
// which the CPU backend has a fast path for.
#include "cuda/emulator/vendor/gemm.h"

#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/library.h"
#include "tensor/primitives/linear.h"

namespace cawe::emulated {
namespace {

bool element_type(uint32_t type, DType& dtype) {
  switch (type) {
    case CUDA_R_32F:
      dtype = DType::f32;
      return true;
    case CUDA_R_64F:
      dtype = DType::f64;
      return true;
    case CUDA_R_16F:
      dtype = DType::f16;
      return true;
    case CUDA_R_16BF:
      dtype = DType::bf16;
      return true;
    default:
      return false;
  }
}

/// The vendor's table of what may be multiplied, as far as the types of this project go.
bool supported_types(const MatmulDesc& desc, DType ab, DType cd) {
  switch (desc.compute) {
    case CUBLAS_COMPUTE_64F:
      return desc.scale == CUDA_R_64F && ab == DType::f64 && cd == DType::f64;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      return desc.scale == CUDA_R_32F && ab == DType::f32 && cd == DType::f32;
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      return desc.scale == CUDA_R_32F && ab != DType::f64 && (cd == DType::f32 || cd == ab);
    default:
      return false;
  }
}

Strided operand(const MatrixLayout& layout, DType dtype, bool transpose) {
  Strided x;
  x.dtype = dtype;
  const bool column_major = layout.order == CUBLASLT_ORDER_COL;
  x.size = {layout.batch, int64_t(layout.rows), int64_t(layout.cols), 1};
  x.stride = {layout.batch_stride, column_major ? 1 : layout.ld, column_major ? layout.ld : 1, 0};
  if (transpose) {
    std::swap(x.size[1], x.size[2]);
    std::swap(x.stride[1], x.stride[2]);
  }
  return x;
}

cublasStatus_t check_layout(const char* what, const MatrixLayout& l) {
  const uint64_t fastest = l.order == CUBLASLT_ORDER_COL ? l.rows : l.cols;
  if (l.order != CUBLASLT_ORDER_COL && l.order != CUBLASLT_ORDER_ROW)
    return refuse(CUBLAS_STATUS_NOT_SUPPORTED, what, ": order ", l.order, " (expected column or row)");
  if (l.ld < 0 || uint64_t(l.ld) < fastest)
    return refuse(CUBLAS_STATUS_INVALID_VALUE, what, ": leading dimension ", l.ld, " of ", l.rows, "x",
                  l.cols, " (expected ", fastest, " or more)");
  if (l.rows == 0 || l.cols == 0)
    return refuse(CUBLAS_STATUS_INVALID_VALUE, what, ": ", l.rows, "x", l.cols, ", nothing to multiply");
  if (l.batch < 1) return refuse(CUBLAS_STATUS_INVALID_VALUE, what, ": batch count ", l.batch);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t check_epilogue(const MatmulDesc& desc, const MatrixLayout& d, DType d_type, Gemm& gemm) {
  gemm.activation = desc.epilogue & CUBLASLT_EPILOGUE_RELU ? Activation::relu : Activation::none;
  gemm.has_bias = desc.epilogue & CUBLASLT_EPILOGUE_BIAS;
  const uint32_t known = CUBLASLT_EPILOGUE_DEFAULT | CUBLASLT_EPILOGUE_RELU_BIAS;
  if (desc.epilogue == 0 || (desc.epilogue & ~known))
    return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "epilogue ", desc.epilogue,
                  " (expected default, ReLU or bias)");
  if (desc.epilogue != CUBLASLT_EPILOGUE_DEFAULT && d.order == CUBLASLT_ORDER_ROW)
    return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "epilogue ", desc.epilogue, " where D is in row-major order");
  if (desc.pointer_mode != 0)
    return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "pointer mode ", desc.pointer_mode,
                  " (expected host pointers)");
  gemm.bias.dtype = d_type;
  if (desc.bias_type >= 0 &&
      (!element_type(uint32_t(desc.bias_type), gemm.bias.dtype) || gemm.bias.dtype != d_type))
    return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "bias type ", desc.bias_type, " (expected D's)");
  return CUBLAS_STATUS_SUCCESS;
}

bool operands_are_there(const Gemm& g) {
  return check_elements("A", g.a) && check_elements("B", g.b) && check_elements("C", g.c) &&
         check_elements("D", g.d) && (!g.has_bias || check_elements("the bias", g.bias));
}

Strided item(Strided x, int64_t index) {
  x.p += size_t(index * x.stride[0]) * size_of(x.dtype);
  x.size[0] = 1;
  return x;
}

/// op(A) op(B) of one item as [n, m].
Tensor product(const Gemm& g, int64_t index) {
  const DType work = work_type(g.d.dtype);
  Tensor y = Tensor::empty({g.n, g.m}, work);
  Tensor& weight = reused_weight({g.m, g.k}, work);
  Tensor x = Tensor::empty({g.n, g.k}, work);
  gather("A", item(g.a, index), g.tf32, weight, {0, g.k, 1, 0});
  gather("B", item(g.b, index), g.tf32, x, {0, 1, g.k, 0});
  primitives::linear(x, weight, Tensor(), y);
  return y;
}

}  // namespace

cublasStatus_t make_gemm(const MatmulDesc& desc, const MatrixLayout& a, const MatrixLayout& b,
                         const MatrixLayout& c, const MatrixLayout& d, Gemm& gemm) {
  DType types[4];
  const MatrixLayout* layouts[] = {&a, &b, &c, &d};
  constexpr const char* kNames[] = {"A", "B", "C", "D"};
  for (int i = 0; i < 4; ++i) {
    if (const cublasStatus_t status = check_layout(kNames[i], *layouts[i])) return status;
    if (!element_type(layouts[i]->type, types[i]))
      return refuse(CUBLAS_STATUS_NOT_SUPPORTED, kNames[i], ": type ", layouts[i]->type);
    if (layouts[i]->batch != d.batch)
      return refuse(CUBLAS_STATUS_INVALID_VALUE, kNames[i], ": batch count ", layouts[i]->batch, ", of D ",
                    d.batch);
  }
  if (types[0] != types[1] || types[2] != types[3] || !supported_types(desc, types[0], types[3]))
    return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "no product of ", name(types[0]), " and ", name(types[1]),
                  " into ", name(types[2]), " and ", name(types[3]), " with compute type ", desc.compute,
                  " and scale type ", desc.scale);
  gemm = Gemm{};
  gemm.a = operand(a, types[0], desc.trans_a != CUBLAS_OP_N);
  gemm.b = operand(b, types[1], desc.trans_b != CUBLAS_OP_N);
  gemm.c = operand(c, types[2], false);
  gemm.d = operand(d, types[3], false);
  gemm.m = gemm.a.size[1], gemm.k = gemm.a.size[2], gemm.n = gemm.b.size[2];
  const auto has_result_size = [&](const Strided& x) { return x.size[1] == gemm.m && x.size[2] == gemm.n; };
  if (gemm.b.size[1] != gemm.k || !has_result_size(gemm.c) || !has_result_size(gemm.d))
    return refuse(CUBLAS_STATUS_INVALID_VALUE, "op(A) is ", gemm.m, "x", gemm.k, ", op(B) ", gemm.b.size[1],
                  "x", gemm.n, ", C ", c.rows, "x", c.cols, ", D ", d.rows, "x", d.cols);
  gemm.tf32 = desc.compute == CUBLAS_COMPUTE_32F_FAST_TF32 && state().options.tf32;
  if (const cublasStatus_t status = check_epilogue(desc, d, types[3], gemm)) return status;
  gemm.bias.p = static_cast<char*>(desc.bias);
  gemm.bias.size = {1, gemm.m, 1, 1};
  gemm.bias.stride = {0, 1, 0, 0};
  return CUBLAS_STATUS_SUCCESS;
}

uint64_t fingerprint(const Gemm& g) {
  uint64_t hash = 14695981039346656037u;
  const auto mix = [&](int64_t value) { hash = (hash ^ uint64_t(value)) * 1099511628211u; };
  for (const Strided* x : {&g.a, &g.b, &g.c, &g.d}) {
    mix(int64_t(x->dtype));
    for (size_t i = 0; i < 3; ++i) mix(x->size[i]), mix(x->stride[i]);
  }
  mix(g.has_bias), mix(int64_t(g.activation)), mix(g.tf32);
  return hash;
}

cudaError_t run_gemm(const Gemm& g) {
  if (!operands_are_there(g)) return cudaErrorIllegalAddress;
  note_operand(g.a, false);
  note_operand(g.b, false);
  if (g.beta != 0) note_operand(g.c, false);
  if (g.has_bias) note_operand(g.bias, false);
  note_operand(g.d, true);
  const simt::HostAccess access;
  Epilogue e;
  e.alpha = g.alpha, e.beta = g.beta, e.activation = g.activation;
  if (g.has_bias) e.bias = gather("the bias", g.bias);
  for (int64_t i = 0; i < g.d.size[0]; ++i) {
    e.old = item(g.c, i);
    scatter(product(g, i), {0, 1, g.m, 0}, e, item(g.d, i));
  }
  return cudaSuccess;
}

}  // namespace cawe::emulated
