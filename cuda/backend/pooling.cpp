// SPDX-License-Identifier: Apache-2.0
// Max pooling and resizing, in the memory order of the input: NCHW, or channels-last.
#include "cuda/kernels/pooling.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"
#include "cuda/kernels/resize.h"

namespace CAWE_DEVICE {
namespace {

Layout layout_of(const Tensor& x) {
  return x.is_channels_last() && !x.is_contiguous() ? Layout::channels_last : Layout::contiguous;
}
bool is_last(Layout layout) { return layout == Layout::channels_last; }

void deliver(const Tensor& computed, Tensor& wanted) {
  if (computed.raw() != wanted.raw()) wanted.copy_from(computed);
}

/// Kernels count the numbers of an image, and for resizing source times target size, in 32 bits.
void check_sizes(const char* op, const Tensor& large, const Tensor& small) {
  for (const Tensor* t : {&large, &small}) check_countable(op, t->shape(), t->dim(1) * t->dim(2) * t->dim(3));
  CAWE_CHECK((large.dim(2) + 1) * (small.dim(2) + 1) < (int64_t{1} << 31) &&
                 (large.dim(3) + 1) * (small.dim(3) + 1) < (int64_t{1} << 31),
             Code::unsupported, op, ": between ", small.shape(), " and ", large.shape(),
             " (expected the product of the two heights, and of the widths, below 2^31)");
}

Tensor bytes_on(Device device, int64_t bytes) {
  return Tensor::empty({bytes}, DType::u8, Layout::contiguous, device);
}

}  // namespace

void CudaBackend::max_pool2d(const Tensor& x, const Pool2dParams& p, Tensor& y, Tensor& index) {
  const Number number = common_number("max_pool2d", x, y);
  check_sizes("max_pool2d", x, y);
  const Layout layout = layout_of(x);
  const Tensor in = packed(x, layout), out = packed_output(y, layout), chosen = packed_output(index, layout);
  CAWE_DEVICE::max_pool2d(number, in.raw(), out.raw(), chosen.data<int32_t>(), dims_of(in), dims_of(out),
                          is_last(layout), {int(p.kernel), int(p.stride), int(p.padding)}, stream());
  deliver(out, y);
  deliver(chosen, index);
}

void CudaBackend::max_pool2d_grad(const Tensor& dy, const Tensor& index, Tensor& dx) {
  const Number number = common_number("max_pool2d_grad", dy, dx);
  check_sizes("max_pool2d_grad", dx, dy);
  const Layout layout = layout_of(dx);
  const Tensor in = packed(dy, layout), chosen = packed(index, layout), out = packed_output(dx, layout);
  const Tensor scratch = Tensor::empty({max_pool2d_grad_scratch()}, DType::i32, Layout::contiguous, device());
  CAWE_DEVICE::max_pool2d_grad(number, in.raw(), chosen.data<int32_t>(), out.raw(), scratch.data<int32_t>(),
                               dims_of(in), dims_of(out), is_last(layout), stream());
  deliver(out, dx);
}

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
