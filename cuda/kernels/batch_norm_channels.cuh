// SPDX-License-Identifier: Apache-2.0
// Shared by the kernels over channels: packs of numbers, vectors [C], and how threads map to channels.
#pragma once

#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/batch_norm.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kWarps = kThreads / 32;

template <int kPack, class T>
__device__ __forceinline__ Pack<T, kPack> load(const T* from, size_t at) {
  return *reinterpret_cast<const Pack<T, kPack>*>(from + at);
}
template <int kPack, class T>
__device__ __forceinline__ void store(T* to, size_t at, const Pack<T, kPack>& p) {
  *reinterpret_cast<Pack<T, kPack>*>(to + at) = p;
}

/// Numbers at, at + 1, ... of a vector [C], by 128-bit loads where there are several.
template <int kCount, class A>
__device__ __forceinline__ void load_vector(const A* from, int at, A (&to)[kCount]) {
  constexpr int kStep = kCount < kPerLoad<A> ? kCount : kPerLoad<A>;
  for (int i = 0; i < kCount; i += kStep) {
    const Pack<A, kStep> p = load<kStep>(from, size_t(at + i));
    for (int k = 0; k < kStep; ++k) to[i + k] = p.v[k];
  }
}

template <int kCount, class A>
__device__ __forceinline__ void store_vector(A* to, int at, const A (&from)[kCount]) {
  constexpr int kStep = kCount < kPerLoad<A> ? kCount : kPerLoad<A>;
  for (int i = 0; i < kCount; i += kStep) {
    Pack<A, kStep> p;
    for (int k = 0; k < kStep; ++k) p.v[k] = from[i + k];
    store(to, size_t(at + i), p);
  }
}

/// dy, or zero where y is given and not positive.
template <int kPack, class T>
__device__ __forceinline__ Pack<T, kPack> masked(const T* dy, const T* y, size_t at) {
  Pack<T, kPack> g = load<kPack>(dy, at);
  if (y == nullptr) return g;
  const Pack<T, kPack> out = load<kPack>(y, at);
  for (int k = 0; k < kPack; ++k)
    if (!(widen(out.v[k]) > Accumulator<T>(0))) g.v[k] = rounded<T>(Accumulator<T>(0));
  return g;
}

// --- host side
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

/// Block and grid for `packs` packs of channels: as many lanes as there are packs, at most a warp.
struct Columns {
  explicit Columns(int64_t packs) {
    while (lanes < packs && lanes < 32) lanes *= 2;
    across = ceil_div(packs, lanes);
  }
  int64_t lanes = 1, across = 1;
  int64_t block_rows() const { return kThreads / lanes; }
  dim3 block() const { return dim3(unsigned(lanes), unsigned(block_rows())); }
};

/// How many numbers a load holds in this layout.
template <class T>
int pack_of(const ChannelShape& s) {
  return (s.channels_last ? s.c : s.cells) % kPerLoad<T> == 0 ? kPerLoad<T> : 1;
}

/// An untyped pointer as the typed one that is asked for.
struct Typed {
  const void* p;
  template <class T>
  operator const T*() const {
    return static_cast<const T*>(p);
  }
};

}  // namespace
}  // namespace CAWE_DEVICE
