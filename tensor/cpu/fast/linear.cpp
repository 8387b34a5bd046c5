// SPDX-License-Identifier: Apache-2.0
// Matrix products with weights as 1x1 convolutions: rows are pixels of images one pixel high.
#include "tensor/cpu/fast_backend.h"
#include "tensor/parallel.h"

namespace cawe {
namespace {

/// Rows (pixels) per image, always the same number: oneDNN may sum in another order for another number of
/// rows, and a film's result must not depend on how many films share its batch.
constexpr int64_t kRows = 16;

Tensor as_kernel(const Tensor& w) { return w.contiguous().reshape({w.dim(0), w.dim(1), 1, 1}); }

/// x [R, K], contiguous, as [R / rows, K, 1, rows] in channels-last memory, which is x's.
Tensor as_images(const Tensor& x, int64_t rows) {
  return x.reshape({x.dim(0) / rows, 1, rows, x.dim(1)}).permute({0, 3, 1, 2});
}

/// x with zero rows appended up to a multiple of kRows.
Tensor padded(const Tensor& x) {
  const int64_t rows = x.dim(0), more = (kRows - rows % kRows) % kRows;
  const Tensor in = x.contiguous();
  if (more == 0) return in;
  Tensor out = Tensor::empty({rows + more, x.dim(1)}, x.dtype());
  out.slice(0, 0, rows).copy_from(in);
  out.slice(0, rows, rows + more).fill(0);
  return out;
}

}  // namespace

void FastBackend::linear(const Tensor& x, const Tensor& w, const Tensor& bias, Tensor& y) {
  if (x.dtype() != DType::f32 || x.numel() == 0) return ReferenceBackend::linear(x, w, bias, y);
  const Tensor in = padded(x);
  const bool direct = in.dim(0) == y.dim(0) && y.is_contiguous();
  Tensor out = direct ? y : Tensor::empty({in.dim(0), y.dim(1)});
  Tensor images = as_images(out, kRows);
  conv2d(as_images(in, kRows), as_kernel(w), bias, {}, false, images);
  if (!direct) y.copy_from(out.slice(0, 0, y.dim(0)));
}

void FastBackend::linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) {
  if (dy.dtype() != DType::f32 || dy.numel() == 0) return ReferenceBackend::linear_grad_input(dy, w, dx);
  const Tensor in = padded(dy);
  const bool direct = in.dim(0) == dx.dim(0) && dx.is_contiguous();
  Tensor out = direct ? dx : Tensor::empty({in.dim(0), dx.dim(1)});
  Tensor images = as_images(out, kRows);
  conv2d_grad_input(as_images(in, kRows), as_kernel(w), {}, images);
  if (!direct) dx.copy_from(out.slice(0, 0, dx.dim(0)));
}

void FastBackend::linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& dbias) {
  if (x.dtype() != DType::f32 || x.numel() == 0 || !dw.is_contiguous())
    return ReferenceBackend::linear_grad_weight(x, dy, dw, dbias);
  // Where all lanes have equally many rows, a lane is one image; else each row is one, since lanes cut
  // between rows.
  const LanePlan plan = lane_plan(x.dim(0));
  const int64_t rows = x.dim(0) % plan.lanes == 0 ? x.dim(0) / plan.lanes : 1;
  Tensor out = as_kernel(dw);
  conv2d_grad_weight(as_images(x.contiguous(), rows), as_images(dy.contiguous(), rows), {}, out, dbias);
}

}  // namespace cawe
