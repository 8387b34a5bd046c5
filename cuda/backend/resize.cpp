// SPDX-License-Identifier: Apache-2.0
// Resizing, in the memory order of the larger image (nearest neighbour) or of the input (bilinear): NCHW, or
// channels-last.
#include "cuda/kernels/resize.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"

namespace CAWE_DEVICE {

void CudaBackend::upsample_nearest(const Tensor& x, const Tensor& add, Tensor& y) {
  const Number number =
      add.defined() ? common_number("upsample_nearest", x, add, y) : common_number("upsample_nearest", x, y);
  check_sizes("upsample_nearest", y, x);
  const Layout layout = layout_of(y);
  const Tensor in = packed(x, layout), more = add.defined() ? packed(add, layout) : Tensor();
  const Tensor out = packed_output(y, layout);
  CAWE_DEVICE::upsample_nearest(number, in.raw(), more.defined() ? more.raw() : nullptr, out.raw(),
                                dims_of(in), dims_of(out), is_last(layout), stream());
  deliver(out, y);
}

void CudaBackend::upsample_nearest_grad(const Tensor& dy, Tensor& dx) {
  const Number number = common_number("upsample_nearest_grad", dy, dx);
  check_sizes("upsample_nearest_grad", dy, dx);
  const Layout layout = layout_of(dy);
  const Tensor in = packed(dy, layout), out = packed_output(dx, layout);
  CAWE_DEVICE::upsample_nearest_grad(number, in.raw(), out.raw(), dims_of(in), dims_of(out), is_last(layout),
                                     stream());
  deliver(out, dx);
}

void CudaBackend::resize_bilinear(const Tensor& x, Tensor& y) {
  const Number number = common_number("resize_bilinear", x, y);
  check_sizes("resize_bilinear", y, x);
  const Layout layout = layout_of(x);
  const Tensor in = packed(x, layout), out = packed_output(y, layout);
  const Tensor scratch = bytes_on(device(), resize_bilinear_scratch(number, dims_of(in), dims_of(out)));
  CAWE_DEVICE::resize_bilinear(number, in.raw(), out.raw(), scratch.raw(), dims_of(in), dims_of(out),
                               is_last(layout), stream());
  deliver(out, y);
}

void CudaBackend::resize_bilinear_grad(const Tensor& dy, Tensor& dx) {
  const Number number = common_number("resize_bilinear_grad", dy, dx);
  check_sizes("resize_bilinear_grad", dy, dx);
  const Layout layout = layout_of(dy);
  const Tensor in = packed(dy, layout), out = packed_output(dx, layout);
  const Tensor scratch = bytes_on(device(), resize_bilinear_scratch(number, dims_of(out), dims_of(in)));
  CAWE_DEVICE::resize_bilinear_grad(number, in.raw(), out.raw(), scratch.raw(), dims_of(in), dims_of(out),
                                    is_last(layout), stream());
  deliver(out, dx);
}

}  // namespace CAWE_DEVICE
