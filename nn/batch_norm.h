// SPDX-License-Identifier: Apache-2.0
// BatchNorm2d (Ioffe & Szegedy 2015, arXiv 1502.03167), live or frozen, with the residual addition and the
// ReLU that usually follow it.
#pragma once

#include "nn/module.h"

namespace cawe::nn {

enum class NormKind : uint8_t {
  batch,  ///< statistics of the batch in training, running ones in evaluation
  frozen  ///< always the stored statistics; nothing is trained or updated
};

struct BatchNormOptions {
  NormKind kind = NormKind::batch;
  double eps = 1e-5;
  double momentum = 0.1;  ///< running = (1 - momentum) running + momentum batch (unbiased variance)
  double bias = 0;        ///< the bias's initial value
};

/// y = (x - mean) / sqrt(var + eps) * weight + bias for each channel of x [N, C, H, W]. Live: parameters
/// weight, bias; buffers running_mean, running_var, num_batches_tracked (i64). Frozen: the first four are
/// buffers and count as no parameters; forward() throws until values were loaded, since frozen statistics of
/// random weights normalise nothing.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(int64_t channels, const BatchNormOptions& options = {});
  /// norm(x) + residual, then ReLU where `relu`; `residual` may be undefined.
  Variable forward(const Variable& x, const Variable& residual = {}, bool relu = false);

  NormKind kind() const { return options_.kind; }
  double eps() const { return options_.eps; }
  /// 0 where torchvision's COCO detectors were loaded into frozen norms, else 1e-5.
  void set_eps(double eps) { options_.eps = eps; }
  /// Called by weight loaders: the statistics are a trained network's from here on.
  void mark_loaded() { loaded_ = true; }

 protected:
  void reset_parameters(uint64_t seed, const std::string& path) override;

 private:
  BatchNormOptions options_;
  Variable weight_, bias_;              ///< live
  Tensor frozen_weight_, frozen_bias_;  ///< frozen
  Tensor running_mean_, running_var_;   ///< [C]
  Tensor batches_;                      ///< i64, rank 0, on the host
  bool loaded_ = false;
};

}  // namespace cawe::nn
