// SPDX-License-Identifier: Apache-2.0
// What a kernel file of your own includes, behind the standard headers (for g++ CUDA's words are macros):
// CUDA as nvcc and the emulator both know it, CAWE_LAUNCH, and the bench that `cawe kernels FILE` runs it on.
// This name stays, wherever the headers behind it move.
#pragma once

#include "cuda/emulator/simt/simt.cuh"
#include "cuda/lab/workbench/workbench.h"
