// SPDX-License-Identifier: Apache-2.0
// Element-wise arithmetic as functors: the one source that the CPU loops and the CUDA kernels compile.
// Adding a function: scripts/new-op --unary NAME writes it into this file and the five others that have to
// know it (CONTRIBUTING.md).
#pragma once

#include <cmath>
#include <cstdint>

// Kernel files include the SIMT dialect (cuda/emulator/simt) first. In the emulator's builds it instruments
// what follows, so nothing here may become a function that the rest of the program links.
#if defined(__CUDACC__)
#define CAWE_HOST_DEVICE __host__ __device__ __forceinline__
#elif defined(CAWE_LAUNCH)
#define CAWE_HOST_DEVICE __forceinline__
#else
#define CAWE_HOST_DEVICE inline
#endif

namespace cawe {

enum class UnaryOp : uint8_t {
  identity,
  affine,
  relu,
  leaky_relu,
  sigmoid,
  tanh,
  exp,
  log,
  sqrt,
  square,
  abs,
  softplus,
  clamp
};
enum class BinaryOp : uint8_t { add, sub, mul, div, minimum, maximum, greater, greater_equal, equal };

namespace elementwise {

/// Each functor: value(x) and slope(x, y) = dy/dx, with the parameters a and b of the call.
template <class T>
struct Identity {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const { return x; }
  CAWE_HOST_DEVICE T slope(T, T) const { return T(1); }
};
/// a x + b
template <class T>
struct Affine {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const { return a * x + b; }
  CAWE_HOST_DEVICE T slope(T, T) const { return a; }
};
template <class T>
struct Relu {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const { return x > T(0) ? x : (x != x ? x : T(0)); }
  CAWE_HOST_DEVICE T slope(T x, T) const { return x > T(0) ? T(1) : T(0); }
};
/// x > 0 ? x : a x
template <class T>
struct LeakyRelu {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const { return x > T(0) ? x : a * x; }
  CAWE_HOST_DEVICE T slope(T x, T) const { return x > T(0) ? T(1) : a; }
};
/// 1 / (1 + exp(-x)), from exp(-|x|) so that nothing overflows
template <class T>
struct Sigmoid {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const {
    using std::exp;
    using std::fabs;
    const T e = exp(-fabs(x));
    return (x >= T(0) ? T(1) : e) / (T(1) + e);
  }
  CAWE_HOST_DEVICE T slope(T, T y) const { return y * (T(1) - y); }
};
template <class T>
struct Tanh {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const {
    using std::tanh;
    return tanh(x);
  }
  CAWE_HOST_DEVICE T slope(T, T y) const { return T(1) - y * y; }
};
template <class T>
struct Exp {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const {
    using std::exp;
    return exp(x);
  }
  CAWE_HOST_DEVICE T slope(T, T y) const { return y; }
};
template <class T>
struct Log {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const {
    using std::log;
    return log(x);
  }
  CAWE_HOST_DEVICE T slope(T x, T) const { return T(1) / x; }
};
template <class T>
struct Sqrt {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const {
    using std::sqrt;
    return sqrt(x);
  }
  CAWE_HOST_DEVICE T slope(T, T y) const { return T(0.5) / y; }
};
template <class T>
struct Square {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const { return x * x; }
  CAWE_HOST_DEVICE T slope(T x, T) const { return T(2) * x; }
};
template <class T>
struct Abs {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const {
    using std::fabs;
    return fabs(x);
  }
  CAWE_HOST_DEVICE T slope(T x, T) const { return x > T(0) ? T(1) : (x < T(0) ? T(-1) : T(0)); }
};
/// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))
template <class T>
struct Softplus {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const {
    using std::exp;
    using std::fabs;
    using std::log1p;
    return (x > T(0) ? x : T(0)) + log1p(exp(-fabs(x)));
  }
  CAWE_HOST_DEVICE T slope(T x, T) const { return Sigmoid<T>{a, b}.value(x); }
};
/// min(max(x, a), b); the gradient is 1 inside, bounds included, as in PyTorch
template <class T>
struct Clamp {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const { return x < a ? a : (x > b ? b : x); }
  CAWE_HOST_DEVICE T slope(T x, T) const { return x >= a && x <= b ? T(1) : T(0); }
};

/// Calls fn(functor) with the functor of `op`.
#if defined(__CUDACC__)
// fn is host code where kernels are chosen and device code inside them
#pragma nv_exec_check_disable
#endif
template <class T, class Fn>
CAWE_HOST_DEVICE auto visit(UnaryOp op, T a, T b, Fn&& fn) {
  switch (op) {
    case UnaryOp::affine:
      return fn(Affine<T>{a, b});
    case UnaryOp::relu:
      return fn(Relu<T>{a, b});
    case UnaryOp::leaky_relu:
      return fn(LeakyRelu<T>{a, b});
    case UnaryOp::sigmoid:
      return fn(Sigmoid<T>{a, b});
    case UnaryOp::tanh:
      return fn(Tanh<T>{a, b});
    case UnaryOp::exp:
      return fn(Exp<T>{a, b});
    case UnaryOp::log:
      return fn(Log<T>{a, b});
    case UnaryOp::sqrt:
      return fn(Sqrt<T>{a, b});
    case UnaryOp::square:
      return fn(Square<T>{a, b});
    case UnaryOp::abs:
      return fn(Abs<T>{a, b});
    case UnaryOp::softplus:
      return fn(Softplus<T>{a, b});
    case UnaryOp::clamp:
      return fn(Clamp<T>{a, b});
    case UnaryOp::identity:
      break;
  }
  return fn(Identity<T>{a, b});
}

template <class T>
CAWE_HOST_DEVICE T binary(BinaryOp op, T x, T y) {
  switch (op) {
    case BinaryOp::add:
      return x + y;
    case BinaryOp::sub:
      return x - y;
    case BinaryOp::mul:
      return x * y;
    case BinaryOp::div:
      return x / y;
    case BinaryOp::minimum:
      return x < y ? x : y;
    case BinaryOp::maximum:
      return x > y ? x : y;
    case BinaryOp::greater:
      return x > y ? T(1) : T(0);
    case BinaryOp::greater_equal:
      return x >= y ? T(1) : T(0);
    case BinaryOp::equal:
      return x == y ? T(1) : T(0);
  }
  return T(0);
}

}  // namespace elementwise
}  // namespace cawe
