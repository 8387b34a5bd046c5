// SPDX-License-Identifier: Apache-2.0
// What the launch functions of all kernels share. Plain data only: kernel files are instrumented for the
// emulator, so they may not include templates or inline functions that the rest of the program instantiates
// too.
#pragma once

#include <cstddef>
#include <cstdint>

// Kernels, launch functions and the backend exist once for each device; this names the namespace.
#ifndef CAWE_DEVICE
#if defined(__CUDACC__) || defined(CAWE_ON_CUDA)
#define CAWE_DEVICE cawe::on_cuda
#else
#define CAWE_DEVICE cawe::on_emulator
#endif
#endif

#if defined(__CUDACC__) || defined(CAWE_ON_CUDA)
struct CUstream_st;
namespace cawe {
using DeviceStream = CUstream_st*;
}
#else
namespace cawe::emulated {
struct Stream;
}
namespace cawe {
using DeviceStream = emulated::Stream*;
}
#endif

namespace cawe {

/// Floating element types of kernels. Sums of f16 and bf16 are kept in f32.
enum class Number : uint8_t { f32, f64, f16, bf16 };

/// Sizes or strides (in elements) of a 4-d tensor, written NCHW.
struct Dims4 {
  int64_t n, c, h, w;
};

/// A tensor of any rank up to 6: sizes and strides in elements, the last dimension fastest in counting.
struct StridedView {
  int rank;
  int64_t size[6], stride[6];
};

}  // namespace cawe

/// CAWE_DISPATCH(number, T, statement): runs the statement with T = float, double, half or bf16. Kernel files
/// only.
#define CAWE_DISPATCH(number, T, ...) \
  switch (number) {                   \
    case ::cawe::Number::f32: {       \
      using T = float;                \
      __VA_ARGS__;                    \
      break;                          \
    }                                 \
    case ::cawe::Number::f64: {       \
      using T = double;               \
      __VA_ARGS__;                    \
      break;                          \
    }                                 \
    case ::cawe::Number::f16: {       \
      using T = ::cawe::simt::half;   \
      __VA_ARGS__;                    \
      break;                          \
    }                                 \
    case ::cawe::Number::bf16: {      \
      using T = ::cawe::simt::bf16;   \
      __VA_ARGS__;                    \
      break;                          \
    }                                 \
  }
