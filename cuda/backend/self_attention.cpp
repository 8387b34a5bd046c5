// SPDX-License-Identifier: Apache-2.0
// Softmax attention.
#include "cuda/backend/cuda_backend.h"

namespace CAWE_DEVICE {

void CudaBackend::attention(const Tensor&, const Tensor&, const Tensor&, double, Tensor&, Tensor&) {
  unsupported("attention");
}

void CudaBackend::attention_grad(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                 const Tensor&, double, Tensor&, Tensor&, Tensor&) {
  unsupported("attention_grad");
}

}  // namespace CAWE_DEVICE
