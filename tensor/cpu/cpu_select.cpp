// SPDX-License-Identifier: Apache-2.0
// Which backend the CPU runs on.
#include "tensor/cpu/cpu_backend.h"

namespace cawe {

Backend& cpu_backend() { return cpu_reference_backend(); }

}  // namespace cawe
