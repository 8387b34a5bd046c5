// SPDX-License-Identifier: Apache-2.0
// Kernels over lists of tensors: one launch for up to 64, whose addresses are a parameter of the kernel (ADR 17; at most 3.4 KB
// of the 4 KB that all GPUs take). A block of 256 threads takes 4096 numbers of one tensor, which it finds by bisection.
#pragma once

#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kTensors = 64;
constexpr int64_t kChunk = 4096;  // numbers per block

/// Tensors of one launch. Blocks first_block[i] .. first_block[i + 1] - 1 belong to entry[i].
template <class Entry>
struct List {
  Entry entry[kTensors];
  unsigned first_block[kTensors];
  int length;
};

/// True where all of these can be loaded and stored 16 bytes at a time.
template <class... Pointers>
__device__ __forceinline__ bool are_aligned(const Pointers*... p) {
  return ((reinterpret_cast<uintptr_t>(p) % 16 == 0) && ...);
}

template <class T, int kPack>
__device__ __forceinline__ Pack<T, kPack> load(const void* from, int64_t i) {
  return *reinterpret_cast<const Pack<T, kPack>*>(static_cast<const T*>(from) + i);
}
template <class T, int kPack>
__device__ __forceinline__ void store(void* to, int64_t i, const Pack<T, kPack>& p) {
  *reinterpret_cast<Pack<T, kPack>*>(static_cast<T*>(to) + i) = p;
}

/// Calls rule.apply<pack>(entry, i, state) for this thread's share of the block's numbers, kPack at a time where
/// Rule::aligned(entry).
template <int kPack, class Entry, class Rule, class State>
__device__ __forceinline__ void apply_all(const List<Entry>& list, const Rule& rule, State& state) {
  int at = 0, end_of_search = list.length;
  while (end_of_search - at > 1) {
    const int middle = (at + end_of_search) / 2;
    if (list.first_block[middle] <= blockIdx.x)
      at = middle;
    else
      end_of_search = middle;
  }
  const Entry e = list.entry[at];
  const int64_t begin = int64_t(blockIdx.x - list.first_block[at]) * kChunk;
  const int64_t end = begin + kChunk < e.count ? begin + kChunk : e.count;
  const int64_t packed_end = Rule::aligned(e) ? end - (end - begin) % kPack : begin;
  for (int64_t i = begin + threadIdx.x * kPack; i < packed_end; i += kThreads * kPack)
    rule.template apply<kPack>(e, i, state);
#if defined(__CUDACC__)
#pragma unroll 1  // it is short or unaligned; unrolled as well, ptxas spills registers of conversions
#endif
  for (int64_t i = packed_end + threadIdx.x; i < end; i += kThreads) rule.template apply<1>(e, i, state);
}

/// prepare() computes what is the same for all numbers, and returns false where there is nothing to do.
template <int kPack, class Entry, class Rule>
__global__ void __launch_bounds__(kThreads) for_list(const List<Entry> list, const Rule rule) {
  typename Rule::State state;
  if (rule.prepare(state)) apply_all<kPack>(list, rule, state);
}

// --- launches
int64_t blocks_of(int64_t count) { return (count + kChunk - 1) / kChunk; }

/// Calls launch(group, blocks) for every 64 tensors that are not empty.
template <class Entry, class Launch>
void for_groups(const Entry* list, int64_t length, Launch launch) {
  List<Entry> group;
  group.length = 0;
  int64_t blocks = 0;
  for (int64_t i = 0; i < length; ++i) {
    if (list[i].count == 0) continue;
    group.entry[group.length] = list[i];
    group.first_block[group.length++] = unsigned(blocks);
    blocks += blocks_of(list[i].count);
    if (group.length < kTensors) continue;
    launch(group, unsigned(blocks));
    group.length = 0;
    blocks = 0;
  }
  if (group.length > 0) launch(group, unsigned(blocks));
}

template <int kPack, class Entry, class Rule>
void launch_list(const Entry* list, int64_t length, const Rule& rule, DeviceStream stream) {
  for_groups(list, length, [&](const List<Entry>& group, unsigned blocks) {
    CAWE_LAUNCH((for_list<kPack, Entry, Rule>), blocks, kThreads, 0, stream, group, rule);
  });
}

}  // namespace
}  // namespace CAWE_DEVICE
