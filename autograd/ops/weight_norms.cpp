// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/weight_norms.h"

#include "tensor/primitives/weight_norms.h"
#include "tensor/profile.h"

namespace cawe {
namespace {

constexpr double kEps = 1e-12;

double bytes_of(const Tensor& x) { return double(size_of(x.dtype())) * double(x.numel()); }

void check_beside(const char* op, const char* what, const Tensor& t, const Tensor& w, int64_t size) {
  CAWE_CHECK(t.numel() == size, Code::shape, op, ": ", what, " ", t.shape(), " for a weight ", w.shape(),
             " (expected ", size, " numbers)");
  CAWE_CHECK(t.dtype() == w.dtype(), Code::dtype, op, ": ", what, " is ", name(t.dtype()), ", the weight is ",
             name(w.dtype()), " (expected one dtype)");
}

bool is_shared(const Variable& w) { return needs_grad(w) && w.slot()->shared_by_ranks; }

/// Marks an operator's output as shared by the ranks: its gradient is summed over them before the operator's
/// own gradient is computed from it, so that this sees the same numbers on any number of ranks.
Variable shared(Variable y) {
  y.slot()->shared_by_ranks = true;
  return y;
}

}  // namespace

Variable spectral_norm(const Variable& w, Tensor& u, Tensor& v, bool iterate) {
  const Tensor in = w.value();
  CAWE_CHECK(w.rank() >= 2 && in.numel() > 0, Code::shape, "spectral_norm: w ", w.shape(),
             " (expected [O, ...] with two dimensions or more, not empty)");
  check_beside("spectral_norm", "u", u, in, w.dim(0));
  check_beside("spectral_norm", "v", v, in, in.numel() / w.dim(0));
  CAWE_CHECK(u.is_contiguous() && v.is_contiguous(), Code::shape,
             "spectral_norm: u and v must be contiguous, as they change in place");
  ProfileScope scope("spectral_norm", (iterate ? 5.0 : 3.0) * double(in.numel()),
                     (iterate ? 4 : 3) * bytes_of(in));
  Tensor sigma = Tensor::empty({1}, in.dtype(), Layout::contiguous, in.device());
  Tensor y = Tensor::like(in);
  primitives::spectral_norm(in, iterate, kEps, u, v, sigma, y);
  if (iterate) {
    u.storage().touch();
    v.storage().touch();
  }
  // The next forward pass changes u and v in place: the gradient needs copies of the present ones.
  const bool wanted = needs_grad(w), over_ranks = is_shared(w);
  const Tensor left = wanted ? u.clone() : Tensor(), right = wanted ? v.clone() : Tensor();
  const Variable out = record("spectral_norm", {w}, y, [=](const Tensor& dy) -> Grads {
    Tensor dw = Tensor::like(y);
    primitives::spectral_norm_grad(dy, y, left, right, sigma, dw);
    return {over_ranks ? once_over_ranks(dw) : dw};
  });
  return over_ranks ? shared(out) : out;
}

Variable weight_norm(const Variable& v, const Variable& g) {
  const Tensor in = v.value(), gain = g.value();
  CAWE_CHECK(v.rank() >= 1 && in.numel() > 0, Code::shape, "weight_norm: v ", v.shape(),
             " (expected [O, ...], not empty)");
  check_beside("weight_norm", "g", gain, in, v.dim(0));
  ProfileScope scope("weight_norm", 3.0 * double(in.numel()), 3 * bytes_of(in));
  Tensor norm = Tensor::empty({v.dim(0)}, in.dtype(), Layout::contiguous, in.device());
  Tensor y = Tensor::like(in);
  primitives::weight_norm(in, gain, norm, y);
  const bool over_ranks = is_shared(v) || is_shared(g);
  const Variable out = record("weight_norm", {v, g}, y, [=](const Tensor& dy) -> Grads {
    Tensor dv = Tensor::like(in);
    Tensor dg = Tensor::empty(gain.shape(), gain.dtype(), Layout::contiguous, gain.device());
    primitives::weight_norm_grad(dy, in, gain, norm, dv, dg);
    if (over_ranks) return {once_over_ranks(dv), once_over_ranks(dg)};
    return {dv, dg};
  });
  return over_ranks ? shared(out) : out;
}

}  // namespace cawe
