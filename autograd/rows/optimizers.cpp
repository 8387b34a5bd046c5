// SPDX-License-Identifier: Apache-2.0
// Rows of the optimizers' steps.
#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

std::vector<Tensor> run_sgd(PrimitiveBackend& b, int64_t variant) {
  Tensor p = state(b, {37, 5}, "sgd p"), v = state(b, {37, 5}, "sgd v");
  SgdParams s{0.1, 0.9, 0.01, variant == 0};
  b.sgd_step(p, numbers(b, {37, 5}, "sgd g"), v, s);
  return {p, v};
}

std::vector<Tensor> run_adam(PrimitiveBackend& b, int64_t variant) {
  Tensor p = state(b, {37, 5}, "adam p"), m = state(b, {37, 5}, "adam m"),
         v = state(b, {37, 5}, "adam v", 0, 1);
  AdamParams s;
  s.weight_decay = 0.1;
  s.decoupled = variant == 1;
  s.step = 3 + variant;
  b.adam_step(p, numbers(b, {37, 5}, "adam g"), m, v, s);
  return {p, m, v};
}

/// Gradients of two parameters; variant 2: one of them in 16 bits.
std::vector<Tensor> two_gradients(PrimitiveBackend& b, int64_t variant, const std::string& purpose) {
  const Tensor g = numbers(b, {37, 5}, purpose + " g"), h = numbers(b, {41}, purpose + " h");
  return {variant == 2 ? in_scope(g.to(DType::bf16)) : g, h};
}

/// Two parameters whose gradients are halved before the step.
std::vector<Tensor> run_sgd_steps(PrimitiveBackend& b, int64_t variant) {
  const std::vector<Tensor> p{state(b, {37, 5}, "sgd p"), state(b, {41}, "sgd q")},
      v{state(b, {37, 5}, "sgd v"), state(b, {41}, "sgd w")};
  const std::vector<Tensor> g = two_gradients(b, variant, "sgd");
  const Tensor factor = variant == 0 ? Tensor() : Tensor::full({1}, 0.5, DType::f64).to(b.device());
  b.sgd_steps(p, g, v, factor, {0.1, 0.9, 0.01, variant == 0});
  return {p[0], p[1], v[0], v[1]};
}

std::vector<Tensor> run_adam_steps(PrimitiveBackend& b, int64_t variant) {
  const std::vector<Tensor> p{state(b, {37, 5}, "adam p"), state(b, {41}, "adam q")},
      m{state(b, {37, 5}, "adam m"), state(b, {41}, "adam n")},
      v{state(b, {37, 5}, "adam v", 0, 1), state(b, {41}, "adam w", 0, 1)};
  const std::vector<Tensor> g = two_gradients(b, variant, "adam");
  const Tensor factor = variant == 0 ? Tensor() : Tensor::full({1}, 0.5, DType::f64).to(b.device());
  AdamParams s;
  s.weight_decay = 0.1;
  s.decoupled = variant == 1;
  s.step = 3;
  b.adam_steps(p, g, m, v, factor, s);
  return {p[0], p[1], m[0], m[1], v[0], v[1]};
}

/// A norm below the limit, one above it, one of gradients with a loss scale, and one of gradients of two types.
std::vector<Tensor> run_gradient_norm(PrimitiveBackend& b, int64_t variant) {
  Tensor result = room(b, {3}, DType::f64);
  const Tensor squares = numbers(b, {77, 91}, "squares"), more = numbers(b, {5000}, "more squares");
  b.gradient_norm({squares, variant == 3 ? in_scope(more.to(DType::f16)) : more}, variant == 1 ? 2.0 : 0.0,
                  variant == 2 ? 1024.0 : 1.0, result);
  return {result};
}

}  // namespace

std::vector<PrimitiveRow> optimizers_primitive_rows() {
  return {{"sgd_step", run_sgd, 2},
          {"adam_step", run_adam, 3},
          {"sgd_steps", run_sgd_steps, 3},
          {"adam_steps", run_adam_steps, 3},
          {"gradient_norm", run_gradient_norm, 4}};
}

}  // namespace cawe
