// SPDX-License-Identifier: Apache-2.0
// The dialect under g++: CUDA's words as calls into the emulator. Kernel files only; everything here is
// forced inline or has its own name, so that no instrumented code leaks into the rest of the program.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
/// Leaves the bound in front of the kernel's code, as so many bytes that do nothing: a launch reads them there
/// (kernel_limits.cpp). Bounds of templates are known when their code is made, as with nvcc.
#if defined(__x86_64__)
#define __launch_bounds__(...)                                                       \
  __attribute__((patchable_function_entry(::cawe::simt::bytes_of_bound(__VA_ARGS__), \
                                          ::cawe::simt::bytes_of_bound(__VA_ARGS__))))
#else
#define __launch_bounds__(...)
#endif
#define __align__(bytes) alignas(bytes)
/// Static and per host thread: the emulator knows where it lies (ELF's PT_TLS) and forgets it between blocks.
#define __shared__ static thread_local
#define CAWE_UNROLL  // nvcc's affair
#define CAWE_INLINE inline __attribute__((always_inline))

namespace cawe::emulated {
struct Stream;
}
using cudaStream_t = cawe::emulated::Stream*;

struct dim3 {
  unsigned x, y, z;
  CAWE_INLINE constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct alignas(8) float2 {
  float x, y;
};
struct float3 {
  float x, y, z;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) double2 {
  double x, y;
};
CAWE_INLINE float2 make_float2(float x, float y) { return {x, y}; }
CAWE_INLINE float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
CAWE_INLINE int2 make_int2(int x, int y) { return {x, y}; }
CAWE_INLINE int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
CAWE_INLINE uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }

namespace cawe::simt {

/// Two bytes a thread and 16 more: alignment puts at most one such byte in front of them.
CAWE_INLINE constexpr unsigned bytes_of_bound(unsigned threads, unsigned = 0, unsigned = 0) {
  return 2 * threads + 16;
}

// --- what the emulator gives to a running thread. Identity does not change while a thread runs: `const` lets
// the compiler keep it in registers, as hardware does.
struct Index3 {
  unsigned x, y, z;
};
Index3 thread_index() __attribute__((const));
Index3 block_index() __attribute__((const));
Index3 block_extent() __attribute__((const));
Index3 grid_extent() __attribute__((const));
unsigned lane_index() __attribute__((const));
void* dynamic_shared() __attribute__((const));
void block_barrier();
void warp_barrier(unsigned mask);
uint64_t shuffle(unsigned mask, uint64_t value, unsigned source);
unsigned ballot(unsigned mask, bool predicate);
void fence(bool device_wide);
void atomic_access(void* address, unsigned size);
[[noreturn]] void trap();

using Body = void (*)(const void* arguments);
/// Queues a launch on a stream (or runs it where no runtime is linked). The arguments are copied.
void submit_launch(const char* name, const void* code, Index3 grid, Index3 block, size_t shared, void* stream,
                   Body body, const void* arguments, size_t bytes);

template <class T>
CAWE_INLINE uint64_t to_bits(T value) {
  static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T>
CAWE_INLINE T from_bits(uint64_t bits) {
  T value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

// Arguments of a launch, kept as bytes until the stream comes to it.
struct FromValues {};
template <class... T>
struct Arguments {
  CAWE_INLINE explicit Arguments(FromValues) {}
};
template <class First, class... Rest>
struct Arguments<First, Rest...> {
  First first;
  Arguments<Rest...> rest;
  template <class A, class... B>
  CAWE_INLINE explicit Arguments(FromValues tag, A a, B... b)
      : first(static_cast<First>(a)), rest(tag, b...) {}
};
template <class... Parameters>
struct Call {
  void (*kernel)(Parameters...);
  Arguments<Parameters...> arguments;
};
template <class Kernel, class... Done>
CAWE_INLINE void spread(Kernel kernel, const Arguments<>&, Done... done) {
  kernel(done...);
}
template <class Kernel, class First, class... Rest, class... Done>
CAWE_INLINE void spread(Kernel kernel, const Arguments<First, Rest...>& left, Done... done) {
  spread(kernel, left.rest, done..., left.first);
}

template <class... Parameters, class... Given>
CAWE_INLINE void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared,
                        cudaStream_t stream, Given... given) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...), "kernel parameters are copied as bytes");
  const Call<Parameters...> call{kernel, Arguments<Parameters...>(FromValues{}, given...)};
  submit_launch(
      name, reinterpret_cast<const void*>(kernel), {grid.x, grid.y, grid.z}, {block.x, block.y, block.z},
      shared, stream,
      [](const void* bytes) {
        const auto& c = *static_cast<const Call<Parameters...>*>(bytes);
        spread(c.kernel, c.arguments);
      },
      &call, sizeof call);
}

// --- numbers of 16 bits
using half = _Float16;
struct bf16 {
  uint16_t bits;
};
CAWE_INLINE float widen(float x) { return x; }
CAWE_INLINE double widen(double x) { return x; }
CAWE_INLINE float widen(half x) { return float(x); }
CAWE_INLINE float widen(bf16 x) { return from_bits<float>(uint64_t(x.bits) << 16); }
CAWE_INLINE void narrow(float x, float& y) { y = x; }
CAWE_INLINE void narrow(double x, double& y) { y = x; }
CAWE_INLINE void narrow(float x, half& y) { y = half(x); }
/// Nearest, ties to even; a NaN stays one.
CAWE_INLINE void narrow(float x, bf16& y) {
  const uint32_t u = uint32_t(to_bits(x));
  y.bits = x != x ? uint16_t(u >> 16 | 64) : uint16_t((u + 0x7fffu + (u >> 16 & 1)) >> 16);
}

}  // namespace cawe::simt

#define CAWE_LAUNCH(kernel, ...) ::cawe::simt::launch(#kernel, kernel, __VA_ARGS__)
#define SIMT_DYN_SHARED(T, name) T* name = static_cast<T*>(::cawe::simt::dynamic_shared())

#define threadIdx (::cawe::simt::thread_index())
#define blockIdx (::cawe::simt::block_index())
#define blockDim (::cawe::simt::block_extent())
#define gridDim (::cawe::simt::grid_extent())
constexpr int warpSize = 32;

// --- barriers, shuffles, votes
CAWE_INLINE void __syncthreads() { cawe::simt::block_barrier(); }
CAWE_INLINE void __syncwarp(unsigned mask = 0xffffffffu) { cawe::simt::warp_barrier(mask); }
template <class T>
CAWE_INLINE T __shfl_sync(unsigned mask, T value, int source) {
  return cawe::simt::from_bits<T>(
      cawe::simt::shuffle(mask, cawe::simt::to_bits(value), unsigned(source) & 31));
}
template <class T>
CAWE_INLINE T __shfl_down_sync(unsigned mask, T value, unsigned delta) {
  const unsigned lane = cawe::simt::lane_index(), source = lane + delta;
  return cawe::simt::from_bits<T>(
      cawe::simt::shuffle(mask, cawe::simt::to_bits(value), source > 31 ? lane : source));
}
template <class T>
CAWE_INLINE T __shfl_up_sync(unsigned mask, T value, unsigned delta) {
  const unsigned lane = cawe::simt::lane_index();
  return cawe::simt::from_bits<T>(
      cawe::simt::shuffle(mask, cawe::simt::to_bits(value), lane < delta ? lane : lane - delta));
}
template <class T>
CAWE_INLINE T __shfl_xor_sync(unsigned mask, T value, int bits) {
  return cawe::simt::from_bits<T>(
      cawe::simt::shuffle(mask, cawe::simt::to_bits(value), cawe::simt::lane_index() ^ unsigned(bits)));
}
CAWE_INLINE unsigned __ballot_sync(unsigned mask, int predicate) {
  return cawe::simt::ballot(mask, predicate != 0);
}
CAWE_INLINE int __any_sync(unsigned mask, int predicate) {
  return cawe::simt::ballot(mask, predicate != 0) != 0;
}
CAWE_INLINE int __all_sync(unsigned mask, int predicate) {
  return cawe::simt::ballot(mask, predicate == 0) == 0;
}

// --- fences and atomics: the read and the write happen at once, and the emulator sees one atomic access
CAWE_INLINE void __threadfence() { cawe::simt::fence(true); }
CAWE_INLINE void __threadfence_block() { cawe::simt::fence(false); }
#define CAWE_ATOMIC(name, result)                                                     \
  template <class T>                                                                  \
  __attribute__((noinline, no_sanitize("thread", "undefined"), no_sanitize_coverage)) \
  T name##_of_emulator(T* p, T value) {                                               \
    const T old = *p;                                                                 \
    *p = result;                                                                      \
    return old;                                                                       \
  }                                                                                   \
  template <class T>                                                                  \
  CAWE_INLINE T name(T* p, T value) {                                                 \
    cawe::simt::atomic_access(p, sizeof(T));                                          \
    return name##_of_emulator(p, value);                                              \
  }
CAWE_ATOMIC(atomicAdd, T(old + value))
CAWE_ATOMIC(atomicMax, old < value ? value : old)
CAWE_ATOMIC(atomicMin, value < old ? value : old)
CAWE_ATOMIC(atomicOr, T(old | value))
CAWE_ATOMIC(atomicAnd, T(old& value))
CAWE_ATOMIC(atomicExch, value)
#undef CAWE_ATOMIC
template <class T>
__attribute__((noinline, no_sanitize("thread", "undefined"), no_sanitize_coverage)) T atomicCAS_of_emulator(
    T* p, T expected, T value) {
  const T old = *p;
  if (old == expected) *p = value;
  return old;
}
template <class T>
CAWE_INLINE T atomicCAS(T* p, T expected, T value) {
  cawe::simt::atomic_access(p, sizeof(T));
  return atomicCAS_of_emulator(p, expected, value);
}

// --- arithmetic that must not be contracted (kernels are compiled with -ffp-contract=off here)
CAWE_INLINE float __fadd_rn(float a, float b) { return a + b; }
CAWE_INLINE float __fsub_rn(float a, float b) { return a - b; }
CAWE_INLINE float __fmul_rn(float a, float b) { return a * b; }
CAWE_INLINE float __fdiv_rn(float a, float b) { return a / b; }
CAWE_INLINE float __fsqrt_rn(float a) { return __builtin_sqrtf(a); }
CAWE_INLINE double __dadd_rn(double a, double b) { return a + b; }
CAWE_INLINE double __dsub_rn(double a, double b) { return a - b; }
CAWE_INLINE double __dmul_rn(double a, double b) { return a * b; }
CAWE_INLINE double __ddiv_rn(double a, double b) { return a / b; }
CAWE_INLINE double __dsqrt_rn(double a) { return __builtin_sqrt(a); }
CAWE_INLINE float __expf(float x) { return __builtin_expf(x); }
CAWE_INLINE float __logf(float x) { return __builtin_logf(x); }
CAWE_INLINE float rsqrtf(float x) { return 1.f / __builtin_sqrtf(x); }
CAWE_INLINE int __popc(unsigned x) { return __builtin_popcount(x); }
CAWE_INLINE int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
CAWE_INLINE int __ffs(int x) { return __builtin_ffs(x); }
CAWE_INLINE int __ffsll(long long x) { return __builtin_ffsll(x); }
CAWE_INLINE int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
CAWE_INLINE int __clzll(long long x) { return x ? __builtin_clzll(static_cast<unsigned long long>(x)) : 64; }
CAWE_INLINE unsigned __float_as_uint(float x) { return unsigned(cawe::simt::to_bits(x)); }
CAWE_INLINE int __float_as_int(float x) { return int(cawe::simt::to_bits(x)); }
CAWE_INLINE float __uint_as_float(unsigned x) { return cawe::simt::from_bits<float>(x); }
CAWE_INLINE float __int_as_float(int x) { return cawe::simt::from_bits<float>(unsigned(x)); }
template <class T>
CAWE_INLINE T __ldg(const T* p) {
  return *p;
}
