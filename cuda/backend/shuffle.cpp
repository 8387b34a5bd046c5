// SPDX-License-Identifier: Apache-2.0
// Pixel shuffle and blur, in the memory order of the input: NCHW, or channels-last.
#include "cuda/kernels/shuffle.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"

namespace CAWE_DEVICE {
namespace {

using Kernel = void (*)(Number, const void*, void*, const Dims4&, bool, DeviceStream);

/// `sizes` is the tensor whose sizes the kernel takes as arguments.
void run(const char* op, Kernel kernel, const Tensor& x, Tensor& y, const Tensor& sizes,
         DeviceStream stream) {
  const Number number = common_number(op, x, y);
  check_countable(op, x.shape(), x.dim(1) * x.dim(2) * x.dim(3));
  const Layout layout = layout_of(x);
  const Tensor in = packed(x, layout), out = packed_output(y, layout);
  kernel(number, in.raw(), out.raw(), dims_of(sizes), is_last(layout), stream);
  if (out.raw() != y.raw()) y.copy_from(out);
}

}  // namespace

void CudaBackend::pixel_shuffle(const Tensor& x, Tensor& y) {
  run("pixel_shuffle", CAWE_DEVICE::pixel_shuffle, x, y, x, stream());
}

void CudaBackend::pixel_shuffle_grad(const Tensor& dy, Tensor& dx) {
  run("pixel_shuffle_grad", CAWE_DEVICE::pixel_shuffle_grad, dy, dx, dx, stream());
}

void CudaBackend::blur(const Tensor& x, Tensor& y) { run("blur", CAWE_DEVICE::blur, x, y, x, stream()); }

void CudaBackend::blur_grad(const Tensor& dy, Tensor& dx) {
  run("blur_grad", CAWE_DEVICE::blur_grad, dy, dx, dy, stream());
}

}  // namespace CAWE_DEVICE
