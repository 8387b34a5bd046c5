// SPDX-License-Identifier: Apache-2.0
// The one place that chooses between the vendor's CUDA headers and the emulated runtime with the same names.
// Host code of the CUDA backend includes this and no vendor header.
#pragma once

#include "cuda/kernels/types.h"

#if defined(CAWE_ON_CUDA)
#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#else
#include "cuda/emulator/vendor/cublas_api.h"
#include "cuda/emulator/vendor/cuda_api.h"
#include "cuda/emulator/vendor/cudnn_api.h"
#include "cuda/emulator/vendor/cudnn_graph_api.h"
namespace cawe::on_emulator {
using namespace cawe::emulated;
}
#endif
