// SPDX-License-Identifier: Apache-2.0
// The CPU's two backends: plain loops for every primitive in f32 and f64, and the fast one on top of them.
#pragma once

#include "tensor/backend.h"

namespace cawe {

/// Plain templated loops, the definition of every primitive. Single-threaded where that is simpler.
class ReferenceBackend : public Backend {
 public:
  const char* name() const override { return "cpu reference"; }
#define CAWE_OP(op, parameters, names) void op parameters override;
#define CAWE_OP_RETURN(type, op, parameters, names) type op parameters override;
#include "tensor/backend_ops.inc"
#undef CAWE_OP
#undef CAWE_OP_RETURN
};

/// The reference loops everywhere; f32 through oneDNN and vectorised loops where CpuBackend overrides them.
Backend& cpu_backend();
Backend& cpu_reference_backend();

}  // namespace cawe
