// SPDX-License-Identifier: Apache-2.0
// Matrix products: operands are read in place where cuBLASLt can, and copied only where their strides do not
// allow it.
#include <algorithm>

#include <utility>
#include <vector>

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/runtime/runtime.h"

namespace CAWE_DEVICE {
namespace {

/// A tensor [.., R, C] as row-major matrices. `kept` holds a copy where one had to be made.
struct Operand {
  Tensor kept;
  Matrices matrices;
};

bool row_major(int64_t rows, int64_t cols, int64_t row_stride, int64_t col_stride) {
  return (cols == 1 || col_stride == 1) && (rows == 1 || row_stride >= cols);
}

/// A single row's stride is arbitrary, and is replaced by a valid one.
int64_t row_stride_of(int64_t rows, int64_t cols, int64_t stride) {
  return rows == 1 ? std::max<int64_t>(cols, 1) : stride;
}

/// Describes x's matrices in place, as they are or transposed; false where neither is possible.
bool read_in_place(const Tensor& x, Matrices& m) {
  const int64_t rows = x.dim(-2), cols = x.dim(-1), rs = x.stride(-2), cs = x.stride(-1);
  m = {x.raw(), false, row_stride_of(rows, cols, rs), x.rank() == 3 ? x.stride(0) : 0};
  if (row_major(rows, cols, rs, cs)) return true;
  m.transposed = true;
  m.row_stride = row_stride_of(cols, rows, cs);
  return row_major(cols, rows, cs, rs);
}

Operand input(const Tensor& x, bool transposed) {
  Operand o{x, {}};
  if (!read_in_place(x, o.matrices)) {
    o.kept = packed(x, Layout::contiguous);
    read_in_place(o.kept, o.matrices);
  }
  o.matrices.transposed ^= transposed;
  return o;
}

bool items_are_apart(const Tensor& y, const Matrices& m) {
  return y.rank() == 2 || y.dim(0) <= 1 || m.batch_stride >= (y.dim(1) - 1) * m.row_stride + y.dim(2);
}

/// y = op(p) op(q) (+ bias): sizes from y and p.
class Multiply {
 public:
  Multiply(Runtime& runtime, const Tensor& p, bool tp, const Tensor& q, bool tq, Tensor& y)
      : runtime_(runtime), p_(input(p, tp)), q_(input(q, tq)), y_(y) {
    Matrices m{};
    const bool in_place = read_in_place(y, m) && !m.transposed && items_are_apart(y, m);
    result_ = in_place ? y : Tensor::empty(y.shape(), y.dtype(), Layout::contiguous, y.device());
    read_in_place(result_, m);
    product_ = {number_of(current_operator(), y),
                y.rank() == 3 ? y.dim(0) : 1,
                y.dim(-2),
                y.dim(-1),
                p.dim(tp ? -2 : -1),
                p_.matrices,
                q_.matrices,
                m,
                nullptr,
                false};
  }

  void run(const Tensor& bias) {
    if (y_.numel() == 0) return;
    if (product_.depth == 0)
      start_with(bias);
    else if (!run_with_epilogue(bias))
      run_plain(bias);
    if (result_.raw() != y_.raw()) y_.copy_from(result_);
  }

 private:
  /// Fills y with the bias, or with 0, before products are added to it.
  void start_with(const Tensor& bias) {
    if (bias.defined())
      result_.copy_from(bias.expand(result_.shape()));
    else
      result_.fill(0);
  }

  bool run_with_epilogue(const Tensor& bias) {
    if (!bias.defined()) return false;
    const Tensor vector = packed(bias, Layout::contiguous);
    product_.bias = vector.raw();
    const bool done = run_as_it_is("with a bias");
    product_.bias = nullptr;
    return done;
  }

  void run_plain(const Tensor& bias) {
    if (bias.defined()) start_with(bias);
    product_.accumulate = bias.defined();
    if (run_as_it_is(bias.defined() ? "added to a bias" : "alone")) return;
    Refusals all(4000);
    for (const auto& [way, reason] : refused_) all.add(way, *reason);
    fail(Code::unsupported, current_operator(), ": cuBLASLt has no algorithm for ", describe(product_), " (",
         all.text(), "). Use f32, or --device cpu.");
  }

  bool run_as_it_is(const char* how) {
    Refusal refusal;
    if (runtime_.products.run(product_, refusal)) return true;
    refused_.emplace_back(how, refusal);
    return false;
  }

  Runtime& runtime_;
  Operand p_, q_;
  Tensor y_, result_;
  Product product_;
  std::vector<std::pair<const char*, Refusal>> refused_;  ///< how it was tried, and why not
};

}  // namespace

void CudaBackend::matmul(const Tensor& p, bool tp, const Tensor& q, bool tq, Tensor& y) {
  Multiply(*runtime_, p, tp, q, tq, y).run(Tensor());
}

void CudaBackend::linear(const Tensor& x, const Tensor& w, const Tensor& bias, Tensor& y) {
  Multiply(*runtime_, x, false, w, true, y).run(bias);
}

void CudaBackend::linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) {
  Multiply(*runtime_, dy, false, w, false, dx).run(Tensor());
}

void CudaBackend::linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& dbias) {
  Multiply(*runtime_, dy, true, x, false, dw).run(Tensor());
  if (dbias.defined()) sum_to(dy, dbias);
}

}  // namespace CAWE_DEVICE
