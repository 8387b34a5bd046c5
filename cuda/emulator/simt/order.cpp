// SPDX-License-Identifier: Apache-2.0
// Uses of global memory by work of other streams that nothing orders before the running launch: the words'
// last users tell which kernels touched them.
#include "cuda/emulator/simt/access.h"

namespace cawe::simt {
namespace core {
namespace {

std::vector<UnorderedWork> expected;
std::vector<bool> met;

/// Whether these threads have used some of the bytes `mask` of the word, and one of the two uses writes.
bool conflicts(const Cell& c, const LaunchThreads& threads, uint32_t mask, Access access) {
  const auto among = [&](uint32_t id) { return id >= threads.first && id < threads.end; };
  const bool both_atomic = access == Access::atomic && (c.write_stamp & kFlag);
  if (among(c.writer) && (c.write_stamp & mask) && !both_atomic) return true;
  return access != Access::load && among(c.reader & kThreadBits) && (c.read_stamp & mask);
}

bool conflicts(const UnorderedWork& work, uint64_t offset, uint64_t bytes, Access access) {
  const UnorderedWork::Range& r = work.range;
  const uint64_t address = hot.arena + offset;
  if (address < r.end && r.begin < address + bytes && (r.written || access != Access::load)) return true;
  if (work.threads.first == work.threads.end) return false;
  for (uint64_t word = offset >> 2; word <= (offset + bytes - 1) >> 2; ++word)
    if (conflicts(memory().cells[word], work.threads, mask_of_word(word, offset, bytes), access)) return true;
  return false;
}

}  // namespace

bool expects_unordered() { return !expected.empty(); }

void check_order(uint64_t offset, unsigned bytes, Access access, uint32_t pc) {
  for (size_t i = 0; i < expected.size(); ++i) {
    if (met[i] || !conflicts(expected[i], offset, bytes, access)) continue;
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
  size_t i = 0;
  while (i < kernels.size() && !core::conflicts(kernels[i], offset, bytes, access)) ++i;
  return i;
}

}  // namespace cawe::simt
