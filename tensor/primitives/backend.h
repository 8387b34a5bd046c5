// SPDX-License-Identifier: Apache-2.0
// What a device has to implement: a virtual method for each primitive of all.inc. For backends and their tests;
// who only calls primitives includes tensor/primitives/FAMILY.h.
#pragma once

#include <string>
#include <vector>

#include "tensor/backend.h"
#include "tensor/primitives/attention.h"
#include "tensor/primitives/batch_norm.h"
#include "tensor/primitives/cawe.h"
#include "tensor/primitives/content_loss.h"
#include "tensor/primitives/conv2d.h"
#include "tensor/primitives/detection.h"
#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/films.h"
#include "tensor/primitives/gather_rows.h"
#include "tensor/primitives/linear.h"
#include "tensor/primitives/losses.h"
#include "tensor/primitives/memory.h"
#include "tensor/primitives/optimizers.h"
#include "tensor/primitives/pooling.h"
#include "tensor/primitives/reductions.h"
#include "tensor/primitives/resize.h"
#include "tensor/primitives/roi_align.h"
#include "tensor/primitives/shuffle.h"
#include "tensor/primitives/softmax.h"
#include "tensor/primitives/weight_norms.h"

namespace cawe {

/// A backend with its primitives. One that a backend lacks throws Code::unsupported with its name.
class PrimitiveBackend : public Backend {
 public:
#define CAWE_OP(op, parameters, names) virtual void op parameters;
#include "tensor/primitives/all.inc"
#undef CAWE_OP
};

/// The backend whose primitives a device runs; errors as backend().
PrimitiveBackend& primitive_backend(Device device);

/// Names of all primitives, in the order of all.inc.
const std::vector<std::string>& primitive_names();

}  // namespace cawe
