// SPDX-License-Identifier: Apache-2.0
// The fast CPU backend: f32 through oneDNN and vectorised loops on dense tensors; everything else falls
// through to the reference loops.
#pragma once

#include "tensor/cpu/reference_backend.h"

namespace cawe {

/// Overrides primitives where f32 tensors can be computed faster; with oneDNN where the build has it.
class FastBackend final : public ReferenceBackend {
 public:
  const char* name() const override { return "cpu"; }

  std::string built_on() const override;

  // fast/memory.cpp
  void fill(Tensor& y, double value) override;
  void copy(const Tensor& x, Tensor& y) override;

  // fast/elementwise.cpp
  void unary(UnaryOp op, double a, double b, const Tensor& x, Tensor& y) override;
  void unary_grad(UnaryOp op, double a, double b, const Tensor& x, const Tensor& y, const Tensor& dy,
                  Tensor& dx) override;
  void binary(BinaryOp op, const Tensor& p, const Tensor& q, Tensor& y) override;
  void accumulate(const Tensor& x, Tensor& y) override;

  // fast/linear.cpp
  void linear(const Tensor& x, const Tensor& w, const Tensor& bias, Tensor& y) override;
  void linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) override;
  void linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& dbias) override;

  // fast/conv2d.cpp
  void conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dParams& p, bool relu,
              Tensor& y) override;
  void conv2d_grad_input(const Tensor& dy, const Tensor& w, const Conv2dParams& p, Tensor& dx) override;
  void conv2d_grad_weight(const Tensor& x, const Tensor& dy, const Conv2dParams& p, Tensor& dw,
                          Tensor& dbias) override;

  // fast/batch_norm.cpp
  void channel_sums(const Tensor& x, Tensor& sums) override;
  void channel_affine(const Tensor& x, const Tensor& scale, const Tensor& shift, const Tensor& residual,
                      bool relu, Tensor& y) override;
  void batch_norm_grad_sums(const Tensor& dy, const Tensor& x, const Tensor& y, const Tensor& scale,
                            const Tensor& shift, const Tensor& mean, const Tensor& invstd, bool relu,
                            Tensor& sums) override;
  void batch_norm_grad_input(const Tensor& dy, const Tensor& x, const Tensor& y, const Tensor& scale,
                             const Tensor& shift, const Tensor& mean, const Tensor& invstd, const Tensor& w,
                             const Tensor& sums, double count, bool relu, Tensor& dx,
                             Tensor& dresidual) override;
  void channel_affine_grad(const Tensor& dy, const Tensor& y, const Tensor& scale, bool relu, Tensor& dx,
                           Tensor& dresidual) override;

  // fast/pooling.cpp
  void max_pool2d(const Tensor& x, const Pool2dParams& p, Tensor& y, Tensor& index) override;
  void max_pool2d_grad(const Tensor& dy, const Tensor& index, const Pool2dParams& p, Tensor& dx) override;
  void global_avg_pool(const Tensor& x, Tensor& y) override;
  void global_avg_pool_grad(const Tensor& dy, Tensor& dx) override;

  // fast/resize.cpp
  void upsample_nearest(const Tensor& x, const Tensor& add, Tensor& y) override;
  void upsample_nearest_grad(const Tensor& dy, Tensor& dx) override;

  // fast/shuffle.cpp
  void pixel_shuffle(const Tensor& x, Tensor& y) override;
  void pixel_shuffle_grad(const Tensor& dy, Tensor& dx) override;
  void blur(const Tensor& x, Tensor& y) override;
  void blur_grad(const Tensor& dy, Tensor& dx) override;

  // fast/weight_norms.cpp
  void spectral_norm(const Tensor& w, bool iterate, double eps, Tensor& u, Tensor& v, Tensor& sigma,
                     Tensor& y) override;
  void spectral_norm_grad(const Tensor& dy, const Tensor& y, const Tensor& u, const Tensor& v,
                          const Tensor& sigma, Tensor& dw) override;

  // fast/attention.cpp
  void attention(const Tensor& q, const Tensor& k, const Tensor& v, double scale, Tensor& y,
                 Tensor& seen) override;
  void attention_grad(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& y, const Tensor& seen,
                      const Tensor& dy, double scale, Tensor& dq, Tensor& dk, Tensor& dv) override;

  // fast/roi_align.cpp
  void roi_align(const std::vector<Tensor>& levels, const Tensor& rois, const Tensor& place,
                 const RoiAlignParams& p, Tensor& y) override;
  void roi_align_grad(const Tensor& dy, const Tensor& rois, const Tensor& place, const RoiAlignParams& p,
                      const std::vector<Tensor>& dlevels) override;

  // fast/optimizers.cpp
  void sgd_step(Tensor& p, const Tensor& g, Tensor& velocity, const SgdParams& s) override;
  void adam_step(Tensor& p, const Tensor& g, Tensor& m, Tensor& v, const AdamParams& s) override;
};

}  // namespace cawe
