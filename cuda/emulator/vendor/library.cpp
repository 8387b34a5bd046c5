// SPDX-License-Identifier: Apache-2.0
// Factors and workspaces of the emulated libraries.
#include "cuda/emulator/vendor/library.h"

#include <algorithm>
#include <cstring>

#include "cuda/emulator/simt/emulator.h"

namespace cawe::emulated {

double read_factor(const void* factor, DType dtype) {
  return dtype == DType::f64 ? *static_cast<const double*>(factor)
                             : double(*static_cast<const float*>(factor));
}

int64_t item_elements(const Strided& x) {
  Strided item = x;
  item.size[0] = 1;
  return int64_t(item.bytes() / size_of(x.dtype));
}

void note_operand(const Strided& x, bool writes) {
  if (size_t(x.count()) * size_of(x.dtype) == x.bytes()) note_use(x.p, x.bytes(), writes);
}

bool check_workspace(const LibraryWorkspace& workspace, size_t given, size_t alignment,
                     std::initializer_list<const Strided*> operands) {
  if (given < workspace.needed) {
    complain(detail::concat("a workspace of ", given, " bytes is too small (the algorithm needs ",
                            workspace.needed, ")"));
    return false;
  }
  if (given > 0 && !check_device_range("the workspace", workspace.p, given)) return false;
  if (workspace.needed > 0 && reinterpret_cast<uintptr_t>(workspace.p) % alignment != 0) {
    complain(detail::concat("the workspace is not aligned to ", alignment, " bytes"));
    return false;
  }
  return std::all_of(operands.begin(), operands.end(), [&](const Strided* x) {
    return check_apart("the workspace", workspace.p, workspace.needed, "an operand", x->p, x->bytes());
  });
}

cudaError_t use_workspace(const LibraryWorkspace& workspace) {
  if (workspace.needed == 0) return cudaSuccess;
  if (!check_device_range("the workspace", workspace.p, workspace.needed)) return cudaErrorIllegalAddress;
  note_use(workspace.p, workspace.needed, true);
  const simt::HostAccess access;
  std::memset(workspace.p, 0xFF, workspace.needed);  // NaN in every format
  simt::mark_written(workspace.p, workspace.needed);
  return cudaSuccess;
}

}  // namespace cawe::emulated
