// SPDX-License-Identifier: Apache-2.0
// Which backend the CPU runs on.
#include "tensor/cpu/fast_backend.h"

namespace cawe {

Backend& cpu_backend() {
  static FastBackend backend;
  return backend;
}

}  // namespace cawe
