// SPDX-License-Identifier: Apache-2.0
// Device memory of the emulator: one arena with red zones, and a shadow that knows each byte's state.
#include <sys/mman.h>

#include <cstring>
#include <deque>
#include <map>
#include <mutex>

#include "cuda/emulator/simt/core.h"
#include "tensor/error.h"

namespace cawe::simt {

Options& options() {
  static Options o;
  return o;
}

namespace core {
namespace {

constexpr size_t kAlignment = 256, kRedZone = 512;
/// Freed blocks wait until so much lies in quarantine; only then is the oldest given out again.
constexpr size_t kQuarantineBytes = size_t{256} << 20;

struct Heap {
  std::mutex lock;
  std::map<size_t, size_t> live;            ///< offset -> bytes
  std::map<size_t, size_t> freed;           ///< in quarantine: offset -> bytes
  std::deque<size_t> quarantine;            ///< oldest first
  std::multimap<size_t, size_t> reusable;   ///< span -> offset
  size_t quarantine_bytes = 0, end = 4096;  ///< offset 0 stays unused: it would look like nullptr's neighbour
  MemoryStatistics statistics;
  int open = 0;
};

Heap& heap() {
  static Heap h;
  return h;
}

/// Addresses without memory behind them (allocate_address).
struct AddressSpace {
  static constexpr size_t kBytes = size_t{1} << 40;
  const char* base = nullptr;
  std::map<size_t, size_t> live;           ///< offset -> bytes
  std::multimap<size_t, size_t> reusable;  ///< span -> offset
  size_t end = 0;
  bool has(const void* p) const { return base && size_t(static_cast<const char*>(p) - base) < kBytes; }
};

AddressSpace& addresses() {
  static AddressSpace a;
  return a;
}

/// Whether [offset, offset + bytes) lies in one of the blocks.
bool lies_in_one(const std::map<size_t, size_t>& blocks, size_t offset, size_t bytes) {
  const auto next = blocks.upper_bound(offset);
  if (next == blocks.begin()) return false;
  const auto& [begin, size] = *std::prev(next);
  return offset - begin <= size && bytes <= size - (offset - begin);
}

size_t span_of(size_t bytes) { return (bytes + kRedZone + kAlignment - 1) / kAlignment * kAlignment; }

template <class T>
T* reserve(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CAWE_CHECK(p != MAP_FAILED, Code::io, "SIMT emulator: cannot reserve ", bytes >> 20,
             " MiB of address space (expected an unlimited `ulimit -v`)");
  return static_cast<T*>(p);
}

void forget(size_t offset, size_t bytes) { std::memset(memory().state + offset, kNoMemory, bytes); }

/// Lets the oldest freed blocks go until the quarantine is small enough.
void drain(Heap& h) {
  while (h.quarantine_bytes > kQuarantineBytes && !h.quarantine.empty()) {
    const size_t offset = h.quarantine.front(), bytes = h.freed.at(offset);
    h.quarantine.pop_front();
    h.freed.erase(offset);
    forget(offset, bytes);
    h.quarantine_bytes -= span_of(bytes);
    h.reusable.emplace(span_of(bytes), offset);
  }
}

}  // namespace

Memory& memory() {
  static Memory m = [] {
    Memory fresh;
    fresh.arena = reserve<char>(kArenaBytes);
    fresh.state = reserve<uint8_t>(kArenaBytes);
    fresh.cells = reserve<Cell>(kArenaBytes / 4 * sizeof(Cell));
    for (uint32_t*& touched : fresh.touched) touched = reserve<uint32_t>(kArenaBytes / 32 * 4);
    fresh.dynamic_shared = reserve<char>(kDynamicSharedBytes);
    fresh.shared_cells = reserve<Cell>(kSharedSpan / 4 * sizeof(Cell));
    return fresh;
  }();
  return m;
}

std::string describe_place(uint64_t offset) {
  Heap& h = heap();
  const std::lock_guard<std::mutex> hold(h.lock);
  const auto inside_freed = h.freed.upper_bound(offset);
  if (inside_freed != h.freed.begin()) {
    const auto& [begin, bytes] = *std::prev(inside_freed);
    if (offset < begin + bytes) return "in an allocation of " + std::to_string(bytes) + " B that was freed";
  }
  const auto next = h.live.upper_bound(offset);
  const bool has_previous = next != h.live.begin();
  const size_t past = has_previous ? offset - std::prev(next)->first - std::prev(next)->second : ~size_t{0};
  const size_t before = next != h.live.end() ? next->first - offset : ~size_t{0};
  if (past <= before && has_previous)
    return std::to_string(past) + " B past the end of an allocation of " +
           std::to_string(std::prev(next)->second) + " B";
  if (next != h.live.end())
    return std::to_string(before) + " B before an allocation of " + std::to_string(next->second) + " B";
  return "where nothing is allocated";
}

void clear_cells() {
  madvise(memory().cells, kArenaBytes / 4 * sizeof(Cell), MADV_DONTNEED);
  madvise(memory().shared_cells, kSharedSpan / 4 * sizeof(Cell), MADV_DONTNEED);
}

namespace {

void protect(int how) {
  const size_t used = (heap().end + 4095) / 4096 * 4096;
  CAWE_CHECK(mprotect(memory().arena, used, how) == 0, Code::internal, "SIMT emulator: mprotect failed");
}

}  // namespace

void open_arena() {
  Heap& h = heap();
  const std::lock_guard<std::mutex> hold(h.lock);
  if (options().guard && h.open == 0) protect(PROT_READ | PROT_WRITE);
  ++h.open;
}

void close_arena() {
  Heap& h = heap();
  const std::lock_guard<std::mutex> hold(h.lock);
  if (--h.open == 0 && options().guard) protect(PROT_NONE);
}

}  // namespace core

using core::heap;
using core::memory;

HostAccess::HostAccess() { core::open_arena(); }
HostAccess::~HostAccess() { core::close_arena(); }

void* allocate(size_t bytes) {
  core::Heap& h = heap();
  const std::lock_guard<std::mutex> hold(h.lock);
  const size_t span = core::span_of(bytes);
  size_t offset = h.end;
  const auto reusable = h.reusable.lower_bound(span);
  if (reusable != h.reusable.end() && reusable->first <= span + span / 4) {
    offset = reusable->second;
    if (reusable->first > span) h.reusable.emplace(reusable->first - span, offset + span);
    h.reusable.erase(reusable);
  } else {
    if (span > kArenaBytes - h.end) return nullptr;
    h.end += span;
  }
  h.live[offset] = bytes;
  h.statistics.live_bytes += bytes;
  h.statistics.live_blocks += 1;
  h.statistics.peak_bytes = std::max(h.statistics.peak_bytes, h.statistics.live_bytes);
  std::memset(memory().state + offset, core::kUninitialised, bytes);
  return memory().arena + offset;
}

void* allocate_address(size_t bytes) {
  core::AddressSpace& a = core::addresses();
  const std::lock_guard<std::mutex> hold(heap().lock);
  if (!a.base) {
    void* p = mmap(nullptr, a.kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return nullptr;
    a.base = static_cast<const char*>(p);
  }
  const size_t span = core::span_of(bytes);
  size_t offset = a.end;
  const auto reusable = a.reusable.find(span);
  if (reusable != a.reusable.end()) {
    offset = reusable->second;
    a.reusable.erase(reusable);
  } else if (span > a.kBytes - a.end) {
    return nullptr;
  } else {
    a.end += span;
  }
  a.live[offset] = bytes;
  return const_cast<char*>(a.base) + offset;
}

bool release(void* block) {
  core::Heap& h = heap();
  const std::lock_guard<std::mutex> hold(h.lock);
  if (core::AddressSpace& a = core::addresses(); a.has(block)) {
    const auto found = a.live.find(size_t(static_cast<char*>(block) - a.base));
    if (found == a.live.end()) return false;
    a.reusable.emplace(core::span_of(found->second), found->first);
    a.live.erase(found);
    return true;
  }
  const size_t offset = size_t(static_cast<char*>(block) - memory().arena);
  const auto found = h.live.find(offset);
  if (!in_arena(block) || found == h.live.end()) return false;
  const size_t bytes = found->second;
  h.live.erase(found);
  h.statistics.live_bytes -= bytes;
  h.statistics.live_blocks -= 1;
  std::memset(memory().state + offset, core::kFreed, bytes);
  h.freed[offset] = bytes;
  h.quarantine.push_back(offset);
  h.quarantine_bytes += core::span_of(bytes);
  core::drain(h);
  return true;
}

bool in_arena(const void* p) {
  return size_t(static_cast<const char*>(p) - memory().arena) < kArenaBytes || core::addresses().has(p);
}

bool is_device_memory(const void* p, size_t bytes) {
  if (!in_arena(p)) return false;
  core::Heap& h = heap();
  const std::lock_guard<std::mutex> hold(h.lock);
  const core::AddressSpace& a = core::addresses();
  const auto at = [p](const char* base) { return size_t(static_cast<const char*>(p) - base); };
  return a.has(p) ? core::lies_in_one(a.live, at(a.base), bytes)
                  : core::lies_in_one(h.live, at(memory().arena), bytes);
}

void mark_written(const void* p, size_t bytes) {
  std::memset(memory().state + (static_cast<const char*>(p) - memory().arena), core::kInitialised, bytes);
}

MemoryStatistics memory_statistics() {
  core::Heap& h = heap();
  const std::lock_guard<std::mutex> hold(h.lock);
  return h.statistics;
}

}  // namespace cawe::simt
