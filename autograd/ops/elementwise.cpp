// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/elementwise.h"

#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/reductions.h"

namespace cawe {
namespace {

Variable unary(const char* name, UnaryOp op, const Variable& x, double a = 0, double b = 0) {
  CAWE_CHECK(x.defined() && is_floating(x.dtype()), Code::dtype, name, ": x must be a floating tensor");
  const Tensor in = x.value();
  Tensor y = Tensor::like(in);
  primitives::unary(op, a, b, in, y);
  return record(name, {x}, y, [op, a, b, in, y](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::like(y);
    primitives::unary_grad(op, a, b, in, y, dy, dx);
    return {dx};
  });
}

void check_pair(const char* name, const Variable& a, const Variable& b) {
  CAWE_CHECK(a.defined() && b.defined() && a.dtype() == b.dtype() && is_floating(a.dtype()), Code::dtype,
             name, ": both inputs must be floating tensors of one dtype");
}

/// Uninitialised, shaped by broadcasting, in the memory order of whichever input has that shape.
Tensor broadcast_output(const char* name, const Tensor& a, const Tensor& b) {
  const Shape shape = broadcast_shapes(name, a.shape(), b.shape());
  if (a.shape() == shape) return Tensor::like(a);
  if (b.shape() == shape) return Tensor::like(b);
  return Tensor::empty(shape, a.dtype(), Layout::contiguous, a.device());
}

Tensor apply(BinaryOp op, const char* name, const Tensor& a, const Tensor& b) {
  Tensor y = broadcast_output(name, a, b);
  primitives::binary(op, a, b, y);
  return y;
}

Tensor scaled(const Tensor& x, double factor) {
  Tensor y = Tensor::like(x);
  primitives::unary(UnaryOp::affine, factor, 0, x, y);
  return y;
}

/// g summed to `shape`: the gradient of broadcasting.
Tensor reduced(const Tensor& g, const Shape& shape) {
  if (g.shape() == shape) return g;
  Tensor y = Tensor::empty(shape, g.dtype(), Layout::contiguous, g.device());
  primitives::sum_to(g, y);
  return y;
}

}  // namespace

Variable relu(const Variable& x) { return unary("relu", UnaryOp::relu, x); }
Variable leaky_relu(const Variable& x, double slope) {
  return unary("leaky_relu", UnaryOp::leaky_relu, x, slope);
}
Variable sigmoid(const Variable& x) { return unary("sigmoid", UnaryOp::sigmoid, x); }
Variable tanh(const Variable& x) { return unary("tanh", UnaryOp::tanh, x); }
Variable exp(const Variable& x) { return unary("exp", UnaryOp::exp, x); }
Variable log(const Variable& x) { return unary("log", UnaryOp::log, x); }
Variable sqrt(const Variable& x) { return unary("sqrt", UnaryOp::sqrt, x); }
Variable square(const Variable& x) { return unary("square", UnaryOp::square, x); }
Variable abs(const Variable& x) { return unary("abs", UnaryOp::abs, x); }
Variable softplus(const Variable& x) { return unary("softplus", UnaryOp::softplus, x); }
Variable clamp(const Variable& x, double low, double high) {
  CAWE_CHECK(low <= high, Code::usage, "clamp: low ", low, " is above high ", high);
  return unary("clamp", UnaryOp::clamp, x, low, high);
}
Variable affine(const Variable& x, double scale, double shift) {
  return unary("affine", UnaryOp::affine, x, scale, shift);
}

Variable cast(const Variable& x, DType dtype) {
  CAWE_CHECK(is_floating(dtype) && is_floating(x.dtype()), Code::dtype, "cast: from ", name(x.dtype()),
             " to ", name(dtype), " (expected floating types)");
  if (x.dtype() == dtype) return x;
  return record("cast", {x}, x.value().to(dtype), [](const Tensor& dy) -> Grads { return {dy}; });
}

Variable add(const Variable& a, const Variable& b) {
  check_pair("add", a, b);
  const Shape sa = a.shape(), sb = b.shape();
  return record("add", {a, b}, apply(BinaryOp::add, "add", a.value(), b.value()),
                [sa, sb](const Tensor& dy) -> Grads {
                  return {reduced(dy, sa), reduced(dy, sb)};
                });
}

Variable sub(const Variable& a, const Variable& b) {
  check_pair("sub", a, b);
  const Shape sa = a.shape(), sb = b.shape();
  return record("sub", {a, b}, apply(BinaryOp::sub, "sub", a.value(), b.value()),
                [sa, sb](const Tensor& dy) -> Grads {
                  return {reduced(dy, sa), scaled(reduced(dy, sb), -1)};
                });
}

Variable mul(const Variable& a, const Variable& b) {
  check_pair("mul", a, b);
  const Tensor ta = a.value(), tb = b.value();
  const bool wants_a = needs_grad(a), wants_b = needs_grad(b);
  return record("mul", {a, b}, apply(BinaryOp::mul, "mul", ta, tb), [=](const Tensor& dy) -> Grads {
    return {wants_a ? reduced(apply(BinaryOp::mul, "mul", dy, tb), ta.shape()) : Tensor(),
            wants_b ? reduced(apply(BinaryOp::mul, "mul", dy, ta), tb.shape()) : Tensor()};
  });
}

Variable div(const Variable& a, const Variable& b) {
  check_pair("div", a, b);
  const Tensor ta = a.value(), tb = b.value();
  const Tensor y = apply(BinaryOp::div, "div", ta, tb);
  const bool wants_a = needs_grad(a), wants_b = needs_grad(b);
  return record("div", {a, b}, y, [=](const Tensor& dy) -> Grads {
    // dy / b, which is da; db = -y dy / b
    const Tensor quotient = apply(BinaryOp::div, "div", dy, tb);
    return {wants_a ? reduced(quotient, ta.shape()) : Tensor(),
            wants_b ? scaled(reduced(apply(BinaryOp::mul, "div", quotient, y), tb.shape()), -1) : Tensor()};
  });
}

}  // namespace cawe
