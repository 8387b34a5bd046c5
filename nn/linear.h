// SPDX-License-Identifier: Apache-2.0
// Linear: y = x W^T + b.
#pragma once

#include <optional>

#include "nn/init.h"
#include "nn/module.h"

namespace cawe::nn {

/// x [N, in] -> [N, out]. Parameters weight [out, in], bias [out]. By default both are drawn uniformly from
/// +-1/sqrt(in), as torchvision's are.
class Linear : public Module {
 public:
  Linear(int64_t in, int64_t out);
  /// The weight starts as `weight` says, the bias at 0.
  Linear(int64_t in, int64_t out, const Init& weight);
  Variable forward(const Variable& x);
  const Tensor& weight() const { return weight_.value(); }
  const Tensor& bias() const { return bias_.value(); }

 protected:
  void reset_parameters(uint64_t seed, const std::string& path) override;

 private:
  std::optional<Init> weight_init_;
  Variable weight_, bias_;
};

}  // namespace cawe::nn
