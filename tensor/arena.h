// SPDX-License-Identifier: Apache-2.0
// A caching allocator: freed blocks are kept by size and given out again, so that a training step after the
// first asks the system for nothing. Keeps statistics, total and by operator (profile.h names the operator).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace cawe {

/// Counts of an arena, in bytes or calls since the program began (the peak since reset_peak()).
struct ArenaStatistics {
  int64_t live_bytes = 0;      ///< handed out now
  int64_t peak_bytes = 0;      ///< most ever handed out since reset_peak()
  int64_t reserved_bytes = 0;  ///< taken from the system
  int64_t system_calls = 0;    ///< how often the system was asked
  int64_t requests = 0;        ///< how often the arena was asked
};

/// A cache of memory blocks by size; release() keeps a block for the next allocate() of its size.
class Arena {
 public:
  /// The arena of the CPU. Thread-safe. Blocks are 64-byte aligned (2 MiB from 2 MiB on). Never destroyed.
  static Arena& cpu();

  /// Throws Code::io, with the size, where the system has no memory left.
  void* allocate(size_t bytes);
  void release(void* block, size_t bytes) noexcept;
  ArenaStatistics statistics() const;
  void reset_peak();

 private:
  Arena() = default;
  struct State;
  State& state() const;
};

}  // namespace cawe
