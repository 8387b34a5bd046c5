// SPDX-License-Identifier: Apache-2.0
// RoIAlign on a device.
#include "cuda/backend/cuda_backend.h"

namespace CAWE_DEVICE {

void CudaBackend::roi_align(const std::vector<Tensor>&, const Tensor&, const Tensor&, const RoiAlignParams&,
                            Tensor&) {
  unsupported("roi_align");
}
void CudaBackend::roi_align_grad(const Tensor&, const Tensor&, const Tensor&, const RoiAlignParams&,
                                 const std::vector<Tensor>&) {
  unsupported("roi_align_grad");
}

}  // namespace CAWE_DEVICE
