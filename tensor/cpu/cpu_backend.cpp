// SPDX-License-Identifier: Apache-2.0
#include "tensor/cpu/cpu_backend.h"

#include "tensor/cpu/fast_backend.h"

namespace cawe {

PrimitiveBackend& cpu_backend() {
  static FastBackend backend;
  return backend;
}

PrimitiveBackend& cpu_reference_backend() {
  static ReferenceBackend backend;
  return backend;
}

}  // namespace cawe
