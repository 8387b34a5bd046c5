// SPDX-License-Identifier: Apache-2.0
// Optimizer steps. The kernels take lists of tensors, so that one launch serves a whole model; a single step
// is a list of one.
#include "cuda/kernels/optimizers.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"

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

/// p itself where it is dense, else a dense copy.
Tensor dense(const Tensor& p) { return p.is_dense() ? p : p.contiguous(); }

/// Copies the updated tensor to where it came from, if it is a copy.
void put_back(const Tensor& changed, Tensor& home) {
  if (changed.raw() != home.raw()) home.copy_from(changed);
}

}  // namespace

void CudaBackend::sgd_step(Tensor& p, const Tensor& g, Tensor& velocity, const SgdParams& s) {
  const StepNumbers numbers = step_numbers("sgd_step", p);
  const Tensor w = dense(p), d = in_order_of(w, g), v = in_order_of(w, velocity);
  const SgdTensor entry{w.raw(), d.raw(), v.raw(), nullptr, w.numel()};
  CAWE_DEVICE::sgd_steps(numbers, &entry, 1, {s.lr, s.momentum, s.weight_decay, s.first}, nullptr, stream());
  put_back(v, velocity);
  put_back(w, p);
  p.storage().touch();
}

void CudaBackend::adam_step(Tensor& p, const Tensor& g, Tensor& m, Tensor& v, const AdamParams& s) {
  const StepNumbers numbers = step_numbers("adam_step", p);
  const Tensor w = dense(p), d = in_order_of(w, g), first = in_order_of(w, m), second = in_order_of(w, v);
  const AdamTensor entry{w.raw(), d.raw(), first.raw(), second.raw(), nullptr, w.numel()};
  const AdamRule rule{s.lr, s.beta1, s.beta2, s.eps, s.weight_decay, s.decoupled, s.step};
  CAWE_DEVICE::adam_steps(numbers, &entry, 1, rule, nullptr, stream());
  put_back(first, m);
  put_back(second, v);
  put_back(w, p);
  p.storage().touch();
}

namespace {

const double* device_number(const Tensor& factor) {
  return factor.defined() ? factor.data<double>() : nullptr;
}

/// True where the list kernels can take the tensors: parameters of one type, dense, with gradients and
/// moments in the same memory order. A model's are.
bool fits_lists(const std::vector<Tensor>& p, std::initializer_list<const std::vector<Tensor>*> others) {
  for (size_t i = 0; i < p.size(); ++i)
    for (const std::vector<Tensor>* other : others)
      if (p[i].dtype() != p[0].dtype() || (*other)[i].dtype() != p[0].dtype() ||
          !same_order(p[i], (*other)[i]))
        return false;
  return true;
}

/// Gradients in their parameters' order.
std::vector<Tensor> in_order(const std::vector<Tensor>& p, const std::vector<Tensor>& g) {
  std::vector<Tensor> out;
  for (size_t i = 0; i < p.size(); ++i) out.push_back(p[i].is_dense() ? in_order_of(p[i], g[i]) : g[i]);
  return out;
}

}  // namespace

void CudaBackend::sgd_steps(const std::vector<Tensor>& p, const std::vector<Tensor>& g,
                            const std::vector<Tensor>& velocity, const Tensor& factor, const SgdParams& s) {
  if (p.empty()) return;
  const std::vector<Tensor> d = in_order(p, g);
  CAWE_CHECK(fits_lists(p, {&d, &velocity}), Code::unsupported,
             "sgd_steps: parameters, gradients and velocities must be dense and of one type and order");
  std::vector<SgdTensor> list;
  for (size_t i = 0; i < p.size(); ++i)
    list.push_back({p[i].raw(), d[i].raw(), velocity[i].raw(), nullptr, p[i].numel()});
  CAWE_DEVICE::sgd_steps(step_numbers("sgd_steps", p[0]), list.data(), int64_t(list.size()),
                         {s.lr, s.momentum, s.weight_decay, s.first}, device_number(factor), stream());
  for (const Tensor& t : p) t.storage().touch();
}

void CudaBackend::adam_steps(const std::vector<Tensor>& p, const std::vector<Tensor>& g,
                             const std::vector<Tensor>& m, const std::vector<Tensor>& v, const Tensor& factor,
                             const AdamParams& s) {
  if (p.empty()) return;
  const std::vector<Tensor> d = in_order(p, g);
  CAWE_CHECK(fits_lists(p, {&d, &m, &v}), Code::unsupported,
             "adam_steps: parameters, gradients and moments must be dense and of one type and order");
  std::vector<AdamTensor> list;
  for (size_t i = 0; i < p.size(); ++i)
    list.push_back({p[i].raw(), d[i].raw(), m[i].raw(), v[i].raw(), nullptr, p[i].numel()});
  const AdamRule rule{s.lr, s.beta1, s.beta2, s.eps, s.weight_decay, s.decoupled, s.step};
  CAWE_DEVICE::adam_steps(step_numbers("adam_steps", p[0]), list.data(), int64_t(list.size()), rule,
                          device_number(factor), stream());
  for (const Tensor& t : p) t.storage().touch();
}

void CudaBackend::gradient_norm(const std::vector<Tensor>& g, double largest, double loss_scale,
                                Tensor& result) {
  if (g.empty()) return result.fill(0);
  std::vector<Tensor> kept;  // copies of tensors that are not dense
  std::vector<GradientTensor> list;
  const Number number = number_of("gradient_norm", g[0]);
  for (const Tensor& t : g) {
    CAWE_CHECK(t.dtype() == g[0].dtype(), Code::dtype, "gradient_norm: gradients of ", cawe::name(t.dtype()),
               " and ", cawe::name(g[0].dtype()), " (expected one type)");
    kept.push_back(dense(t));
    list.push_back({kept.back().raw(), t.numel()});
  }
  const int64_t length = int64_t(list.size());
  const Tensor scratch =
      Tensor::empty({gradient_norm_scratch(list.data(), length)}, DType::f64, Layout::contiguous, device());
  CAWE_DEVICE::gradient_norm(number, list.data(), length, largest, loss_scale, scratch.data<double>(),
                             result.data<double>(), stream());
}

}  // namespace CAWE_DEVICE
