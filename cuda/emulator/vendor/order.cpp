// SPDX-License-Identifier: Apache-2.0
// Uses of memory, compared with those that ran before them.
#include "cuda/emulator/vendor/order.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <vector>

#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/state.h"

namespace cawe::emulated {
namespace {

/// Enough for what streams have at once; the oldest go first.
constexpr size_t kMostUsesOfABlock = 256, kMostLaunches = 4096;

struct Use {
  uintptr_t begin = 0, end = 0;
  bool writes = false;
  uint64_t stream = 0, number = 0, time = 0;
  std::string call;
  bool overlaps(uintptr_t b, uintptr_t e) const { return begin < e && b < end; }
};

struct KernelRun {
  uint64_t number = 0;
  simt::LaunchThreads threads;
  std::string call;
};

struct Uses {
  std::map<uintptr_t, std::vector<Use>> of_block;
  std::map<uint64_t, std::deque<KernelRun>> kernels;  ///< of each stream, by number
  std::map<uint64_t, uint64_t> last;                  ///< number of the last one in of_block, by stream
  uint64_t time = 0;
};

Uses& uses() {
  static auto& all = *new Uses;
  return all;
}

const Piece& running() { return state().running; }

/// Whether the running piece comes after this one.
bool ordered(uint64_t stream, uint64_t number) {
  const Clock& before = running().before;
  const auto known = before.find(stream);
  return known != before.end() && number <= known->second;
}

/// The start of the live block of device or pinned memory that p lies in; 0 where there is none.
uintptr_t block_of(const void* p) {
  const auto address = reinterpret_cast<uintptr_t>(p);
  for (const auto* blocks : {&state().device_blocks, &state().pinned_blocks}) {
    const auto next = blocks->upper_bound(address);
    if (next == blocks->begin()) continue;
    const auto& [begin, block] = *std::prev(next);
    if (address - begin < block.bytes) return begin;
  }
  return 0;
}

void complain_of_order(const std::string& what) {
  constexpr size_t kMost = 100;
  complain(what);
  std::vector<std::string>& kept = state().unordered_uses;
  if (kept.size() < kMost && std::find(kept.begin(), kept.end(), state().complaint) == kept.end())
    kept.push_back(state().complaint);
}

void complain_unordered(const std::string& other) {
  complain_of_order(
      detail::concat("unordered use: ", other,
                     " on another stream uses the same bytes, one of the two writes them, and no event "
                     "or wait orders them"));
}

/// Kernels of other streams that the running piece is not ordered behind.
std::vector<simt::UnorderedWork> unordered_kernels() {
  std::vector<simt::UnorderedWork> found;
  for (auto& [stream, runs] : uses().kernels)
    for (auto run = runs.rbegin(); run != runs.rend() && !ordered(stream, run->number); ++run)
      if (run->threads.generation == simt::last_launch().generation)
        found.push_back({run->call, run->threads, {}});
  return found;
}

void add_unordered_ranges(std::vector<simt::UnorderedWork>& found) {
  const bool all_ordered = std::all_of(uses().last.begin(), uses().last.end(),
                                       [](const auto& last) { return ordered(last.first, last.second); });
  if (all_ordered) return;
  for (const auto& [block, list] : uses().of_block)
    for (const Use& use : list)
      if (!ordered(use.stream, use.number)) found.push_back({use.call, {}, {use.begin, use.end, use.writes}});
}

}  // namespace

void advance(Clock& clock, const Clock& other) {
  for (const auto& [stream, number] : other) {
    uint64_t& known = clock[stream];
    known = std::max(known, number);
  }
}

void note_use(const void* p, size_t bytes, bool writes) {
  if (running().number == 0 || bytes == 0) return;
  const uintptr_t block = block_of(p), begin = reinterpret_cast<uintptr_t>(p), end = begin + bytes;
  if (block == 0) return;
  std::vector<Use>& list = uses().of_block[block];
  for (const Use& use : list)
    if (use.overlaps(begin, end) && (use.writes || writes) && !ordered(use.stream, use.number)) {
      complain_unordered(use.call);
      break;
    }
  // Whoever comes after this use comes after those that it follows and covers.
  list.erase(std::remove_if(list.begin(), list.end(),
                            [&](const Use& use) {
                              return begin <= use.begin && use.end <= end && (writes || !use.writes) &&
                                     ordered(use.stream, use.number);
                            }),
             list.end());
  if (list.size() >= kMostUsesOfABlock) list.erase(list.begin());
  list.push_back({begin, end, writes, running().stream, running().number, ++uses().time, state().call});
  uint64_t& last = uses().last[running().stream];
  last = std::max(last, running().number);
  if (!simt::in_arena(p) || simt::options().level == simt::Level::off) return;
  const std::vector<simt::UnorderedWork> kernels = unordered_kernels();
  const size_t user = kernels.empty() ? 0 : simt::find_user(kernels, p, bytes, writes);
  if (user < kernels.size()) complain_unordered(kernels[user].call);
}

void run_kernel(const std::function<void()>& launch) {
  if (simt::options().level == simt::Level::off || running().number == 0) return launch();
  std::vector<simt::UnorderedWork> others = unordered_kernels();
  add_unordered_ranges(others);
  simt::expect_unordered(std::move(others));
  launch();
  for (const std::string& other : simt::take_unordered_uses()) complain_unordered(other);
  std::deque<KernelRun>& runs = uses().kernels[running().stream];
  if (runs.size() >= kMostLaunches) runs.pop_front();
  runs.push_back({running().number, simt::last_launch(), state().call});
}

void forget_uses(const void* block) { uses().of_block.erase(reinterpret_cast<uintptr_t>(block)); }

void forget_all_uses() { uses() = {}; }

Snapshot snapshot(const void* p, size_t bytes) {
  uint64_t hash = 14695981039346656037u;
  const auto* bytes_at = static_cast<const char*>(p);
  for (size_t at = 0; at < bytes; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes_at + at, std::min<size_t>(8, bytes - at));
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
  }
  return {hash, uses().time};
}

void check_unchanged(const Snapshot& then, const void* p, size_t bytes) {
  if (snapshot(p, bytes).hash == then.hash) return;
  const auto begin = reinterpret_cast<uintptr_t>(p);
  const auto list = uses().of_block.find(block_of(p));
  const bool by_a_copy = list != uses().of_block.end() &&
                         std::any_of(list->second.begin(), list->second.end(), [&](const Use& use) {
                           return use.writes && use.time > then.time && use.overlaps(begin, begin + bytes);
                         });
  if (by_a_copy) return;
  complain_of_order(
      "the host wrote to the pinned source between the call and the copy; wait for an event behind the copy "
      "before using its memory again");
}

}  // namespace cawe::emulated
