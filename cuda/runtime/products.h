// SPDX-License-Identifier: Apache-2.0
// Matrix products by cuBLASLt. For each problem a plan is made once, with the library's algorithms for it,
// best first. For one GPU model and library version, cuBLASLt gives the same bits in every run.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "cuda/runtime/allocator.h"
#include "cuda/runtime/libraries.h"
#include "cuda/runtime/refusals.h"
#include "cuda/runtime/settings.h"

namespace CAWE_DEVICE {

/// A batch of row-major matrices in device memory; `transposed`: their transposes are meant.
struct Matrices {
  void* data;
  bool transposed;
  int64_t row_stride;    ///< elements between the starts of rows, at least the number of columns
  int64_t batch_stride;  ///< elements between matrices; 0: one matrix for all (inputs only)
};

/// y [batch, rows, cols] = op(p) [.., rows, depth] op(q) [.., depth, cols] (+ y) (+ bias [cols])
struct Product {
  Number number;
  int64_t batch, rows, cols, depth;  ///< all above 0
  Matrices p, q, y;                  ///< y must not be transposed
  const void* bias;                  ///< nullptr for none; not together with accumulate
  bool accumulate;                   ///< the product is added to y
};

/// For errors, e.g. "1 of [6, 8] by [8, 4], f32, with a bias".
std::string describe(const Product& product);

/// Runs matrix products and keeps their plans.
class Products {
 public:
  Products(Libraries& libraries, DeviceAllocator& allocator, const Settings& settings);
  ~Products();
  /// Queues the product on the compute stream. An algorithm that refuses is skipped, from then on for this problem.
  /// Returns false where none is left, with the reason in `refusal`. Throws Code::io where memory is missing for the
  /// workspace of one: the next would compute other bits, which free memory must not decide.
  bool run(const Product& product, Refusal& refusal);
  PlanStatistics statistics() const;

 private:
  struct Plan;
  using Key = std::array<int64_t, 17>;
  Plan& plan_of(const Product& product);

  Libraries& libraries_;
  DeviceAllocator& allocator_;
  const Settings settings_;
  mutable std::mutex mutex_;
  std::map<Key, std::unique_ptr<Plan>> plans_;
  PlanStatistics statistics_;
};

}  // namespace CAWE_DEVICE
