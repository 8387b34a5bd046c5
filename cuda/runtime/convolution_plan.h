// SPDX-License-Identifier: Apache-2.0
// A convolution as the library is asked for it, and what can compute it: engines of cuDNN's graph interface
// (convolution_graph.cpp), or algorithms of its legacy calls (convolution_legacy.cpp).
#pragma once

#include <memory>
#include <string>

#include "cuda/runtime/api.h"
#include "cuda/runtime/settings.h"
#include "tensor/primitives/params.h"

namespace CAWE_DEVICE {

enum class ConvolutionPass : uint8_t { forward, grad_input, grad_weight };
/// What a forward pass adds to its sums in the same kernel. cuDNN's legacy calls fuse a bias by a single algorithm, and a
/// ReLU only where it makes NaN 0, which we never ask for: bias_relu is the graph interface's alone.
enum class Epilogue : uint8_t { none, bias, bias_relu };

/// Everything that a plan depends on.
struct ConvolutionProblem {
  ConvolutionPass pass;
  Epilogue epilogue;  ///< must be none unless pass is forward
  Number number;
  bool channels_last;  ///< layout of x, w and y; else NCHW
  Dims4 x, w, y;       ///< sizes as in the forward pass; all above 0, all products below 2^31
  Conv2dParams params;
};

/// Dense device memory in the problem's layout, aligned to 16 bytes. The pass writes one of x, w and y; bias
/// is [O], nullptr without an epilogue.
struct ConvolutionOperands {
  void *x, *w;
  const void* bias;
  void* y;
};

/// One way of the library to compute the problem.
struct ConvolutionChoice {
  std::string name;  ///< "algorithm 1", "engine 62"
  size_t workspace;  ///< bytes
};

/// What one of the library's interfaces can do for a problem: only what gives the same bits in every run and
/// fits the workspace of the settings, what uses Winograd's or Fourier's transforms only where they allow it,
/// and for f32 nothing that rounds to TF32 unless they allow that.
class ConvolutionPlan {
 public:
  virtual ~ConvolutionPlan() = default;
  /// The i-th choice, the library's first choice first; nullptr where there are no more. May ask the library.
  virtual const ConvolutionChoice* choice(size_t i) = 0;
  /// Queues choice(i), which is there.
  virtual cudnnStatus_t run(size_t i, const ConvolutionOperands& operands, void* workspace) = 0;
  /// The library's function that run() calls.
  virtual const char* call() const = 0;
  /// Why there is no choice, or no more: what was left out, and what is wrong with it; "" where that was nothing.
  virtual std::string refusal() const = 0;
};

/// Where plans are made for: a handle or, for plans that are looked at and never run, the description of a
/// device (cuDNN's CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR), which needs no GPU.
struct PlanTarget {
  cudnnHandle_t handle = nullptr;
  cudnnBackendDescriptor_t device = nullptr;
};

/// By the graph interface. Throws where the library fails otherwise than by refusing; so do choice() and run().
std::unique_ptr<ConvolutionPlan> graph_plan(const ConvolutionProblem& problem, const PlanTarget& target,
                                            const Settings& settings);
/// By the legacy calls. Throws where the library fails otherwise than by refusing.
std::unique_ptr<ConvolutionPlan> legacy_plan(const ConvolutionProblem& problem, cudnnHandle_t handle,
                                             const Settings& settings);

inline cudnnDataType_t data_type(Number number) {
  switch (number) {
    case Number::f64:
      return CUDNN_DATA_DOUBLE;
    case Number::f16:
      return CUDNN_DATA_HALF;
    case Number::bf16:
      return CUDNN_DATA_BFLOAT16;
    default:
      return CUDNN_DATA_FLOAT;
  }
}

/// The type that sums are computed in.
inline cudnnDataType_t sum_type(Number number) {
  return number == Number::f64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
}

}  // namespace CAWE_DEVICE
