// SPDX-License-Identifier: Apache-2.0
// What every kernel file includes: the CUDA dialect of the project. nvcc compiles it for the device, g++ for
// the emulator (README.md says what is in it and what is not).
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#if defined(__CUDACC__)
#include "cuda/emulator/simt/on_nvcc.cuh"
#else
#include "cuda/emulator/simt/on_emulator.h"
#endif
#include "cuda/emulator/simt/mma.cuh"
#include "cuda/emulator/simt/numbers.cuh"
