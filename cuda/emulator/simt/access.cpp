// SPDX-License-Identifier: Apache-2.0
// The rarer halves of an access's check.
#include "cuda/emulator/simt/access.h"

namespace cawe::simt::core {

Hot hot;

bool acquired_from(uint32_t id) {
  const uint32_t block = launch_state.first_id + (id - launch_state.first_id) / launch_state.padded_threads *
                                                     launch_state.padded_threads;
  for (const Release* r : launch_state.acquired)
    if (std::find(r->blocks.begin(), r->blocks.end(), block) != r->blocks.end()) return true;
  return false;
}

bool acquired_from_all() {
  for (const Release* r : launch_state.acquired)
    if (r->blocks.size() >= launch_state.blocks_started) return true;
  return false;
}

void misaligned(unsigned bytes, uint32_t pc) {
  report_issue("misaligned", pc, std::to_string(bytes) + "-byte access, " + describe_thread(*current));
  kill_current();
}

void check_state(uint64_t offset, unsigned bytes, Access access, uint32_t pc) {
  uint8_t* state = hot.state + offset;
  bool missing = false, freed = false, unwritten = false;
  for (unsigned i = 0; i < bytes; ++i) {
    missing |= state[i] == kNoMemory;
    freed |= state[i] == kFreed;
    unwritten |= state[i] == kUninitialised;
  }
  const char* verb = access == Access::load ? "reads " : access == Access::store ? "writes " : "atomic on ";
  if (missing || freed) {
    report_issue(
        freed ? "use-after-free" : "out-of-bounds", pc,
        describe_thread(*current) + " " + verb + std::to_string(bytes) + " B " + describe_place(offset));
    kill_current();
  }
  if (unwritten && access != Access::store)
    report_issue("uninitialised-read", pc, "global memory, " + describe_thread(*current));
  if (access != Access::load) std::memset(state, kInitialised, bytes);
}

void check_shared(uint64_t offset, unsigned bytes, Access access, uint32_t pc) {
  ++hot.accesses;
  if (offset & (bytes - 1)) misaligned(bytes, pc);
  if (access != Access::store)
    for (uint64_t word = offset >> 2; word <= (offset + bytes - 1) >> 2; ++word)
      if (hot.shared_cells[word].writer < launch_state.block_first_id)
        report_issue("uninitialised-read", pc, "shared memory, " + describe_thread(*current));
  check_races(hot.shared_cells, offset, bytes, access, launch_state.block_first_id, pc, "shared");
  if (launch_state.level == Level::profile)
    push_record(offset, pc, Kind(uint8_t(Kind::load_shared) + uint8_t(access)), bytes);
}

void check_other(uint64_t address, unsigned bytes, Access access, uint32_t pc) {
  for (const SharedRange& r : launch_state.shared)
    if (address - r.begin < r.bytes) {
      check_shared(r.offset + (address - r.begin), bytes, access, pc);
      return;
    }
  if (address - hot.dynamic_shared < kDynamicSharedBytes) {
    report_issue("out-of-bounds", pc,
                 describe_thread(*current) + " touches byte " + std::to_string(address - hot.dynamic_shared) +
                     " of " + std::to_string(hot.dynamic_bytes) + " B of dynamic shared memory");
    kill_current();
  }
  // Constant tables of the kernel's own module.
  if (access == Access::load && address >= launch_state.module_base && address < launch_state.module_end)
    return;
  if (find_more_shared()) return check_other(address, bytes, access, pc);
  report_issue(address < 4096 ? "null-pointer" : "host-memory", pc,
               describe_thread(*current) + (access == Access::load ? " reads " : " writes ") +
                   std::to_string(bytes) + " B that no device could reach");
  kill_current();
}

void note_sectors(uint64_t offset, unsigned bytes, Access access) {
  const int write = access == Access::load ? 0 : 1;
  uint32_t* touched = memory().touched[write];
  for (uint64_t sector = offset >> 5; sector <= (offset + bytes - 1) >> 5; ++sector) {
    if (touched[sector] == launch_state.number) continue;
    touched[sector] = launch_state.number;
    (write ? launch_state.counters.unique_written_bytes : launch_state.counters.unique_read_bytes) += 32;
  }
}

}  // namespace cawe::simt::core
