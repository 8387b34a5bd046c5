// SPDX-License-Identifier: Apache-2.0
// Uses of global memory by work of other streams that nothing orders before the running launch: the words'
// last users tell which kernels touched them.
#include <unordered_set>

#include "cuda/emulator/simt/access.h"

namespace cawe::simt {
namespace core {
namespace {

std::vector<UnorderedWork> expected;
std::vector<bool> met;
/// Words whose last reader was such a thread, by index of `expected`: a reader of the running launch takes its
/// place, and may write the word later.
std::vector<std::unordered_set<uint64_t>> read_before;

bool among(const LaunchThreads& threads, uint32_t id) { return id >= threads.first && id < threads.end; }

bool wrote(const Cell& c, const LaunchThreads& threads, uint32_t mask, Access access) {
  const bool both_atomic = access == Access::atomic && (c.write_stamp & kFlag);
  return among(threads, c.writer) && (c.write_stamp & mask) && !both_atomic;
}

bool has_read(const Cell& c, const LaunchThreads& threads, uint32_t mask) {
  return among(threads, c.reader & kThreadBits) && (c.read_stamp & mask);
}

/// Whether one of the two writes some byte that both use.
bool range_conflicts(const UnorderedWork::Range& r, uint64_t offset, uint64_t bytes, Access access) {
  const uint64_t address = hot.arena + offset;
  return address < r.end && r.begin < address + bytes && (r.written || access != Access::load);
}

bool threads_conflict(size_t i, uint64_t offset, uint64_t bytes, Access access) {
  const LaunchThreads& threads = expected[i].threads;
  if (threads.first == threads.end) return false;
  for (uint64_t word = offset >> 2; word <= (offset + bytes - 1) >> 2; ++word) {
    const Cell& c = memory().cells[word];
    const uint32_t mask = mask_of_word(word, offset, bytes);
    if (wrote(c, threads, mask, access)) return true;
    const bool reader = has_read(c, threads, mask);
    if (access == Access::load && reader) read_before[i].insert(word);
    if (access != Access::load && (reader || read_before[i].count(word) > 0)) return true;
  }
  return false;
}

}  // namespace

bool expects_unordered() { return !expected.empty(); }

void check_order(uint64_t offset, unsigned bytes, Access access, uint32_t pc) {
  for (size_t i = 0; i < expected.size(); ++i) {
    if (met[i] || !(range_conflicts(expected[i].range, offset, bytes, access) ||
                    threads_conflict(i, offset, bytes, access)))
      continue;
    met[i] = true;
    report_issue(
        "unordered-use", pc,
        describe_thread(*current) + " and " + expected[i].call + " on another stream, with no event between");
  }
}

}  // namespace core

void expect_unordered(std::vector<UnorderedWork> work) {
  core::expected = std::move(work);
  core::met.assign(core::expected.size(), false);
  core::read_before.assign(core::expected.size(), {});
}

std::vector<std::string> take_unordered_uses() {
  std::vector<std::string> calls;
  for (size_t i = 0; i < core::expected.size(); ++i)
    if (core::met[i]) calls.push_back(core::expected[i].call);
  expect_unordered({});
  return calls;
}

LaunchThreads last_launch() {
  const core::Launch& l = core::launch_state;
  const uint64_t blocks = uint64_t(l.grid.x) * l.grid.y * l.grid.z;
  return {l.generation, l.first_id, uint32_t(l.first_id + blocks * l.padded_threads)};
}

size_t find_user(const std::vector<UnorderedWork>& kernels, const void* p, size_t bytes, bool writes) {
  const auto offset = uint64_t(static_cast<const char*>(p) - core::memory().arena);
  const Access access = writes ? Access::store : Access::load;
  const auto used = [&](const UnorderedWork& work) {
    for (uint64_t word = offset >> 2; word <= (offset + bytes - 1) >> 2; ++word) {
      const core::Cell& c = core::memory().cells[word];
      const uint32_t mask = core::mask_of_word(word, offset, bytes);
      if (core::wrote(c, work.threads, mask, access)) return true;
      if (writes && core::has_read(c, work.threads, mask)) return true;
    }
    return false;
  };
  size_t i = 0;
  while (i < kernels.size() && !used(kernels[i])) ++i;
  return i;
}

}  // namespace cawe::simt
