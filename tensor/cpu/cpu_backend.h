// SPDX-License-Identifier: Apache-2.0
// The CPU's two backends: plain loops for every primitive in f32 and f64, and the fast one on top of them.
#pragma once

namespace cawe {

class PrimitiveBackend;  // tensor/primitives/backend.h

/// The reference loops everywhere; f32 through oneDNN and vectorised loops where FastBackend overrides them.
PrimitiveBackend& cpu_backend();
PrimitiveBackend& cpu_reference_backend();

}  // namespace cawe
