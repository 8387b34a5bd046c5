// SPDX-License-Identifier: Apache-2.0
// Shared by attention.cu and attention_mma.cu: the four things that one kernel computes, and what a launch is given.
#pragma once

// Included by kernel files, after simt.cuh.

#include "cuda/kernels/attention.h"

namespace CAWE_DEVICE {
namespace {

enum class Kind { forward, value_grad, query_grad, key_grad };
template <Kind kKind>
constexpr bool kRowsAreQueries = kKind == Kind::forward || kKind == Kind::query_grad;
template <Kind kKind>
constexpr bool kHasSlopes = kKind == Kind::query_grad || kKind == Kind::key_grad;

/// One launch's inputs and outputs. Score [r, s] = scale x[r] · y[s]; gradients of scores also need u[r] ·
/// w[s] (dy and v).
template <class T>
struct Work {
  const T *x, *y, *u, *w, *z;
  T* out;
  simt::Accumulator<T>* seen;  ///< forward: the softmax statistics, an output
  /// Gradients: three arrays over all queries, the largest score, 1 / sum and dy · y.
  const simt::Accumulator<T>* terms;
  int64_t images;
  /// Row lengths: depth of x and y, channels of u and w, width of z.
  int rows, columns, depth, channels, width;
  simt::Accumulator<T> scale;
};

/// A query's terms for the gradients.
template <class A>
struct Term {
  A most, share, mean;
};

template <class T>
const T* in(const void* p) {
  return static_cast<const T*>(p);
}

template <class T>
Work<T> forward_work(const AttentionSizes& z, const void* q, const void* k, const void* v, void* y,
                     void* seen) {
  using A = simt::Accumulator<T>;
  return {in<T>(q),
          in<T>(k),
          nullptr,
          nullptr,
          in<T>(v),
          static_cast<T*>(y),
          static_cast<A*>(seen),
          nullptr,
          z.images,
          int(z.queries),
          int(z.keys),
          int(z.depth),
          0,
          int(z.channels),
          A(z.scale)};
}

template <class T>
Work<T> value_grad_work(const AttentionSizes& z, const AttentionGradient& g) {
  using A = simt::Accumulator<T>;
  return {in<T>(g.k), in<T>(g.q),      nullptr,   nullptr,     in<T>(g.dy),    static_cast<T*>(g.dv),
          nullptr,    in<A>(g.terms),  z.images,  int(z.keys), int(z.queries), int(z.depth),
          0,          int(z.channels), A(z.scale)};
}

template <class T>
Work<T> key_grad_work(const AttentionSizes& z, const AttentionGradient& g) {
  using A = simt::Accumulator<T>;
  return {in<T>(g.k),      in<T>(g.q),     in<T>(g.v), in<T>(g.dy), in<T>(g.q),     static_cast<T*>(g.dk),
          nullptr,         in<A>(g.terms), z.images,   int(z.keys), int(z.queries), int(z.depth),
          int(z.channels), int(z.depth),   A(z.scale)};
}

template <class T>
Work<T> query_grad_work(const AttentionSizes& z, const AttentionGradient& g) {
  using A = simt::Accumulator<T>;
  return {in<T>(g.q),      in<T>(g.k),     in<T>(g.dy), in<T>(g.v),     in<T>(g.k),  static_cast<T*>(g.dq),
          nullptr,         in<A>(g.terms), z.images,    int(z.queries), int(z.keys), int(z.depth),
          int(z.channels), int(z.depth),   A(z.scale)};
}

}  // namespace
}  // namespace CAWE_DEVICE
