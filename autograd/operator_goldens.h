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
  /// The largest: of the norm and the projections (which see every element) relative to the norm, of a value
  /// relative to the larger of it and the root mean square.
  double relative = 0;
  /// The largest share of what f32 may be off: 1 is the bar, f32_bar() and at most kGoldenBar.
  double of_bar = 0;
};

class OperatorGoldens {
 public:
  /// Without a file there are none. Throws Code::data where a line is not as golden.py writes it.
  explicit OperatorGoldens(const std::string& path);
  bool empty() const { return lines_.empty(); }
  bool has(const std::string& key) const { return lines_.count(key) > 0; }
  GoldenDifference difference(const std::string& key, const Tensor& t) const;

 private:
  std::map<std::string, std::vector<double>> lines_;
};

}  // namespace cawe
