// SPDX-License-Identifier: Apache-2.0
// Convolutions by cuDNN: one plan a problem, with the library's algorithms for it, best first. Only
// algorithms that give the same bits in every run are taken, and only those that fit the workspace.
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
#include "tensor/backend.h"

namespace CAWE_DEVICE {

enum class ConvolutionPass : uint8_t { forward, grad_input, grad_weight };
/// What a forward pass does to its sums in the same kernel. The library adds a bias without ReLU in one
/// algorithm alone and refuses in the others.
enum class Epilogue : uint8_t { none, bias, bias_relu };

struct ConvolutionProblem {
  ConvolutionPass pass;
  Epilogue epilogue;  ///< none where pass is not forward
  Number number;
  bool channels_last;  ///< all of x, w and y; else NCHW
  Dims4 x, w, y;       ///< sizes in the places of the forward pass; none is 0, all products below 2^31
  Conv2dParams params;
};

class Convolutions {
 public:
  Convolutions(Libraries& libraries, DeviceAllocator& allocator, const Settings& settings);
  ~Convolutions();
  /// Queues the pass on the compute stream. x, w, y: dense device memory in the problem's layout, the one
  /// that the pass computes being written; bias: [O] or nullptr. An algorithm that refuses, or whose
  /// workspace is not to be had, is passed over, from then on for this problem. False where none is left
  /// (another layout, or a call without epilogue, may do); `refusal` says why. Throws Code::io where nothing
  /// but memory is missing and there is no epilogue to leave out.
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
