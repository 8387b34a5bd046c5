// SPDX-License-Identifier: Apache-2.0
// Batch norm's coefficients: from a channel's sum and sum of squares, which ranks have added, or from the running values
// to mean, 1/sqrt(var + eps), scale and shift, and the running values moved. One rank's are computed by the launch that
// sums (batch_norm_sums.cu). Source: Ioffe and Szegedy 2015, Algorithm 1; PyTorch's momentum and
// unbiased running variance.
//
// Bytes     read 16C + 4C·e, write 4C·e + 2C·e: no more than a few KiB. It exists so that no value of a
//           training step has to come back to the host.
// FLOPs     about 20 per channel, f64.
// Launch    one thread per channel, 128 threads per block.
// Numerics  f64 throughout, in the CPU's order and without contraction, rounded once at the end: the CPU's
//           bits.
#include "cuda/kernels/batch_norm_coefficients.h"

#include "cuda/kernels/batch_norm_coefficients.cuh"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 128;

template <class T>
__global__ void coefficients(const Normalisation<T> norm, const double* __restrict__ sums) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= norm.c) return;
  if (sums != nullptr)
    norm(i, sums[i], sums[norm.c + i]);
  else
    norm.of_running(i);
}

template <class T>
void launch(const double* sums, double count, const void* w, const void* b, double momentum, double eps,
            void* running_mean, void* running_var, void* out, int64_t c, DeviceStream stream) {
  const Normalisation<T> norm{count,
                              momentum,
                              eps,
                              static_cast<const T*>(w),
                              static_cast<const T*>(b),
                              static_cast<T*>(running_mean),
                              static_cast<T*>(running_var),
                              static_cast<T*>(out),
                              int(c)};
  CAWE_LAUNCH(coefficients<T>, unsigned((c + kThreads - 1) / kThreads), kThreads, 0, stream, norm, sums);
}

}  // namespace

void batch_norm_coefficients(Number number, const double* sums, double count, const void* w, const void* b,
                             double momentum, double eps, void* running_mean, void* running_var, void* out,
                             int64_t c, DeviceStream stream) {
  if (c == 0) return;
  if (number == Number::f64)
    launch<double>(sums, count, w, b, momentum, eps, running_mean, running_var, out, c, stream);
  else
    launch<float>(sums, count, w, b, momentum, eps, running_mean, running_var, out, c, stream);
}

}  // namespace CAWE_DEVICE
