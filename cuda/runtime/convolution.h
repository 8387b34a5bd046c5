// SPDX-License-Identifier: Apache-2.0
// Convolutions by cuDNN. For each problem a plan is made once, with the library's algorithms for it, best
// first. Only algorithms that give the same bits in every run, and that fit the workspace, are used; those by
// Winograd's or Fourier's transforms only where CAWE_WINOGRAD allows them.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "cuda/runtime/allocator.h"
#include "cuda/runtime/libraries.h"
#include "cuda/runtime/settings.h"
#include "tensor/primitives/params.h"

namespace CAWE_DEVICE {

enum class ConvolutionPass : uint8_t { forward, grad_input, grad_weight };
/// What a forward pass adds to its sums in the same kernel. cuDNN offers a bias without ReLU in a single
/// algorithm and refuses it in the others.
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

/// Runs convolutions and keeps their plans.
class Convolutions {
 public:
  Convolutions(Libraries& libraries, DeviceAllocator& allocator, const Settings& settings);
  ~Convolutions();
  /// Queues the pass on the compute stream. x, w, y: dense device memory in the problem's layout; the pass
  /// writes one of them; bias: [O] or nullptr. An algorithm that refuses, or for whose workspace memory is
  /// missing, is skipped, from then on for this problem. Returns false where none is left (another layout, or
  /// a call without epilogue, may work), with the reason in `refusal`. Throws Code::io where only memory is
  /// missing and there is no epilogue to leave out.
  bool run(const ConvolutionProblem& problem, void* x, void* w, const void* bias, void* y,
           std::string& refusal);
  PlanStatistics statistics() const;

 private:
  struct Plan;
  using Key = std::tuple<ConvolutionPass, Epilogue, Number, bool, std::array<int64_t, 16>>;
  static Key key_of(const ConvolutionProblem& p);
  Plan& plan_of(const ConvolutionProblem& problem);
  void list_algorithms(const ConvolutionProblem& problem, Plan& plan);
  cudnnStatus_t call(const ConvolutionProblem& problem, Plan& plan, void* x, void* w, const void* bias,
                     void* y, const Scratch& workspace);

  Libraries& libraries_;
  DeviceAllocator& allocator_;
  const Settings settings_;
  mutable std::mutex mutex_;
  std::map<Key, std::unique_ptr<Plan>> plans_;
  PlanStatistics statistics_;
};

}  // namespace CAWE_DEVICE
