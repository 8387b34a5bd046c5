// SPDX-License-Identifier: Apache-2.0
// Multiplications and additions of the primitives that are products.
#pragma once

#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace cawe::on_emulator {

/// `t`: the tensors of the call in the order of tensor/primitives, undefined ones included. 0 for any other
/// primitive. A multiplication and an addition are two.
double flops_of(std::string_view primitive, const std::vector<Tensor>& t);

}  // namespace cawe::on_emulator
