// SPDX-License-Identifier: Apache-2.0
// Spectral and weight norm. A weight keeps its memory order: it only matters that the numbers of a row are
// contiguous. For a channels-last weight, the vector v is permuted into that order for the kernels.
#include "cuda/kernels/weight_norms.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"

namespace CAWE_DEVICE {
namespace {

MatrixSize size_of_rows(const Tensor& w) { return {w.dim(0), w.numel() / w.dim(0)}; }

template <class... More>
Number weight_number(const char* op, const Tensor& w, const More&... more) {
  const Number number = common_number(op, w, more...);
  CAWE_CHECK(number == Number::f32 || number == Number::f64, Code::dtype, op, ": a weight of ",
             cawe::name(w.dtype()), " (expected f32 or f64). Keep it in f32 and cast the normalised one.");
  return number;
}

/// v [K] in the shape of one row of w.
Tensor as_row(const Tensor& v, const Tensor& w) {
  Shape row = w.shape();
  row[0] = 1;
  return v.reshape(row);
}

/// v in the memory order of a row of w: a view of v, or a copy.
Tensor in_row_order(const Tensor& v, const Tensor& w, Layout layout) { return packed(as_row(v, w), layout); }

Tensor scratch_for(Number number, const MatrixSize& size, Device device) {
  return Tensor::empty({spectral_norm_scratch(number, size)}, DType::u8, Layout::contiguous, device);
}

}  // namespace

void CudaBackend::spectral_norm(const Tensor& w, bool iterate, double eps, Tensor& u, Tensor& v,
                                Tensor& sigma, Tensor& y) {
  const Number number = weight_number("spectral_norm", w, u, v, sigma, y);
  const MatrixSize size = size_of_rows(w);
  const Layout layout = layout_of(w);
  const Tensor in = packed(w, layout), out = packed_output(y, layout), right = in_row_order(v, w, layout);
  CAWE_DEVICE::spectral_norm(number, in.raw(), size, iterate, eps, u.raw(), right.raw(), sigma.raw(),
                             out.raw(), scratch_for(number, size, device()).raw(), stream());
  Tensor row = as_row(v, w);
  if (iterate) deliver(right, row);
  deliver(out, y);
}

void CudaBackend::spectral_norm_grad(const Tensor& dy, const Tensor& y, const Tensor& u, const Tensor& v,
                                     const Tensor& sigma, Tensor& dw) {
  const Number number = weight_number("spectral_norm_grad", dy, y, u, v, sigma, dw);
  const MatrixSize size = size_of_rows(dy);
  const Layout layout = layout_of(y);
  const Tensor in = packed(dy, layout), made = packed(y, layout), out = packed_output(dw, layout);
  CAWE_DEVICE::spectral_norm_grad(number, in.raw(), made.raw(), size, u.raw(),
                                  in_row_order(v, y, layout).raw(), sigma.raw(), out.raw(),
                                  scratch_for(number, size, device()).raw(), stream());
  deliver(out, dw);
}

void CudaBackend::weight_norm(const Tensor& v, const Tensor& g, Tensor& norm, Tensor& y) {
  const Number number = weight_number("weight_norm", v, g, norm, y);
  const Layout layout = layout_of(v);
  const Tensor in = packed(v, layout), out = packed_output(y, layout), gain = g.contiguous();
  CAWE_DEVICE::weight_norm(number, in.raw(), size_of_rows(v), gain.raw(), norm.raw(), out.raw(), stream());
  deliver(out, y);
}

void CudaBackend::weight_norm_grad(const Tensor& dy, const Tensor& v, const Tensor& g, const Tensor& norm,
                                   Tensor& dv, Tensor& dg) {
  const Number number = weight_number("weight_norm_grad", dy, v, g, norm, dv, dg);
  const Layout layout = layout_of(v);
  const Tensor grad = packed(dy, layout), in = packed(v, layout), out = packed_output(dv, layout),
               gain = g.contiguous();
  CAWE_DEVICE::weight_norm_grad(number, grad.raw(), in.raw(), size_of_rows(v), gain.raw(), norm.raw(),
                                out.raw(), dg.raw(), stream());
  deliver(out, dv);
}

}  // namespace CAWE_DEVICE
