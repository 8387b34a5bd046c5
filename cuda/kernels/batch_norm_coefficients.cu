// SPDX-License-Identifier: Apache-2.0
// Batch norm's coefficients: from a channel's sum and sum of squares to mean, 1/sqrt(var + eps), scale and
// shift, and the running values moved. Source: Ioffe and Szegedy 2015, Algorithm 1; PyTorch's momentum and
// unbiased running variance.
//
// Bytes     read 16C + 4C·e, write 4C·e + 2C·e: no more than a few KiB. It exists so that no value of a
//           training step has to come back to the host.
// FLOPs     about 20 per channel, f64.
// Launch    one thread per channel, 128 threads per block.
// Numerics  f64 throughout, in the CPU's order and without contraction, rounded once at the end: the CPU's
//           bits.
#include "cuda/kernels/batch_norm_coefficients.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 128;

/// (1 - m) * old + m * now
__device__ __forceinline__ double moved(double old, double now, double momentum) {
  return __dadd_rn(__dmul_rn(__dsub_rn(1.0, momentum), old), __dmul_rn(momentum, now));
}

template <class T>
__global__ void coefficients(const double* __restrict__ sums, double count, const T* __restrict__ w,
                             const T* __restrict__ b, double momentum, double eps, T* running_mean,
                             T* running_var, T* __restrict__ out, int c) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= c) return;
  double mean = double(running_mean[i]), var = double(running_var[i]);
  if (sums != nullptr) {
    const double old_mean = mean, old_var = var;
    mean = __ddiv_rn(sums[i], count);
    var = __dsub_rn(__ddiv_rn(sums[c + i], count), __dmul_rn(mean, mean));
    var = var > 0.0 ? var : 0.0;
    const double unbias = __ddiv_rn(count, __dsub_rn(count, 1.0));
    running_mean[i] = T(moved(old_mean, mean, momentum));
    running_var[i] = T(
        __dadd_rn(__dmul_rn(__dsub_rn(1.0, momentum), old_var), __dmul_rn(__dmul_rn(momentum, var), unbias)));
  }
  const double invstd = __ddiv_rn(1.0, __dsqrt_rn(__dadd_rn(var, eps)));
  const double scale = __dmul_rn(double(w[i]), invstd);
  out[i] = T(mean);
  out[c + i] = T(invstd);
  out[2 * c + i] = T(scale);
  out[3 * c + i] = T(__dsub_rn(double(b[i]), __dmul_rn(mean, scale)));
}

template <class T>
void launch(const double* sums, double count, const void* w, const void* b, double momentum, double eps,
            void* running_mean, void* running_var, void* out, int64_t c, DeviceStream stream) {
  CAWE_LAUNCH(coefficients<T>, unsigned((c + kThreads - 1) / kThreads), kThreads, 0, stream, sums, count,
              static_cast<const T*>(w), static_cast<const T*>(b), momentum, eps,
              static_cast<T*>(running_mean), static_cast<T*>(running_var), static_cast<T*>(out), int(c));
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
