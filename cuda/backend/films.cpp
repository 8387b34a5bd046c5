// SPDX-License-Identifier: Apache-2.0
// Films to a network's input, in f32, f16 or bf16, in the order that y has: channels-last, or planes (NCHW).
#include "cuda/kernels/films.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"

namespace CAWE_DEVICE {

void CudaBackend::normalise_films(const Tensor& x, const NormaliseParams& p, Tensor& y) {
  CAWE_CHECK(y.dtype() != DType::f64, Code::dtype,
             "normalise_films: a result in f64 (expected f32, f16 or bf16)");
  // Three planes; pictures of one channel lie alike in both orders.
  const bool planes = y.dim(1) == 3 && layout_of(y) == Layout::contiguous;
  const Layout layout = planes ? Layout::contiguous : Layout::channels_last;
  const Tensor in = packed(x, layout);
  Tensor out = packed_output(y, layout);
  ChannelScale by;
  for (int c = 0; c < 3; ++c) {
    const auto of = size_t(y.dim(1) == 1 ? 0 : c);
    by.mean[c] = p.mean[of];
    by.stddev[c] = p.stddev[of];
  }
  const Number number = number_of("normalise_films", out);
  const bool gray = x.dim(1) != y.dim(1);
  if (planes)
    normalise_planes(number, in.data<float>(), gray, by, y.dim(0), y.dim(2) * y.dim(3), out.raw(), stream());
  else
    CAWE_DEVICE::normalise_films(number, in.data<float>(), gray, by, out.numel(), out.raw(), stream());
  deliver(out, y);
}

}  // namespace CAWE_DEVICE
