// SPDX-License-Identifier: Apache-2.0
// Convolutions by cuDNN: runs them and keeps their plans. With CAWE_CUDNN=graph a problem is first tried by
// the library's graph interface, and by its legacy calls where no engine of that is left; else by the legacy
// calls alone.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "cuda/runtime/allocator.h"
#include "cuda/runtime/convolution_plan.h"
#include "cuda/runtime/libraries.h"
#include "cuda/runtime/refusals.h"
#include "cuda/runtime/settings.h"

namespace CAWE_DEVICE {

/// How often a plan of convolutions was there, and how problems were computed.
struct ConvolutionStatistics : PlanStatistics {
  int64_t by_graph = 0;   ///< problems computed by an engine of the graph interface
  int64_t by_legacy = 0;  ///< problems computed by a legacy call
};

class Convolutions {
 public:
  Convolutions(Libraries& libraries, DeviceAllocator& allocator, const Settings& settings);
  ~Convolutions();
  /// Queues the pass on the compute stream. A choice that refuses is skipped, from then on for this problem. Returns
  /// false where none is left (another layout, or a call without epilogue, may work), with the reason in `refusal`.
  /// Throws Code::io where memory is missing for the workspace of a choice: the next one would compute other bits,
  /// which free memory must not decide.
  bool run(const ConvolutionProblem& problem, const ConvolutionOperands& operands, Refusal& refusal);
  ConvolutionStatistics statistics() const;

 private:
  struct Plan;
  using Key = std::tuple<ConvolutionPass, Epilogue, Number, bool, std::array<int64_t, 16>>;
  static Key key_of(const ConvolutionProblem& p);
  Plan& plan_of(const ConvolutionProblem& problem);
  void count_success(Plan& plan);

  Libraries& libraries_;
  DeviceAllocator& allocator_;
  const Settings settings_;
  mutable std::mutex mutex_;
  std::map<Key, std::unique_ptr<Plan>> plans_;
  ConvolutionStatistics statistics_;
};

}  // namespace CAWE_DEVICE
