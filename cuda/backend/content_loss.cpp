// SPDX-License-Identifier: Apache-2.0
#include "cuda/backend/cuda_backend.h"

namespace CAWE_DEVICE {

void CudaBackend::content_loss(const std::vector<Tensor>&, const std::vector<Tensor>&,
                               const std::vector<double>&, const std::vector<double>&, Tensor&,
                               const std::vector<Tensor>&) {
  unsupported("content_loss");
}

void CudaBackend::scale_each(const std::vector<double>&, const Tensor&, const std::vector<Tensor>&) {
  unsupported("scale_each");
}

}  // namespace CAWE_DEVICE
