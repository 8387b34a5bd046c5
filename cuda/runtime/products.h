// SPDX-License-Identifier: Apache-2.0
// Matrix products by cuBLASLt: one plan a problem, with the library's algorithms for it, best first. For one
// GPU model and library version, cuBLAS gives the same bits in every run.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "cuda/runtime/allocator.h"
#include "cuda/runtime/libraries.h"
#include "cuda/runtime/settings.h"

namespace CAWE_DEVICE {

/// A batch of row-major matrices in device memory. Used as its transpose where `transposed` is set.
struct Matrices {
  void* data;
  bool transposed;
  int64_t row_stride;    ///< elements from row to row, at least the columns
  int64_t batch_stride;  ///< from matrix to matrix; 0: one for all (inputs only)
};

/// y [batch, rows, cols] = op(p) [.., rows, depth] op(q) [.., depth, cols] (+ y) (+ bias [cols])
struct Product {
  Number number;
  int64_t batch, rows, cols, depth;  ///< none is 0
  Matrices p, q, y;                  ///< y is not transposed
  const void* bias;                  ///< or nullptr; not together with accumulate
  bool accumulate;                   ///< y is added to
};

class Products {
 public:
  Products(Libraries& libraries, DeviceAllocator& allocator, const Settings& settings);
  ~Products();
  /// Queues the product on the compute stream. An algorithm that refuses, or whose workspace is not to be
  /// had, is passed over, from then on for this problem. False where none is left; `refusal` says why. Throws
  /// Code::io where nothing but memory is missing and there is no bias to leave out.
  bool run(const Product& product, std::string& refusal);
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
