// SPDX-License-Identifier: Apache-2.0
// cuBLASLt is column-major: a row-major matrix is its transpose there, so y^T = op(q)^T op(p)^T is computed,
// with q as the first operand.
#include "cuda/runtime/products.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tensor/shape.h"

namespace CAWE_DEVICE {
namespace {

constexpr size_t kMostPlans = 2048;
// What cuBLASLt's manual recommends for its largest GPUs.
constexpr size_t kMostWorkspace = size_t{32} << 20;

cudaDataType_t data_type(Number number) {
  switch (number) {
    case Number::f64:
      return CUDA_R_64F;
    case Number::f16:
      return CUDA_R_16F;
    case Number::bf16:
      return CUDA_R_16BF;
    default:
      return CUDA_R_32F;
  }
}

cublasComputeType_t compute_type(Number number, bool tf32) {
  if (number == Number::f64) return CUBLAS_COMPUTE_64F;
  return number == Number::f32 && tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

/// The largest power of two up to 256 that divides the address.
uint32_t alignment_of(const void* p) {
  uint32_t alignment = 256;
  while (reinterpret_cast<uintptr_t>(p) % alignment != 0) alignment /= 2;
  return alignment;
}

class Description {
 public:
  Description(cublasComputeType_t compute, cudaDataType_t scale) {
    CAWE_CUBLAS(cublasLtMatmulDescCreate(&desc_, compute, scale));
  }
  ~Description() { cublasLtMatmulDescDestroy(desc_); }
  Description(const Description&) = delete;
  Description& operator=(const Description&) = delete;
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    CAWE_CUBLAS(cublasLtMatmulDescSetAttribute(desc_, attribute, &value, sizeof value));
  }
  cublasLtMatmulDesc_t get() const { return desc_; }

 private:
  cublasLtMatmulDesc_t desc_ = nullptr;
};

/// cuBLASLt's layout of a row-major matrix that is used as rows x cols.
class MatrixDescription {
 public:
  MatrixDescription(const Product& product, int64_t rows, int64_t cols, const Matrices& m) {
    if (m.transposed) std::swap(rows, cols);
    CAWE_CUBLAS(cublasLtMatrixLayoutCreate(&layout_, data_type(product.number), uint64_t(cols),
                                           uint64_t(rows), m.row_stride));
    set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, int32_t(product.batch));
    set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, m.batch_stride);
  }
  ~MatrixDescription() { cublasLtMatrixLayoutDestroy(layout_); }
  MatrixDescription(const MatrixDescription&) = delete;
  MatrixDescription& operator=(const MatrixDescription&) = delete;
  cublasLtMatrixLayout_t get() const { return layout_; }

 private:
  template <class T>
  void set(cublasLtMatrixLayoutAttribute_t attribute, const T& value) {
    CAWE_CUBLAS(cublasLtMatrixLayoutSetAttribute(layout_, attribute, &value, sizeof value));
  }
  cublasLtMatrixLayout_t layout_ = nullptr;
};

class Preference {
 public:
  Preference() { CAWE_CUBLAS(cublasLtMatmulPreferenceCreate(&preference_)); }
  ~Preference() { cublasLtMatmulPreferenceDestroy(preference_); }
  Preference(const Preference&) = delete;
  Preference& operator=(const Preference&) = delete;
  template <class T>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
    CAWE_CUBLAS(cublasLtMatmulPreferenceSetAttribute(preference_, attribute, &value, sizeof value));
  }
  cublasLtMatmulPreference_t get() const { return preference_; }

 private:
  cublasLtMatmulPreference_t preference_ = nullptr;
};

}  // namespace

struct Products::Plan {
  Plan(const Product& product, bool tf32)
      : desc(compute_type(product.number, tf32), product.number == Number::f64 ? CUDA_R_64F : CUDA_R_32F),
        q(product, product.depth, product.cols, product.q),
        p(product, product.rows, product.depth, product.p),
        y(product, product.rows, product.cols, product.y) {
    desc.set(CUBLASLT_MATMUL_DESC_TRANSA, product.q.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    desc.set(CUBLASLT_MATMUL_DESC_TRANSB, product.p.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (!product.bias) return;
    desc.set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    desc.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
  }

  void list_algorithms(cublasLtHandle_t handle, const Product& product, size_t most_workspace) {
    Preference preference;
    preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::min(most_workspace, kMostWorkspace));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(product.q.data));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(product.p.data));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(product.y.data));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(product.y.data));
    constexpr int kMost = 8;
    cublasLtMatmulHeuristicResult_t results[kMost];
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        handle, desc.get(), q.get(), p.get(), y.get(), y.get(), preference.get(), kMost, results, &count);
    if (is_refusal(status)) return refusals.add("cublasLtMatmulAlgoGetHeuristic", describe(status));
    if (status != CUBLAS_STATUS_SUCCESS) fail_cublas("cublasLtMatmulAlgoGetHeuristic", status);
    for (int i = 0; i < count; ++i)
      if (results[i].state == CUBLAS_STATUS_SUCCESS)
        algorithms.push_back(results[i]);
      else
        refusals.add(detail::concat("proposal ", i), describe(results[i].state));
  }

  Description desc;
  MatrixDescription q, p, y;
  std::vector<cublasLtMatmulHeuristicResult_t> algorithms;
  size_t current = 0;  ///< index of the algorithm in use; earlier ones failed for this problem
  Refusals refusals;
  Refusal refusal;  ///< where none is left
};

std::string describe(const Product& p) {
  return detail::concat(p.batch, " of ", Shape{p.rows, p.depth}, p.p.transposed ? " (transposed)" : "",
                        " by ", Shape{p.depth, p.cols}, p.q.transposed ? " (transposed)" : "", ", ",
                        name_of(p.number), p.bias ? ", with a bias" : "",
                        p.accumulate ? ", added to what is there" : "");
}

Products::Products(Libraries& libraries, DeviceAllocator& allocator, const Settings& settings)
    : libraries_(libraries), allocator_(allocator), settings_(settings) {}
Products::~Products() = default;

Products::Plan& Products::plan_of(const Product& p) {
  const Key key{int64_t(p.number),
                p.batch,
                p.rows,
                p.cols,
                p.depth,
                p.p.transposed,
                p.p.row_stride,
                p.p.batch_stride,
                p.q.transposed,
                p.q.row_stride,
                p.q.batch_stride,
                p.y.row_stride,
                p.y.batch_stride,
                alignment_of(p.p.data),
                alignment_of(p.q.data),
                alignment_of(p.y.data),
                p.bias ? alignment_of(p.bias) : 0};
  const auto known = plans_.find(key);
  if (known != plans_.end()) {
    ++statistics_.found;
    return *known->second;
  }
  if (plans_.size() >= kMostPlans) plans_.clear();
  auto plan = std::make_unique<Plan>(p, settings_.tf32);
  plan->list_algorithms(libraries_.cublaslt(), p, settings_.workspace_bytes);
  ++statistics_.made;
  return *(plans_[key] = std::move(plan));
}

bool Products::run(const Product& product, Refusal& refusal) {
  const std::lock_guard<std::mutex> hold(mutex_);
  const OperatorScope scope(current_operator(), &product,
                            [](const void* of) { return describe(*static_cast<const Product*>(of)); });
  Plan& plan = plan_of(product);
  const Factor one(1), zero(0);
  const void *alpha = one.of(product.number), *beta = (product.accumulate ? one : zero).of(product.number);
  if (product.bias) plan.desc.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
  for (; plan.current < plan.algorithms.size(); ++plan.current) {
    const cublasLtMatmulHeuristicResult_t& a = plan.algorithms[plan.current];
    const Scratch workspace(allocator_, a.workspaceSize);
    // Another algorithm has other bits, so memory that is short now must not decide.
    if (!workspace.good())
      allocator_.fail_without_workspace(a.workspaceSize,
                                        detail::concat("cuBLASLt's algorithm ", plan.current));
    const cublasStatus_t status =
        cublasLtMatmul(libraries_.cublaslt(), plan.desc.get(), alpha, product.q.data, plan.q.get(),
                       product.p.data, plan.p.get(), beta, product.y.data, plan.y.get(), product.y.data,
                       plan.y.get(), &a.algo, workspace.data(), a.workspaceSize, libraries_.stream());
    if (status == CUBLAS_STATUS_SUCCESS) return true;
    if (!is_refusal(status)) fail_cublas("cublasLtMatmul", status);
    plan.refusals.add(detail::concat("algorithm ", plan.current), describe(status));
  }
  if (!plan.refusal)
    plan.refusal = std::make_shared<const std::string>(
        plan.refusals.empty() ? "no algorithm within the workspace" : plan.refusals.text());
  refusal = plan.refusal;
  return false;
}

PlanStatistics Products::statistics() const {
  const std::lock_guard<std::mutex> hold(mutex_);
  return statistics_;
}

}  // namespace CAWE_DEVICE
