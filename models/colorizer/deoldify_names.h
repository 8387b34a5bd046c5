// SPDX-License-Identifier: Apache-2.0
// Weight files of DeOldify (github.com/jantic/DeOldify) under this project's names.
#pragma once

#include "models/weights.h"

namespace cawe::models {

/// True where the names are those of DeOldify's artistic generator ("layers.0.0.weight", ...).
bool is_deoldify_generator(const NamedTensors& weights);
/// Its tensors under Generator's names: "layers.4.shuf.conv.0.weight_orig" becomes
/// "up.0.shuffle.conv.weight_orig". DeOldify's attention kernels [O, C, 1] become [O, C, 1, 1]. Unknown names
/// stay as they are, and loading reports them as unexpected.
NamedTensors from_deoldify_generator(const NamedTensors& weights);

}  // namespace cawe::models
