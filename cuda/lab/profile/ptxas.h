// SPDX-License-Identifier: Apache-2.0
// Reads what `nvcc --resource-usage` (or `ptxas -v`) prints: registers, shared memory and spills of each
// kernel.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cawe::gpu {

/// Local memory of one function, bytes per thread.
struct StackUse {
  int64_t frame = 0, spill_stores = 0, spill_loads = 0;
};

/// One kernel for one architecture.
struct KernelResources {
  std::string mangled, name;     ///< `name` is readable
  std::string arch;              ///< the one asked for, e.g. "sm_90"
  std::string compiled_for;      ///< differs from `arch` where the toolkit knows that one no more
  int registers = 0;             ///< per thread
  int barriers = -1;             ///< of a block; -1: the toolkit does not say
  int64_t shared_bytes = 0;      ///< static, per block
  int64_t constant_bytes = 0;    ///< all banks: parameters and literals; from sm_90 ptxas leaves them out
  int64_t cumulative_stack = 0;  ///< frame and those of the functions called, where ptxas knows
  StackUse stack;
  /// True: figures of a newer architecture stand in. Reports mark them with "~".
  bool approximate() const { return arch != compiled_for; }
};

/// A device function that was not inlined: its spills are not in its callers' figures.
struct FunctionResources {
  std::string mangled, name;
  std::string arch;  ///< "" where the text does not tell
  StackUse stack;
};

struct ResourceReport {
  std::vector<KernelResources> kernels;  ///< in the order of the text, of all architectures
  std::vector<FunctionResources> functions;
  std::vector<std::string> warnings;  ///< lines of nvcc and ptxas, as they came
};

/// Several architectures may follow one another. Lines of other tools are passed over; a text without kernels
/// gives an empty report. Throws Error(data), naming the line, where a number or name cannot be read or a
/// kernel's lines are not all there.
ResourceReport parse_resource_usage(std::string_view text);

}  // namespace cawe::gpu
