// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/linear.h"

#include "tensor/primitives/linear.h"
#include "tensor/profile.h"

namespace cawe {

Variable linear(const Variable& x, const Variable& w, const Variable& bias) {
  CAWE_CHECK(x.rank() == 2 && w.rank() == 2 && x.dim(1) == w.dim(1), Code::shape, "linear: x ", x.shape(),
             " and w ", w.shape(), " (expected [N, K] and [M, K])");
  CAWE_CHECK(x.dtype() == w.dtype(), Code::dtype, "linear: x is ", name(x.dtype()), ", w is ",
             name(w.dtype()), " (expected one dtype)");
  CAWE_CHECK(!bias.defined() || bias.shape() == Shape({w.dim(0)}), Code::shape, "linear: bias ", bias.shape(),
             " (expected [", w.dim(0), "])");
  const Tensor in = x.value(), weight = w.value(), b = bias.defined() ? bias.value() : Tensor();
  Tensor y = Tensor::empty({x.dim(0), w.dim(0)}, in.dtype(), Layout::contiguous, in.device());
  {
    ProfileScope scope("linear", 2.0 * double(y.numel()) * double(x.dim(1)));
    primitives::linear(in, weight, b, y);
  }
  const bool wants_x = needs_grad(x), wants_w = needs_grad(w) || (bias.defined() && needs_grad(bias));
  return record("linear", {x, w, bias}, y, [=](const Tensor& dy) -> Grads {
    Tensor dx, dw, db;
    if (wants_x) {
      dx = Tensor::like(in);
      primitives::linear_grad_input(dy, weight, dx);
    }
    if (wants_w) {
      dw = Tensor::like(weight);
      if (b.defined()) db = Tensor::like(b);
      primitives::linear_grad_weight(in, dy, dw, db);
    }
    return {dx, dw, db};
  });
}

Variable matmul(const Variable& a, const Variable& b, bool ta, bool tb) {
  CAWE_CHECK(a.rank() == b.rank() && (a.rank() == 2 || (a.rank() == 3 && a.dim(0) == b.dim(0))), Code::shape,
             "matmul: ", a.shape(), " and ", b.shape(),
             " (expected rank 2, or rank 3 with equal first dimensions)");
  const int64_t m = a.dim(ta ? -1 : -2), k = a.dim(ta ? -2 : -1), n = b.dim(tb ? -2 : -1);
  CAWE_CHECK(k == b.dim(tb ? -1 : -2), Code::shape, "matmul: ", a.shape(), ta ? "^T" : "", " and ", b.shape(),
             tb ? "^T" : "", ": inner sizes differ");
  CAWE_CHECK(a.dtype() == b.dtype(), Code::dtype, "matmul: ", name(a.dtype()), " and ", name(b.dtype()),
             " (expected one dtype)");
  const Tensor va = a.value(), vb = b.value();
  Tensor y = Tensor::empty(a.rank() == 2 ? Shape{m, n} : Shape{a.dim(0), m, n}, va.dtype(),
                           Layout::contiguous, va.device());
  ProfileScope scope("matmul", 2.0 * double(y.numel()) * double(k));
  primitives::matmul(va, ta, vb, tb, y);
  const bool wants_a = needs_grad(a), wants_b = needs_grad(b);
  return record("matmul", {a, b}, y, [=](const Tensor& dy) -> Grads {
    Tensor da, db;
    if (wants_a) {  // dy op(b)^T, transposed where a was
      da = Tensor::empty(va.shape(), va.dtype(), Layout::contiguous, va.device());
      if (ta)
        primitives::matmul(vb, tb, dy, true, da);
      else
        primitives::matmul(dy, false, vb, !tb, da);
    }
    if (wants_b) {
      db = Tensor::empty(vb.shape(), vb.dtype(), Layout::contiguous, vb.device());
      if (tb)
        primitives::matmul(dy, true, va, ta, db);
      else
        primitives::matmul(va, !ta, dy, false, db);
    }
    return {da, db};
  });
}

}  // namespace cawe
