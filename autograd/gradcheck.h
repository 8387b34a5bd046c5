// SPDX-License-Identifier: Apache-2.0
// Gradients by central differences in f64, against which every operator's gradient is checked.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "autograd/variable.h"

namespace cawe {

using Function = std::function<Variable(const std::vector<Variable>& inputs)>;

/// How inputs are moved for the central differences.
struct GradcheckOptions {
  double step = 1e-5;    ///< times max(1, |x|)
  int64_t samples = 24;  ///< elements of each input that are moved; all where there are fewer
  uint64_t seed = 0;     ///< of the projection and of the choice of elements
};

/// Largest |numeric - backward()| over the moved elements, relative to the largest |numeric| of the same
/// input, or to 1e-3 where all of them are smaller (a gradient that is zero is compared absolutely). The
/// scalar that is differentiated is the inner product of the output with random numbers, so that every
/// element of it takes part. inputs are f64; only those that require a gradient are checked. Returns infinity
/// where a number is not finite.
double gradcheck(const Function& function, const std::vector<Variable>& inputs,
                 const GradcheckOptions& options = {});

}  // namespace cawe
