// SPDX-License-Identifier: Apache-2.0
// Counts instructions of each kernel in PTX text (`nvcc -ptx`): are the loads vectors, how many barriers, and
// so on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cawe::gpu {

/// Load or store instructions of one kind by their vector length.
struct VectorCounts {
  int scalar = 0, v2 = 0, v4 = 0, v8 = 0;
  int bytes16 =
      0;  ///< of all these, those that move 16 bytes a thread: v4 of 4-byte elements, v2 of 8-byte ones
  int total() const { return scalar + v2 + v4 + v8; }
};

/// Of one kernel. Counts are of instructions in the text, not of executions; ptxas may still merge, repeat or
/// drop some.
struct PtxCounts {
  std::string mangled, name, arch;  ///< arch: the text's .target
  VectorCounts load_global, store_global;
  VectorCounts load_shared, store_shared;
  VectorCounts load_generic, store_generic;  ///< the address space is not known until the kernel runs
  int async_copies = 0;                      ///< cp.async: global to shared memory
  int barriers = 0;                          ///< of the block: bar.sync, bar.red
  int shuffles = 0;                          ///< shfl
  int atomics = 0;                           ///< atom: with a result
  int reductions = 0;                        ///< red: without
  int calls = 0;  ///< of device functions that were not inlined: what those do is not counted
};

/// Entries in the order of the text. A text without entries gives none. Throws Error(data) where braces do
/// not match, an entry has no name or the text ends within one.
std::vector<PtxCounts> parse_ptx(std::string_view text);

}  // namespace cawe::gpu
