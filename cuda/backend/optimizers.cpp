// SPDX-License-Identifier: Apache-2.0
// Optimizer steps. The kernels take lists of tensors, so that one launch serves a whole model; a single step
// is a list of one.
#include "cuda/kernels/optimizers.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"

namespace CAWE_DEVICE {
namespace {

Number number_of_step(const char* op, const Tensor& p) {
  const Number number = number_of(op, p);
  CAWE_CHECK(number == Number::f32 || number == Number::f64, Code::dtype, op, ": parameters of ",
             cawe::name(p.dtype()), " (expected f32 or f64). Keep them in f32 and compute in a copy.");
  return number;
}

/// p itself where it is dense, else a dense copy.
Tensor dense(const Tensor& p) { return p.is_dense() ? p : p.contiguous(); }

/// Copies the updated tensor to where it came from, if it is a copy.
void put_back(const Tensor& changed, Tensor& home) {
  if (changed.raw() != home.raw()) home.copy_from(changed);
}

}  // namespace

void CudaBackend::sgd_step(Tensor& p, const Tensor& g, Tensor& velocity, const SgdParams& s) {
  const Number number = number_of_step("sgd_step", p);
  const Tensor w = dense(p), d = in_order_of(w, g), v = in_order_of(w, velocity);
  const SgdTensor entry{w.raw(), d.raw(), v.raw(), w.numel(), number_of("sgd_step", d)};
  CAWE_DEVICE::sgd_steps(number, &entry, 1, {s.lr, s.momentum, s.weight_decay, s.first}, nullptr, stream());
  put_back(v, velocity);
  put_back(w, p);
  p.storage().touch();
}

void CudaBackend::adam_step(Tensor& p, const Tensor& g, Tensor& m, Tensor& v, const AdamParams& s) {
  const Number number = number_of_step("adam_step", p);
  const Tensor w = dense(p), d = in_order_of(w, g), first = in_order_of(w, m), second = in_order_of(w, v);
  const AdamTensor entry{w.raw(), d.raw(), first.raw(), second.raw(), w.numel(), number_of("adam_step", d)};
  const AdamRule rule{s.lr, s.beta1, s.beta2, s.eps, s.weight_decay, s.decoupled, s.step};
  CAWE_DEVICE::adam_steps(number, &entry, 1, rule, nullptr, stream());
  put_back(first, m);
  put_back(second, v);
  put_back(w, p);
  p.storage().touch();
}

namespace {

const double* device_number(const Tensor& factor) {
  return factor.defined() ? factor.data<double>() : nullptr;
}

/// The tensors of a list step as its kernels want them: dense, and each parameter's gradient and moments in its
/// order. A model's are so already, and nothing is copied.
struct InOrder {
  std::vector<Tensor> p, g;
  std::vector<std::vector<Tensor>> moments;

  InOrder(const char* op, const std::vector<Tensor>& parameters, const std::vector<Tensor>& gradients,
          const std::vector<const std::vector<Tensor>*>& states)
      : moments(states.size()) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      p.push_back(dense(parameters[i]));
      g.push_back(in_order_of(p[i], gradients[i]));
      for (size_t s = 0; s < states.size(); ++s) moments[s].push_back(in_order_of(p[i], (*states[s])[i]));
      check_type(op, p[i]);
      if (p[0].dtype() != DType::f32 || size_of(g[i].dtype()) != 2) check_type(op, g[i]);
      for (const std::vector<Tensor>& state : moments) check_type(op, state[i]);
    }
  }

  /// Writes back what was copied, and tells caches of packed weights that the parameters changed.
  void finish(const std::vector<Tensor>& parameters, const std::vector<const std::vector<Tensor>*>& states) {
    for (size_t i = 0; i < p.size(); ++i) {
      for (size_t s = 0; s < states.size(); ++s) {
        Tensor state = (*states[s])[i];
        put_back(moments[s][i], state);
      }
      Tensor home = parameters[i];
      put_back(p[i], home);
      home.storage().touch();
    }
  }

 private:
  void check_type(const char* op, const Tensor& t) const {
    CAWE_CHECK(t.dtype() == p[0].dtype(), Code::unsupported, op, ": tensors of ", cawe::name(t.dtype()),
               " and ", cawe::name(p[0].dtype()), " in one step (expected one type)");
  }
};

}  // namespace

void CudaBackend::sgd_steps(const std::vector<Tensor>& p, const std::vector<Tensor>& g,
                            const std::vector<Tensor>& velocity, const Tensor& factor, const SgdParams& s) {
  if (p.empty()) return;
  InOrder t("sgd_steps", p, g, {&velocity});
  std::vector<SgdTensor> list;
  for (size_t i = 0; i < p.size(); ++i)
    list.push_back(
        {t.p[i].raw(), t.g[i].raw(), t.moments[0][i].raw(), p[i].numel(), number_of("sgd_steps", t.g[i])});
  CAWE_DEVICE::sgd_steps(number_of_step("sgd_steps", p[0]), list.data(), int64_t(list.size()),
                         {s.lr, s.momentum, s.weight_decay, s.first}, device_number(factor), stream());
  t.finish(p, {&velocity});
}

void CudaBackend::adam_steps(const std::vector<Tensor>& p, const std::vector<Tensor>& g,
                             const std::vector<Tensor>& m, const std::vector<Tensor>& v, const Tensor& factor,
                             const AdamParams& s) {
  if (p.empty()) return;
  InOrder t("adam_steps", p, g, {&m, &v});
  std::vector<AdamTensor> list;
  for (size_t i = 0; i < p.size(); ++i)
    list.push_back({t.p[i].raw(), t.g[i].raw(), t.moments[0][i].raw(), t.moments[1][i].raw(), p[i].numel(),
                    number_of("adam_steps", t.g[i])});
  const AdamRule rule{s.lr, s.beta1, s.beta2, s.eps, s.weight_decay, s.decoupled, s.step};
  CAWE_DEVICE::adam_steps(number_of_step("adam_steps", p[0]), list.data(), int64_t(list.size()), rule,
                          device_number(factor), stream());
  t.finish(p, {&m, &v});
}

void CudaBackend::gradient_norm(const std::vector<Tensor>& g, double largest, double loss_scale,
                                Tensor& result) {
  std::vector<Tensor> kept;  // copies of tensors that are not dense
  std::vector<GradientTensor> list;
  const Number number = g.empty() ? Number::f32 : number_of("gradient_norm", g[0]);
  for (const Tensor& t : g) {
    const Number one = number_of("gradient_norm", t);
    CAWE_CHECK((one == Number::f64) == (number == Number::f64), Code::dtype, "gradient_norm: gradients of ",
               cawe::name(t.dtype()), " and ", cawe::name(g[0].dtype()),
               " (expected f64 alone, or none of it)");
    kept.push_back(dense(t));
    list.push_back({kept.back().raw(), t.numel(), one});
  }
  const int64_t length = int64_t(list.size());
  const Tensor scratch =
      Tensor::empty({gradient_norm_scratch(list.data(), length)}, DType::f64, Layout::contiguous, device());
  CAWE_DEVICE::gradient_norm(number, list.data(), length, largest, loss_scale, result.numel() - 3,
                             scratch.data<double>(), result.data<double>(), stream());
}

}  // namespace CAWE_DEVICE
