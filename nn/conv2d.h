// SPDX-License-Identifier: Apache-2.0
// Conv2d: a convolution with its weights.
#pragma once

#include "nn/init.h"
#include "nn/module.h"
#include "tensor/primitives/params.h"

namespace cawe::nn {

/// Channels in and out, a square kernel, and how weight and bias start.
struct Conv2dOptions {
  int64_t in = 1, out = 1;
  int64_t kernel = 1;
  Conv2dParams params;  ///< stride, padding, dilation, groups
  bool bias = false;
  Init weight_init = Init::kaiming_normal();
  Init bias_init = Init::constant(0);
};

/// k x k with padding that keeps the size at stride 1.
Conv2dOptions same_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1, int64_t dilation = 1);

/// x [N, in, H, W] -> [N, out, H', W'], H' = (H + 2 padding - dilation (kernel - 1) - 1) / stride + 1.
/// Parameters: weight [out, in / groups, kernel, kernel] and, where asked for, bias [out].
class Conv2d : public Module {
 public:
  explicit Conv2d(const Conv2dOptions& options);
  /// With `relu`, max(0, .) in the same pass.
  Variable forward(const Variable& x, bool relu = false);
  const Conv2dOptions& options() const { return options_; }

 protected:
  void reset_parameters(uint64_t seed, const std::string& path) override;

 private:
  Conv2dOptions options_;
  Variable weight_, bias_;
};

}  // namespace cawe::nn
