// SPDX-License-Identifier: Apache-2.0
// What the emulator's own files share. One launch runs at a time, on one host thread.
#pragma once

#include <array>
#include <boost/context/detail/fcontext.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cuda/emulator/simt/emulator.h"

namespace cawe::simt {

struct Index3 {
  unsigned x, y, z;
};

namespace core {

constexpr unsigned kWarpSize = 32;
constexpr size_t kStackBytes = size_t{64} << 10;

/// What a thread's log holds: its memory accesses and the basic blocks between them.
enum class Kind : uint8_t {
  load_global,
  store_global,
  atomic_global,
  load_shared,
  store_shared,
  atomic_shared,
  basic_block
};

struct Record {
  uint64_t address;  ///< arena offset or shared offset
  uint32_t pc;       ///< from the start of the kernel's module
  uint16_t context;  ///< hash of the call chain: the same code inlined twice is two instructions
  Kind kind;
  uint8_t bytes;
};

enum class State : uint8_t { ready, at_barrier, in_warp_op, log_full, done, dead };

struct Thread;

// Kinds of a rendezvous.
constexpr uint8_t kBarrier = 1, kShuffle = 2, kBallot = 3, kProduct = 4;

/// Lanes of a warp that meet in one `_sync` operation or product on tensor cores.
struct Rendezvous {
  unsigned mask = 0, arrived = 0, left = 0;
  uint8_t kind = 0;       ///< barrier, shuffle, ballot, product: different ones do not meet
  bool computed = false;  ///< product: the results are there
  uint32_t pc = 0;        ///< of the first lane
  std::array<uint64_t, kWarpSize> values{};
};

struct Warp {
  std::array<Thread*, kWarpSize> lanes{};
  unsigned size = 0;
  uint32_t epoch = 0;  ///< goes up with every completed `_sync` operation
  std::vector<Rendezvous*> open;
  std::vector<std::unique_ptr<Rendezvous>> spare;  ///< used before, kept for the next
};

struct Thread {
  boost::context::detail::fcontext_t context = nullptr;
  char* stack_top = nullptr;
  Index3 index{};
  uint32_t linear = 0;  ///< within the block
  uint32_t id = 0;      ///< unique among all launches
  unsigned lane = 0;
  State state = State::ready;
  bool fenced = false;  ///< has run __threadfence()
  uint32_t wait_pc = 0;
  uint64_t blocks_run = 0;
  Warp* warp = nullptr;
  Rendezvous* rendezvous = nullptr;
  // Call chain: depth, the hash of it, and the hashes to go back to.
  uint16_t depth = 0, call_hash = 0;
  std::array<uint16_t, 64> hashes{};
  std::vector<Record> log;
  uint32_t logged = 0;
};

/// Who touched a 4-byte word last. A stamp is barrier epoch (16 bits) | warp epoch (11) | flag (1) | byte
/// mask (4).
struct Cell {
  uint32_t writer = 0, write_stamp = 0;  ///< flag: an atomic
  uint32_t reader = 0, read_stamp = 0;   ///< flag: several lanes of the warp have read
};
// High bits of Cell::reader: threads of several blocks, of several warps of the block, have read.
constexpr uint32_t kManyBlocks = 1u << 30, kManyWarps = 1u << 31, kThreadBits = kManyBlocks - 1;
constexpr uint32_t kFlag = 16;

enum ByteState : uint8_t { kNoMemory = 0, kUninitialised = 1, kInitialised = 2, kFreed = 3 };

/// The arena and its shadow: 5.25 bytes a device byte, touched only where used.
struct Memory {
  char* arena = nullptr;
  uint8_t* state = nullptr;   ///< a ByteState for each byte
  Cell* cells = nullptr;      ///< one for each 4 bytes
  uint32_t* touched[2] = {};  ///< launch number of the last read and write of each 32-byte sector
  char* dynamic_shared = nullptr;
  Cell* shared_cells = nullptr;
};
constexpr size_t kDynamicSharedBytes = size_t{256} << 10, kSharedSpan = size_t{1} << 20;
Memory& memory();
/// Text such as "4 B past an allocation of 400 B" for an arena offset.
std::string describe_place(uint64_t offset);
/// Forgets all cells: thread ids are about to start again.
void clear_cells();
void open_arena();   ///< device memory may be touched
void close_arena();  ///< and not any more, where options().guard is on

/// Static shared memory is thread_local: one range for each module that has any.
struct SharedRange {
  uint64_t begin = 0, bytes = 0, offset = 0;  ///< offset in the shared shadow
};

struct SiteKey {
  uint32_t pc;
  uint16_t context;
  Kind kind;
  bool operator==(const SiteKey& o) const { return pc == o.pc && context == o.context && kind == o.kind; }
};
struct SiteHash {
  size_t operator()(const SiteKey& k) const {
    return (uint64_t(k.pc) << 24 | uint64_t(k.context) << 8 | uint64_t(k.kind)) * 0x9E3779B97F4A7C15ull >> 20;
  }
};

struct IssueKey {
  const char* kind;
  uint32_t pc;
  bool operator<(const IssueKey& o) const { return pc != o.pc ? pc < o.pc : std::string(kind) < o.kind; }
};

/// Blocks that fenced and then did an atomic on one word: whoever does an atomic there later comes after
/// them.
struct Release {
  std::vector<uint32_t> blocks;  ///< first thread ids
};

/// The launch that runs.
struct Launch {
  const char* name = "";
  Level level = Level::off;
  uint32_t log_limit = 4096;
  Index3 grid{}, block{}, block_index{};
  unsigned block_threads = 0, padded_threads = 0;  ///< padded to whole warps
  size_t dynamic_shared = 0;
  void (*body)(const void*) = nullptr;
  const void* arguments = nullptr;
  size_t argument_bytes = 0;
  uint64_t module_base = 0, module_end = 0;
  std::string module_path;
  uint32_t kernel_pc = 0;       ///< of the kernel, from module_base
  uint32_t number = 0;          ///< of launches so far
  uint32_t first_id = 0;        ///< of this launch's threads
  uint64_t generation = 0;      ///< of thread ids
  uint32_t block_first_id = 0;  ///< of this block's threads
  uint32_t blocks_started = 0;
  uint32_t barrier_epoch = 0;
  std::vector<SharedRange> shared;
  std::unordered_map<uint64_t, Release> releases;
  std::vector<const Release*> acquired;  ///< by the running block
  Counters counters;
  std::unordered_map<SiteKey, Site, SiteHash> sites;
  std::map<IssueKey, Issue> issues;
};

extern Launch launch_state;
/// The thread that runs on this host thread; nullptr outside of kernels.
extern thread_local Thread* current;

/// Notes a finding at `pc`; the first one of a kind and line keeps `detail`.
void report_issue(const char* kind, uint32_t pc, const std::string& detail);
/// "thread (3,0,0) of block (1,0,0)"
std::string describe_thread(const Thread& thread);

/// Looks for static shared memory again; true where there is more than before. A loaded module gets its own
/// only when a kernel first touches it.
bool find_more_shared();

// Scheduling (scheduler.cpp)
void wait_as(State state);
[[noreturn]] void kill_current();

// Order between streams (order.cpp)
bool expects_unordered();
void check_order(uint64_t offset, unsigned bytes, Access access, uint32_t pc);

// Counting (warp_log.cpp)
void push_record(uint64_t address, uint32_t pc, Kind kind, unsigned bytes);
/// Turns the logs of a warp's lanes into requests; keeps what cannot be decided yet.
void replay(Warp& warp);

/// Why no device would run this, "" where one would. `dynamic`: bytes of shared memory that the launch asks
/// for.
struct LaunchRefusal {
  Refusal kind = Refusal::configuration;
  std::string why;
};
LaunchRefusal check_launch(const void* code, Index3 grid, Index3 block, size_t dynamic);

/// The program or library that an address lies in.
struct Module {
  uint64_t base = 0, end = 0;
  std::string path;
};
Module module_of(const void* code);

/// File and line of program addresses of one module, through addr2line; "?" and 0 where it does not know.
struct Place {
  std::string file = "?";
  int line = 0;
};
/// "block_per_row<float, 4>" for the kernel at this address, from the file's symbols.
std::string kernel_name(const std::string& module, uint32_t address, const std::string& otherwise);
/// Bytes of the shared arrays that stand in the body of the kernel at this address.
size_t static_shared_of(const std::string& module, uint32_t address);
std::map<uint32_t, Place> find_places(const std::string& module, const std::vector<uint32_t>& addresses);

}  // namespace core
}  // namespace cawe::simt
