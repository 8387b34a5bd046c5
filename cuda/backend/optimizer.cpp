// SPDX-License-Identifier: Apache-2.0
// Optimizer steps of one tensor: lists of one entry.
#include "cuda/kernels/optimizer.h"

#include "cuda/backend/cuda_backend.h"

namespace CAWE_DEVICE {
namespace {

StepNumbers step_numbers(const char* op, const Tensor& p) {
  StepNumbers numbers;
  numbers.parameter = number_of(op, p);
  CAWE_CHECK(numbers.parameter == Number::f32 || numbers.parameter == Number::f64, Code::dtype, op,
             ": parameters of ", cawe::name(p.dtype()),
             " (expected f32 or f64). Keep them in f32 and compute in a copy.");
  return numbers;
}

/// Whether both lie densely in one order; the stride of a dimension of size 1 says nothing.
bool same_order(const Tensor& a, const Tensor& b) {
  bool same = a.is_dense() && b.is_dense();
  for (int d = 0; d < a.rank(); ++d) same &= a.dim(d) == 1 || a.stride(d) == b.stride(d);
  return same;
}

/// x in the memory order of `like`, which is dense: x itself or a copy.
Tensor in_order_of(const Tensor& like, const Tensor& x) {
  if (same_order(like, x)) return x;
  Tensor copy = Tensor::like(like, x.dtype());
  copy.copy_from(x);
  return copy;
}

/// p itself where it is dense, else a dense copy.
Tensor dense(const Tensor& p) { return p.is_dense() ? p : p.contiguous(); }

/// Copies a tensor that changed back to where it came from, if it is a copy.
void put_back(const Tensor& changed, Tensor& home) {
  if (changed.raw() != home.raw()) home.copy_from(changed);
}

}  // namespace

void CudaBackend::sgd_step(Tensor& p, const Tensor& g, Tensor& velocity, const SgdParams& s) {
  const StepNumbers numbers = step_numbers("sgd_step", p);
  const Tensor w = dense(p), d = in_order_of(w, g), v = in_order_of(w, velocity);
  const SgdTensor entry{w.raw(), d.raw(), v.raw(), nullptr, w.numel()};
  sgd_steps(numbers, &entry, 1, {s.lr, s.momentum, s.weight_decay, s.first}, nullptr, stream());
  put_back(v, velocity);
  put_back(w, p);
  p.storage().touch();
}

void CudaBackend::adam_step(Tensor& p, const Tensor& g, Tensor& m, Tensor& v, const AdamParams& s) {
  const StepNumbers numbers = step_numbers("adam_step", p);
  const Tensor w = dense(p), d = in_order_of(w, g), first = in_order_of(w, m), second = in_order_of(w, v);
  const AdamTensor entry{w.raw(), d.raw(), first.raw(), second.raw(), nullptr, w.numel()};
  const AdamRule rule{s.lr, s.beta1, s.beta2, s.eps, s.weight_decay, s.decoupled, s.step};
  adam_steps(numbers, &entry, 1, rule, nullptr, stream());
  put_back(first, m);
  put_back(second, v);
  put_back(w, p);
  p.storage().touch();
}

}  // namespace CAWE_DEVICE
