// SPDX-License-Identifier: Apache-2.0
// PyTorch's outputs and gradients of the operator table's cases, as scripts/goldens/operators.py writes them:
// of each tensor its size, norm, three random projections and 16 values.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace cawe {

class OperatorGoldens {
 public:
  /// Without a file there are none.
  explicit OperatorGoldens(const std::string& path);
  bool empty() const { return lines_.empty(); }
  bool has(const std::string& key) const { return lines_.count(key) > 0; }
  /// Largest difference: of the norm and the projections (which see every element) relative to the norm, of a
  /// value relative to the larger of it and the root mean square, which counts as `least` at least. Infinite
  /// where the size differs or t is not finite.
  double difference(const std::string& key, const Tensor& t, double least = 0) const;

 private:
  std::map<std::string, std::vector<double>> lines_;
};

}  // namespace cawe
