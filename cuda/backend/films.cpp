// SPDX-License-Identifier: Apache-2.0
// Films to a network's input: y is written channels-last, in f32, f16 or bf16.
#include "cuda/kernels/films.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"

namespace CAWE_DEVICE {

void CudaBackend::normalise_films(const Tensor& x, const NormaliseParams& p, Tensor& y) {
  const Tensor in = packed(x, Layout::channels_last);
  CAWE_CHECK(y.dtype() != DType::f64, Code::dtype,
             "normalise_films: a result in f64 (expected f32, f16 or bf16)");
  Tensor out = packed_output(y, Layout::channels_last);
  ChannelScale by;
  for (int c = 0; c < 3; ++c) {
    const auto of = size_t(y.dim(1) == 1 ? 0 : c);
    by.mean[c] = p.mean[of];
    by.stddev[c] = p.stddev[of];
  }
  CAWE_DEVICE::normalise_films(number_of("normalise_films", out), in.data<float>(), x.dim(1) != y.dim(1), by,
                               out.numel(), out.raw(), stream());
  deliver(out, y);
}

}  // namespace CAWE_DEVICE
