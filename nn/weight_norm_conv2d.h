// SPDX-License-Identifier: Apache-2.0
// WeightNormConv2d: a convolution whose kernels are trained as directions and lengths.
#pragma once

#include "nn/conv2d.h"

namespace cawe::nn {

/// Conv2d on g v / |v| for each output channel (Salimans and Kingma 2016, arXiv 1602.07868). Names are
/// torch.nn.utils.weight_norm's: parameters bias, weight_g [out, 1, 1, 1], weight_v [out, in, k, k]. g starts
/// as |v|, so that the first weight is v.
class WeightNormConv2d : public Module {
 public:
  /// `icnr`: for outputs that go through a pixel shuffle by 2 (initialise_icnr()).
  explicit WeightNormConv2d(const Conv2dOptions& options, bool icnr = false);
  /// x [N, in, H, W]; with `relu`, max(0, .) in the same pass.
  Variable forward(const Variable& x, bool relu = false);

 protected:
  void reset_parameters(uint64_t seed, const std::string& path) override;

 private:
  Conv2dOptions options_;
  bool icnr_;
  Variable bias_, g_, v_;
};

}  // namespace cawe::nn
