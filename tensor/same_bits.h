// SPDX-License-Identifier: Apache-2.0
// The mark of functions that CPU loops and kernels compile from one source, so that both have the same bits. Always
// inlined: an object of kernels that are instrumented for the emulator may share no function with the program.
#pragma once

#if defined(__CUDACC__)
#define CAWE_SAME_BITS __host__ __device__ __forceinline__
#else
#define CAWE_SAME_BITS inline __attribute__((always_inline))
#endif
