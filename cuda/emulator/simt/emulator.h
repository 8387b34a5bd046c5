// SPDX-License-Identifier: Apache-2.0
// The SIMT emulator: runs kernels that g++ compiled, thread by thread on fibers, checks every memory access
// and counts it as the hardware would. This is its face to host code; README.md tells how it works.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cawe::simt {

/// off: kernels only compute. check: every access is checked. profile: and counted.
enum class Level : uint8_t { off, check, profile };

struct Options {
  Level level = Level::off;
  uint64_t seed = 0;            ///< 0: threads and blocks in order; else a permutation of both
  uint32_t log_records = 4096;  ///< a thread pauses when its log of accesses is this long
  /// Shared memory of a block, static and dynamic, for those who ask: 64 KB on sm_75, 163 on sm_80, 99 on
  /// sm_86 and sm_89, 227 on sm_90. CAWE_LAUNCH asks where a kernel needs more than 48 KB.
  size_t most_shared = size_t{227} << 10;
  /// 10 major + minor of the architecture that kernels count as compiled for: below 75 they have no tensor cores, below
  /// 80 none for bf16.
  int architecture = 90;
  bool guard = false;  ///< device memory cannot be touched by host code (PROT_NONE outside of launches)
};
/// Of all later launches; not thread-safe.
Options& options();

// --- device memory: one arena, at addresses that no host pointer has
constexpr size_t kArenaBytes = size_t{4} << 30;
/// 256-byte aligned, uninitialised, red zones around it; nullptr where the arena is full.
void* allocate(size_t bytes);
/// Addresses that count as device memory with nothing behind them, beyond the arena's size: for work that is only
/// counted. nullptr where the process has no more.
void* allocate_address(size_t bytes);
/// False where `block` is no live allocation. The block stays in quarantine for a while: its use is an issue.
bool release(void* block);
/// Whether [p, p + bytes) lies within one live allocation.
bool is_device_memory(const void* p, size_t bytes);
/// Whether p lies in the arena, or among such addresses, at all.
bool in_arena(const void* p);
/// A copy or library call of the host wrote these bytes: they are defined now.
void mark_written(const void* p, size_t bytes);
struct MemoryStatistics {
  size_t live_bytes = 0, peak_bytes = 0, live_blocks = 0;
};
MemoryStatistics memory_statistics();

/// Host code may touch device memory while it lives, as a copy engine does. Matters where options().guard is
/// on.
class HostAccess {
 public:
  HostAccess();
  ~HostAccess();
  HostAccess(const HostAccess&) = delete;
  HostAccess& operator=(const HostAccess&) = delete;
};

// --- what a launch leaves
enum class Space : uint8_t { global, shared };
enum class Access : uint8_t { load, store, atomic };

/// One finding. Equal ones (kind and line) are merged; `times` counts them.
struct Issue {
  std::string kind;  ///< e.g. "race-read-after-write", "out-of-bounds"; all of them: README.md
  std::string kernel, file, detail;
  uint32_t pc = 0;  ///< in LaunchReport::module
  int line = 0;
  uint64_t times = 0;
};

/// One instruction of a kernel that touches memory.
struct Site {
  Space space = Space::global;
  Access access = Access::load;
  int bytes = 0;     ///< of one lane's access
  uint32_t pc = 0;   ///< in LaunchReport::module
  std::string file;  ///< "" until resolve_sites()
  int line = 0;
  uint64_t requests = 0;      ///< of warps
  uint64_t lanes = 0;         ///< that took part, over all requests
  uint64_t units = 0;         ///< global: 32-byte sectors; shared: wavefronts (bank conflicts make more)
  uint64_t ideal_units = 0;   ///< what the distinct bytes need at least
  uint64_t serial_steps = 0;  ///< atomics: lanes that meet on one address, one after another
  std::vector<uint64_t>
      example;  ///< the addresses of the worst request, lane by lane (offsets; ~0: inactive)
};

/// 16 x 8 sums of 16 products.
constexpr double kFlopsOfMma = 2. * 16 * 8 * 16;

struct Counters {
  uint64_t threads = 0, accesses = 0;
  uint64_t global_requests = 0, global_sectors = 0, global_ideal_sectors = 0, global_bytes = 0;
  uint64_t shared_requests = 0, shared_wavefronts = 0, shared_ideal_wavefronts = 0;
  uint64_t atomic_requests = 0, atomic_serial_steps = 0;
  uint64_t mma = 0;  ///< mma_16x8x16 of warps; each is kFlopsOfMma on tensor cores
  uint64_t unique_read_bytes = 0, unique_written_bytes = 0;  ///< 32 times the distinct sectors touched
  uint64_t block_groups = 0, block_lanes = 0;  ///< basic blocks run by warps, and by their lanes
  /// Share of lanes that were active, over all basic blocks.
  double simt_efficiency() const {
    return block_groups ? double(block_lanes) / (32.0 * double(block_groups)) : 1.0;
  }
};

struct LaunchReport {
  std::string kernel, module;  ///< module: path of the program or library that the kernel lies in
  unsigned grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
  size_t dynamic_shared = 0;
  Counters counters;
  std::vector<Site> sites;  ///< only at Level::profile
  std::vector<Issue> issues;
};

/// Reports of the launches since the last call, in order; kept only at Level::check and above.
std::vector<LaunchReport> take_reports();
/// Gives the sites of reports their files and lines (one run of addr2line for all) and sorts them by line.
/// Issues have theirs already.
void resolve_sites(const std::vector<LaunchReport*>& reports);

// --- between the emulator and the emulated runtime
/// A launch that waits for its stream.
using QueuedLaunch = std::function<void()>;
/// Called with every launch; by default it runs at once.
void set_submitter(std::function<void(void* stream, const char* kernel, QueuedLaunch)> submitter);

/// Why no device would run a launch.
enum class Refusal : uint8_t {
  configuration,  ///< cudaErrorInvalidConfiguration: grid or block beyond what devices have, or empty
  value,          ///< cudaErrorInvalidValue: more than this kernel may have
  no_code         ///< cudaErrorNoKernelImageForDevice: no compiler makes code of the kernel
};
using Refuser = std::function<void(Refusal, const char* kernel, const std::string& why)>;
/// Called instead of the submitter; by default it throws Error(internal). Returns the one before.
Refuser set_refuser(Refuser refuser);

/// Called after every launch, queued or refused; by default nothing is.
void set_launch_check(std::function<void(const char* kernel)> check);

/// The threads of a launch, by numbers that start again with each generation.
struct LaunchThreads {
  uint64_t generation = 0;
  uint32_t first = 0, end = 0;
};
LaunchThreads last_launch();
/// Work of another stream that nothing orders before what runs now: a kernel, or a copy's range of memory.
struct UnorderedWork {
  std::string call;
  LaunchThreads threads;
  struct Range {
    uintptr_t begin = 0, end = 0;
    bool written = false;
  } range;
};
/// Of the next launch. Where its accesses and the work's conflict, that is an "unordered-use"; the calls are
/// kept for take_unordered_uses(). Known at Level::check and above.
void expect_unordered(std::vector<UnorderedWork> work);
std::vector<std::string> take_unordered_uses();
/// Index of a kernel that was the last to use some word of [p, p + bytes), and one of the two uses writes;
/// kernels.size() where there is none.
size_t find_user(const std::vector<UnorderedWork>& kernels, const void* p, size_t bytes, bool writes);

/// A kernel's demangled name without scopes and parameters, the same for g++'s and nvcc's:
/// "block_per_row<float, 4>".
std::string short_kernel_name(const std::string& demangled);

/// What the emulator cannot know; printed under every report.
const char* limits_text();

}  // namespace cawe::simt
