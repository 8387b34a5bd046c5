// SPDX-License-Identifier: Apache-2.0
// Element-wise kernels over tensors of any strides: adjacent dimensions are merged where possible, in the
// memory order of the output, and a thread finds its element in all operands by dividing its index.
#pragma once

#include "cuda/kernels/divider.cuh"

namespace CAWE_DEVICE {
namespace {

/// The common shape of K operands, dimension 0 being the fastest in the last operand. Host side.
template <int K>
struct Plan {
  int rank = 0;
  int64_t size[6] = {};
  int64_t stride[K][6] = {};

  int64_t count() const {
    int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= size[d];
    return n;
  }
  /// True where operand k is contiguous in this order.
  bool is_packed(int k) const {
    int64_t step = 1;
    for (int d = 0; d < rank; ++d) {
      if (stride[k][d] != step) return false;
      step *= size[d];
    }
    return true;
  }
  bool is_flat() const {
    for (int k = 0; k < K; ++k)
      if (!is_packed(k)) return false;
    return true;
  }
  bool continues(int d) const {
    for (int k = 0; k < K; ++k)
      if (stride[k][d] != stride[k][d - 1] * size[d - 1]) return false;
    return true;
  }
  void swap(int d, int e) {
    const auto exchange = [](int64_t& a, int64_t& b) {
      const int64_t old = a;
      a = b;
      b = old;
    };
    exchange(size[d], size[e]);
    for (int k = 0; k < K; ++k) exchange(stride[k][d], stride[k][e]);
  }
  void drop(int d) {
    for (; d + 1 < rank; ++d) swap(d, d + 1);
    --rank;
  }
};

/// views[k] have the same sizes; a stride of 0 repeats an input.
template <int K>
Plan<K> make_plan(const StridedView* const (&views)[K]) {
  Plan<K> p;
  for (int d = views[0]->rank - 1; d >= 0; --d) {
    if (views[0]->size[d] == 1) continue;
    p.size[p.rank] = views[0]->size[d];
    for (int k = 0; k < K; ++k) p.stride[k][p.rank] = views[k]->stride[d];
    ++p.rank;
  }
  for (int d = 1; d < p.rank; ++d)  // sorted by the output's strides, equal ones as they came
    for (int e = d; e > 0 && p.stride[K - 1][e] < p.stride[K - 1][e - 1]; --e) p.swap(e, e - 1);
  for (int d = 1; d < p.rank;) {
    if (!p.continues(d)) {
      ++d;
      continue;
    }
    p.size[d - 1] *= p.size[d];
    p.drop(d);
  }
  return p;
}

/// The part of a plan that a kernel needs.
template <int K>
struct Walk {
  int rank;
  unsigned count;
  Divider size[6];
  int64_t stride[K][6];
};

template <int K>
Walk<K> make_walk(const Plan<K>& p) {
  Walk<K> w{};
  w.rank = p.rank;
  w.count = unsigned(p.count());
  for (int d = 0; d < p.rank; ++d) {
    w.size[d] = make_divider(p.size[d]);
    for (int k = 0; k < K; ++k) w.stride[k][d] = p.stride[k][d];
  }
  return w;
}

/// Calls launch(plan, offsets of its first element) for parts of at most kMostCounted elements each.
template <int K, class Launch>
void in_parts(Plan<K> p, const int64_t (&first)[K], const Launch& launch) {
  while (p.rank > 0 && p.size[p.rank - 1] == 1) --p.rank;
  if (p.count() <= kMostCounted) return launch(p, first);
  Plan<K> rest = p;
  const int d = p.rank - 1;
  p.size[d] /= 2;
  rest.size[d] -= p.size[d];
  int64_t second[K];
  for (int k = 0; k < K; ++k) second[k] = first[k] + p.size[d] * p.stride[k][d];
  in_parts(p, first, launch);
  in_parts(rest, second, launch);
}

template <int K>
struct Offsets {
  int64_t at[K];
};

/// Where element i of the walk lies in each operand.
template <int K>
__device__ __forceinline__ Offsets<K> offsets_of(const Walk<K>& w, unsigned i) {
  Offsets<K> o{};
#if defined(__CUDACC__)
#pragma unroll  // constant indices, else the parameters would be copied to local memory
#endif
  for (int d = 0; d < 6; ++d) {
    if (d >= w.rank) break;
    const unsigned next = divide(i, w.size[d]);
    const int64_t digit = int64_t(i - next * w.size[d].divisor);
    for (int k = 0; k < K; ++k) o.at[k] += digit * w.stride[k][d];
    i = next;
  }
  return o;
}

// --- flat tensors: one pack per thread, then one number per thread for the remainder
inline bool is_aligned(const void* p, size_t bytes = 16) {
  return reinterpret_cast<uintptr_t>(p) % bytes == 0;
}

constexpr int kFlatThreads = 256;

/// Blocks for n numbers in packs of `pack`.
inline unsigned flat_blocks(int64_t n, int64_t pack) {
  return unsigned(ceil_div(n / pack + n % pack, kFlatThreads));
}

}  // namespace
}  // namespace CAWE_DEVICE
