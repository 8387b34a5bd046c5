// SPDX-License-Identifier: Apache-2.0
// SpectralConv2d: a convolution whose weight is divided by its largest singular value.
#pragma once

#include "nn/conv2d.h"

namespace cawe::nn {

/// Options as in the colorizer: Kaiming normal by fan-in, kernel x kernel, padding that keeps the size.
Conv2dOptions spectral_conv(int64_t in, int64_t out, int64_t kernel, bool bias);

/// Conv2d with the weight weight_orig / sigma, sigma being the largest singular value of weight_orig as a
/// matrix [out, in k k] (Miyato et al. 2018, arXiv 1802.05957). Names are torch.nn.utils.spectral_norm's:
/// parameters weight_orig and bias, buffers weight_u [out] and weight_v [in k k]. A forward pass in training
/// does one power iteration, which updates the buffers; evaluation does none and may run on several threads.
/// A checkpoint needs both buffers, or a resumed run would have other bits.
class SpectralConv2d : public Module {
 public:
  /// `icnr`: for outputs that go through a pixel shuffle by 2 (initialise_icnr()).
  explicit SpectralConv2d(const Conv2dOptions& options, bool icnr = false);
  /// x [N, in, H, W]; with `relu`, max(0, .) in the same pass.
  Variable forward(const Variable& x, bool relu = false);
  const Conv2dOptions& options() const { return options_; }

 protected:
  void reset_parameters(uint64_t seed, const std::string& path) override;

 private:
  Conv2dOptions options_;
  bool icnr_;
  Variable weight_, bias_;
  Tensor u_, v_;
};

}  // namespace cawe::nn
