// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/libraries.h"

namespace CAWE_DEVICE {

Libraries::~Libraries() {
  if (cudnn_) cudnnDestroy(cudnn_);
  if (cublaslt_) cublasLtDestroy(cublaslt_);
}

cudnnHandle_t Libraries::cudnn() {
  if (!cudnn_) {
    CAWE_CUDNN(cudnnCreate(&cudnn_));
    CAWE_CUDNN(cudnnSetStream(cudnn_, compute_.get()));
  }
  return cudnn_;
}

cublasLtHandle_t Libraries::cublaslt() {
  if (!cublaslt_) CAWE_CUBLAS(cublasLtCreate(&cublaslt_));
  return cublaslt_;
}

}  // namespace CAWE_DEVICE
