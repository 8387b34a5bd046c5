// SPDX-License-Identifier: Apache-2.0
#include "cuda/backend/cuda_backend.h"

namespace CAWE_DEVICE {

void CudaBackend::spectral_norm(const Tensor&, bool, double, Tensor&, Tensor&, Tensor&, Tensor&) {
  unsupported("spectral_norm");
}

void CudaBackend::spectral_norm_grad(const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                     const Tensor&, Tensor&) {
  unsupported("spectral_norm_grad");
}

void CudaBackend::weight_norm(const Tensor&, const Tensor&, Tensor&, Tensor&) { unsupported("weight_norm"); }

void CudaBackend::weight_norm_grad(const Tensor&, const Tensor&, const Tensor&, const Tensor&, Tensor&,
                                   Tensor&) {
  unsupported("weight_norm_grad");
}

}  // namespace CAWE_DEVICE
