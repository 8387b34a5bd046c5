// SPDX-License-Identifier: Apache-2.0
// PyTorch's outputs and gradients of the operator table's cases, as scripts/goldens/operators.py writes them:
// of each tensor its size, norm, three random projections and 16 values, and how far PyTorch's own f32 lies
// from them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace cawe {

/// One operator alone stays this near, relative, wherever PyTorch's own f32 is.
constexpr double kGoldenBar = 2e-6;

/// Infinite where the size differs or a number is not finite.
struct GoldenDifference {
  /// The largest. The norm's and the projections' (which depend on every element) are relative to the norm; a
  /// value's is relative to the larger of the value and the root mean square of all.
  double relative = 0;
  /// The largest share of what f32 may be off: 1 is the bar, f32_bar() and at most kGoldenBar.
  double of_bar = 0;
};

/// The goldens of one file, by key.
class OperatorGoldens {
 public:
  /// A missing file means that there are no goldens. Throws Code::data where a line is not as golden.py writes it.
  explicit OperatorGoldens(const std::string& path);
  bool empty() const { return lines_.empty(); }
  bool has(const std::string& key) const { return lines_.count(key) > 0; }
  /// The root mean square counts as at least `least`.
  GoldenDifference difference(const std::string& key, const Tensor& t, double least = 0) const;

 private:
  std::map<std::string, std::vector<double>> lines_;
};

}  // namespace cawe
