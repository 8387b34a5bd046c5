// SPDX-License-Identifier: Apache-2.0
// PyTorch's outputs and gradients of the operator table's cases, as scripts/goldens/operators.py writes them:
// of each tensor its size, norm, three random projections and 16 values.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace cawe {

/// The goldens of one file, by key.
class OperatorGoldens {
 public:
  /// A missing file means that there are no goldens.
  explicit OperatorGoldens(const std::string& path);
  bool empty() const { return lines_.empty(); }
  bool has(const std::string& key) const { return lines_.count(key) > 0; }
  /// Largest difference. The norm's and the projections' (which depend on every element) are relative to the
  /// norm; a value's is relative to the larger of the value and the root mean square of all, the latter
  /// counted as at least `least`. Infinite where the size differs or t is not finite.
  double difference(const std::string& key, const Tensor& t, double least = 0) const;

 private:
  std::map<std::string, std::vector<double>> lines_;
};

}  // namespace cawe
