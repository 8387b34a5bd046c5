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

// x * scale + shift in one rounding: computed twice, forward and for the gradient of a ReLU behind it, whose sign must
// be the same.
__device__ __forceinline__ float affine_of(float x, float scale, float shift) {
  return fmaf(x, scale, shift);
}
__device__ __forceinline__ double affine_of(double x, double scale, double shift) {
  return ::fma(x, scale, shift);
}

/// The largest number that is 0 when it is rounded to T: half the smallest one above 0.
template <class T>
constexpr Accumulator<T> kVanishes = 0;
template <>
constexpr float kVanishes<half> = 0x1p-25f;
template <>
constexpr float kVanishes<bf16> = 0x1p-134f;

/// A channel's constants for masked(): none where the ReLU's output is read.
template <class A, bool kAgain>
struct Line {
  __device__ __forceinline__ void set(A, A) {}
};
template <class A>
struct Line<A, true> {
  A scale, shift;
  __device__ __forceinline__ void set(A a, A b) {
    scale = a;
    shift = b;
  }
};

/// What the gradient of a ReLU knows of its output: y (nullptr: there is no ReLU) or, kAgain, the line by which x
/// becomes it.
template <class T, bool kAgain>
struct Mask {
  using A = Accumulator<T>;
  const T* y;
  const A *scale, *shift;
  /// of[k].line for channels c, c + 1, ...
  template <class Channel, int kChannels>
  __device__ __forceinline__ void channels(int c, Channel (&of)[kChannels]) const {
    if constexpr (kAgain) {
      A a[kChannels], b[kChannels];
      load_vector(scale, c, a);
      load_vector(shift, c, b);
      for (int k = 0; k < kChannels; ++k) of[k].line.set(a[k], b[k]);
    }
  }
  /// y where it is read.
  template <int kPack>
  __device__ __forceinline__ Pack<T, kPack> loaded(size_t at) const {
    if constexpr (!kAgain)
      if (y != nullptr) return load<kPack>(y, at);
    return {};
  }
  /// dy, or zero where the ReLU gave none; `out` as loaded() gave it.
  template <int kPack, class Channel, int kChannels>
  __device__ __forceinline__ Pack<T, kPack> masked(Pack<T, kPack> dy, const Pack<T, kPack>& out,
                                                   const Pack<T, kPack>& x,
                                                   const Channel (&of)[kChannels]) const {
    const T zero = rounded<T>(A(0));
    if constexpr (kAgain) {
      for (int k = 0; k < kPack; ++k) {
        const auto& line = of[k % kChannels].line;
        dy.v[k] = affine_of(widen(x.v[k]), line.scale, line.shift) > kVanishes<T> ? dy.v[k] : zero;
      }
    } else if (y != nullptr) {
      for (int k = 0; k < kPack; ++k) dy.v[k] = widen(out.v[k]) > A(0) ? dy.v[k] : zero;
    }
    return dy;
  }
};

/// Lanes that load 128 bytes together, a line of the caches; at most a warp.
template <class T, int kPack>
constexpr int kMostLanes = sizeof(T) * kPack < 4 ? 32 : int(128 / (sizeof(T) * kPack));

// --- host side
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

/// Block and grid for `packs` packs of channels: as many lanes as there are packs, at most `most`.
struct Columns {
  explicit Columns(int64_t packs, int64_t most = 32) {
    while (lanes < packs && lanes < most) lanes *= 2;
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

/// Runs the statement with kAgain = whether the ReLU's output is computed again.
#define CAWE_DISPATCH_RELU(relu, kAgain, ...)           \
  if ((relu).y == nullptr && (relu).scale != nullptr) { \
    constexpr bool kAgain = true;                       \
    __VA_ARGS__;                                        \
  } else {                                              \
    constexpr bool kAgain = false;                      \
    __VA_ARGS__;                                        \
  }

}  // namespace
}  // namespace CAWE_DEVICE
