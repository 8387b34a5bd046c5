// SPDX-License-Identifier: Apache-2.0
#include "tensor/cpu/cpu_backend.h"

namespace cawe {

Backend& cpu_reference_backend() {
  static ReferenceBackend backend;
  return backend;
}

}  // namespace cawe
