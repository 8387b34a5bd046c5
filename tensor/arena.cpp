// SPDX-License-Identifier: Apache-2.0
#include "tensor/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "tensor/error.h"

namespace cawe {
namespace {

constexpr size_t kHuge = size_t{2} << 20;

/// Sizes in eight steps for each power of two, so that at most 1/8 of a block is lost.
size_t size_class(size_t bytes) {
  size_t step = 64;
  while (step * 16 <= bytes) step *= 2;
  return std::max<size_t>(64, (bytes + step - 1) / step * step);
}

void* system_allocate(size_t bytes) {
  const size_t alignment = bytes >= kHuge ? kHuge : 64;
  void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (block != nullptr && bytes >= kHuge)
    madvise(block, bytes, MADV_HUGEPAGE);  // a hint: failing is harmless
  return block;
}

}  // namespace

struct Arena::State {
  std::mutex mutex;
  std::unordered_map<size_t, std::vector<void*>> free_blocks;
  ArenaStatistics statistics;
};

Arena& Arena::cpu() {
  static Arena arena;
  return arena;
}

Arena::State& Arena::state() const {
  static State* const state = new State;  // outlives every static Tensor
  return *state;
}

void* Arena::allocate(size_t bytes) {
  const size_t size = size_class(bytes);
  State& s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  ++s.statistics.requests;
  void* block = nullptr;
  auto& cached = s.free_blocks[size];
  if (!cached.empty()) {
    block = cached.back();
    cached.pop_back();
  } else {
    block = system_allocate(size);
    CAWE_CHECK(block != nullptr, Code::io, "out of memory: ", size, " bytes wanted, ",
               s.statistics.live_bytes, " in use. Use a smaller batch or image, or checkpoint_segments.");
    ++s.statistics.system_calls;
    s.statistics.reserved_bytes += int64_t(size);
  }
  s.statistics.live_bytes += int64_t(size);
  s.statistics.peak_bytes = std::max(s.statistics.peak_bytes, s.statistics.live_bytes);
  return block;
}

void Arena::release(void* block, size_t bytes) noexcept {
  const size_t size = size_class(bytes);
  State& s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  s.free_blocks[size].push_back(block);
  s.statistics.live_bytes -= int64_t(size);
}

ArenaStatistics Arena::statistics() const {
  State& s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  return s.statistics;
}

void Arena::reset_peak() {
  State& s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  s.statistics.peak_bytes = s.statistics.live_bytes;
}

}  // namespace cawe
