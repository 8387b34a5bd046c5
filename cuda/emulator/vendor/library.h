// SPDX-License-Identifier: Apache-2.0
// What the emulated libraries' calls have in common: factors, workspaces, pointers. Internal.
#pragma once

#include "cuda/emulator/vendor/elements.h"
#include "cuda/emulator/vendor/memory.h"
#include "cuda/emulator/vendor/streams.h"

namespace cawe::emulated {

/// alpha or beta of a call, in host memory.
double read_factor(const void* factor, DType dtype);

/// Operands are kept with a mutable address; the inputs among them are only read.
inline char* device_pointer(const void* p) { return static_cast<char*>(const_cast<void*>(p)); }

/// From the first to behind the last element of one item (the first size) of x.
int64_t item_elements(const Strided& x);

/// Notes the use of an operand by the work that runs; of one with gaps nothing, they may be another's.
void note_operand(const Strided& x, bool writes);

/// Memory that a call may overwrite, as much as its algorithm needs.
struct LibraryWorkspace {
  void* p = nullptr;
  size_t needed = 0;
};
/// Whether `given` bytes at the workspace are enough, aligned, alive and apart from the operands; else
/// complains.
bool check_workspace(const LibraryWorkspace& workspace, size_t given, size_t alignment,
                     std::initializer_list<const Strided*> operands);
/// Overwrites the workspace, as a real algorithm would.
cudaError_t use_workspace(const LibraryWorkspace& workspace);

}  // namespace cawe::emulated
