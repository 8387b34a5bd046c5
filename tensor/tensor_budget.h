// SPDX-License-Identifier: Apache-2.0
// A limit of the memory that tensors take while something is built by the word of a file: the file says how wide
// a network is, and what it says must fit what it holds before the memory is taken.
#pragma once

#include <cstddef>
#include <string>

namespace cawe {

/// While it lives, the tensors that this thread makes may take `bytes` together, those that are freed again
/// included. One beyond it is not allocated: Code::data with `refusal`. Budgets may stand in each other; each
/// counts.
class TensorBudget {
 public:
  TensorBudget(size_t bytes, std::string refusal);
  ~TensorBudget();
  TensorBudget(const TensorBudget&) = delete;
  TensorBudget& operator=(const TensorBudget&) = delete;

  /// For Storage: takes `bytes` from every budget of this thread.
  static void spend(size_t bytes);

 private:
  size_t left_;
  std::string refusal_;
  TensorBudget* outer_;
};

}  // namespace cawe
