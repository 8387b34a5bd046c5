// SPDX-License-Identifier: Apache-2.0
// Which work comes before which, and complaints where two uses of the same bytes have no order. Internal;
// called with the lock held.
//
// The order is what the calls say, whenever the work runs: a stream's own, events waited for, waits of the
// host (of any thread: what threads tell each other is not seen), the legacy stream's. Uses are ranges of
// copies, fills and dense operands of library calls; of kernels, while they are checked, the words that the
// emulator saw them touch.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace cawe::emulated {

/// The number of the last piece of work of each stream (by its id) that comes before something.
using Clock = std::map<uint64_t, uint64_t>;
/// What comes before either.
void advance(Clock& clock, const Clock& other);

/// A piece of work that runs, as its uses are noted.
struct Piece {
  uint64_t stream = 0, number = 0;  ///< 0: none runs
  Clock before;
};

/// What the running piece does with [p, p + bytes). Complains where another piece's use of them is not
/// ordered with it and one of the two writes. Other memory than device and pinned blocks is ignored.
void note_use(const void* p, size_t bytes, bool writes);
/// Runs a kernel as the running piece's work.
void run_kernel(const std::function<void()>& launch);
/// The block is freed: its next owner starts anew.
void forget_uses(const void* block);
void forget_all_uses();

/// Pinned memory that a queued copy will read.
struct Snapshot {
  uint64_t hash = 0;
  uint64_t time = 0;  ///< how many uses had been noted
};
Snapshot snapshot(const void* p, size_t bytes);
/// Complains where the host wrote to [p, p + bytes) since.
void check_unchanged(const Snapshot& then, const void* p, size_t bytes);

}  // namespace cawe::emulated
