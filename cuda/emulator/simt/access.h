// SPDX-License-Identifier: Apache-2.0
// The check of one memory access of a kernel: is it there, was it written, who touched it unordered with us.
#pragma once

#include <algorithm>
#include <cstring>

#include "cuda/emulator/simt/core.h"

namespace cawe::simt::core {

/// Fast forms of launch_state, set at each launch and block: the hook reads them on every access.
struct Hot {
  uint64_t arena = 0, dynamic_shared = 0, dynamic_bytes = 0;
  uint64_t arguments = 0, argument_bytes = 0;
  uint8_t* state = nullptr;
  Cell* cells = nullptr;
  Cell* shared_cells = nullptr;
  uint64_t accesses = 0;
  bool unordered = false;  ///< other streams' work has to be looked for
};
extern Hot hot;

/// Whether this block has done an atomic on a word that the block of thread `id` released before.
bool acquired_from(uint32_t id);
/// Whether it has done so for every block that started before.
bool acquired_from_all();

inline uint32_t stamp_now(const Thread& me) {
  return launch_state.barrier_epoch << 16 | (me.warp->epoch & 0x7ff) << 5;
}

/// Whether thread `id`, whose stamp was `stamp`, comes before `me` by a barrier of the block or a `_sync`
/// operation of the warp. Lock-step alone orders nothing.
inline bool ordered_in_block(uint32_t id, uint32_t stamp, const Thread& me, uint32_t now) {
  if (id < launch_state.block_first_id) return false;
  if (stamp >> 16 != now >> 16) return true;
  return id / kWarpSize == me.id / kWarpSize && stamp >> 5 != now >> 5;
}

inline void check_writer(const Cell& c, const Thread& me, uint32_t now, uint32_t bytes, Access access,
                         uint32_t first, uint32_t pc, const char* space) {
  if (c.writer < first || c.writer == me.id || !(c.write_stamp & bytes)) return;
  if (access == Access::atomic && (c.write_stamp & kFlag)) return;
  if (ordered_in_block(c.writer, c.write_stamp, me, now)) return;
  if (c.writer < launch_state.block_first_id && acquired_from(c.writer)) return;
  report_issue(access == Access::load ? "race-read-after-write" : "race-write-after-write", pc,
               std::string(space) + " memory, " + describe_thread(me) +
                   " and another thread without a barrier between");
}

inline void check_readers(const Cell& c, const Thread& me, uint32_t now, uint32_t bytes, uint32_t first,
                          uint32_t pc, const char* space) {
  const uint32_t reader = c.reader & kThreadBits;
  if (reader < first || !(c.read_stamp & bytes)) return;
  const bool many_blocks = c.reader & kManyBlocks, many_warps = c.reader & kManyWarps;
  const bool several = c.read_stamp & kFlag;
  if (!many_blocks && reader >= launch_state.block_first_id) {
    if (reader == me.id && !many_warps && !several) return;
    if (c.read_stamp >> 16 != now >> 16) return;
    if (!many_warps && ordered_in_block(reader, c.read_stamp, me, now)) return;
  } else if (many_blocks ? acquired_from_all() : acquired_from(reader)) {
    return;
  }
  report_issue(
      "race-write-after-read", pc,
      std::string(space) + " memory, " + describe_thread(me) + " and a reader without a barrier between");
}

inline void note_read(Cell& c, const Thread& me, uint32_t now, uint32_t bytes, uint32_t first) {
  const uint32_t reader = c.reader & kThreadBits;
  const bool in_launch = reader >= first, in_block = reader >= launch_state.block_first_id;
  const bool many_blocks = c.reader & kManyBlocks;
  const bool earlier_epoch = c.read_stamp >> 16 != now >> 16;
  // Bytes of one word that different threads read are told apart by forgetting the older reader.
  const bool other_bytes = reader != me.id && !(c.read_stamp & bytes);
  if (!in_launch || (in_block && earlier_epoch && !many_blocks) || other_bytes) {
    c.reader = me.id;
    c.read_stamp = now | bytes;
  } else if (!in_block) {
    c.reader |= kManyBlocks;
    c.read_stamp |= bytes;
  } else if (reader / kWarpSize != me.id / kWarpSize) {
    c.reader |= kManyWarps;
    c.read_stamp |= bytes;
  } else if (c.read_stamp >> 5 != now >> 5 && !(c.reader & (kManyWarps | kManyBlocks))) {
    c.reader = me.id;
    c.read_stamp = now | bytes;
  } else {
    c.read_stamp |= bytes | (reader != me.id ? kFlag : 0u);
  }
}

inline void note_write(Cell& c, const Thread& me, uint32_t now, uint32_t bytes, Access access) {
  const uint32_t flag = access == Access::atomic ? kFlag : 0;
  if (c.writer == me.id && c.write_stamp >> 5 == now >> 5) {
    c.write_stamp |= bytes | flag;
  } else {
    c.writer = me.id;
    c.write_stamp = now | bytes | flag;
  }
}

/// Which bytes of the word lie in [offset, offset + bytes), a bit each.
inline uint32_t mask_of_word(uint64_t word, uint64_t offset, uint64_t bytes) {
  const uint64_t begin = word * 4;
  const unsigned low = begin < offset ? unsigned(offset - begin) : 0;
  const unsigned high = unsigned(std::min<uint64_t>(4, offset + bytes - begin));
  return ((1u << high) - 1) & ~((1u << low) - 1);
}

/// Looks at the words of [offset, offset + bytes) for races and notes the access in them.
inline void check_races(Cell* cells, uint64_t offset, unsigned bytes, Access access, uint32_t first,
                        uint32_t pc, const char* space) {
  const Thread& me = *current;
  const uint32_t now = stamp_now(me);
  for (uint64_t word = offset >> 2; word <= (offset + bytes - 1) >> 2; ++word) {
    const uint32_t mask = mask_of_word(word, offset, bytes);
    Cell& c = cells[word];
    check_writer(c, me, now, mask, access, first, pc, space);
    if (access == Access::load) {
      note_read(c, me, now, mask, first);
    } else {
      check_readers(c, me, now, mask, first, pc, space);
      note_write(c, me, now, mask, access);
    }
  }
}

/// Slow half of a global access: some byte is not plainly initialised.
void check_state(uint64_t offset, unsigned bytes, Access access, uint32_t pc);
/// An address that is neither global nor dynamic shared: static shared, local, constant, or a mistake.
void check_other(uint64_t address, unsigned bytes, Access access, uint32_t pc);
void check_shared(uint64_t offset, unsigned bytes, Access access, uint32_t pc);
void note_sectors(uint64_t offset, unsigned bytes, Access access);

constexpr uint64_t kEightInitialised = 0x0202020202020202ull;

inline bool all_initialised(const uint8_t* state, unsigned bytes) {
  uint64_t a = kEightInitialised, b = kEightInitialised;
  if (bytes == 16) {
    std::memcpy(&a, state, 8);
    std::memcpy(&b, state + 8, 8);
  } else {
    std::memcpy(&a, state, bytes);
  }
  return a == kEightInitialised && b == kEightInitialised;
}

/// The access would fault, here as on a GPU: the thread ends before it.
[[noreturn]] void misaligned(unsigned bytes, uint32_t pc);

/// Local memory, or the kernel's own parameters.
inline bool is_private(uint64_t address) {
  return address - (reinterpret_cast<uint64_t>(current->stack_top) - kStackBytes) < kStackBytes ||
         address - hot.arguments < hot.argument_bytes;
}

/// Every instrumented load and store of a kernel comes here; bytes is 1, 2, 4, 8 or 16.
inline void on_access(uint64_t address, unsigned bytes, Access access, uint64_t return_address) {
  if (current == nullptr || launch_state.level == Level::off) return;
  const uint32_t pc = uint32_t(return_address - launch_state.module_base);
  const uint64_t offset = address - hot.arena;
  if (offset < kArenaBytes) {
    ++hot.accesses;
    if (address & (bytes - 1)) misaligned(bytes, pc);
    if (!all_initialised(hot.state + offset, bytes)) check_state(offset, bytes, access, pc);
    if (hot.unordered) check_order(offset, bytes, access, pc);
    check_races(hot.cells, offset, bytes, access, launch_state.first_id, pc, "global");
    if (launch_state.level == Level::profile) {
      note_sectors(offset, bytes, access);
      push_record(offset, pc, Kind(uint8_t(Kind::load_global) + uint8_t(access)), bytes);
    }
  } else if (is_private(address)) {
    return;
  } else if (address - hot.dynamic_shared < hot.dynamic_bytes) {
    check_shared(address - hot.dynamic_shared, bytes, access, pc);
  } else {
    check_other(address, bytes, access, pc);
  }
}

}  // namespace cawe::simt::core
