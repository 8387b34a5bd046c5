// SPDX-License-Identifier: Apache-2.0
#include "cuda/backend/cuda_backend.h"

namespace CAWE_DEVICE {

void CudaBackend::pixel_shuffle(const Tensor&, Tensor&) { unsupported("pixel_shuffle"); }

void CudaBackend::pixel_shuffle_grad(const Tensor&, Tensor&) { unsupported("pixel_shuffle_grad"); }

void CudaBackend::blur(const Tensor&, Tensor&) { unsupported("blur"); }

void CudaBackend::blur_grad(const Tensor&, Tensor&) { unsupported("blur_grad"); }

}  // namespace CAWE_DEVICE
