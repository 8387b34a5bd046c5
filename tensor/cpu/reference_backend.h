// SPDX-License-Identifier: Apache-2.0
// The CPU's plain backend, whose methods are in reference/FAMILY.cpp.
#pragma once

#include "tensor/primitives/backend.h"

namespace cawe {

/// Plain templated loops, the definition of every primitive. Single-threaded where that is simpler.
class ReferenceBackend : public PrimitiveBackend {
 public:
  const char* name() const override { return "cpu reference"; }
  Layout convolution_layout(DType) const override { return Layout::channels_last; }
#define CAWE_OP(op, parameters, names) void op parameters override;
#include "tensor/primitives/all.inc"
#undef CAWE_OP
};

}  // namespace cawe
