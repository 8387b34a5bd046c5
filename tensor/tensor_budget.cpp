// SPDX-License-Identifier: Apache-2.0
#include "tensor/tensor_budget.h"

#include <utility>

#include "tensor/error.h"

namespace cawe {
namespace {

thread_local TensorBudget* innermost = nullptr;

}  // namespace

TensorBudget::TensorBudget(size_t bytes, std::string refusal)
    : left_(bytes), refusal_(std::move(refusal)), outer_(innermost) {
  innermost = this;
}

TensorBudget::~TensorBudget() { innermost = outer_; }

void TensorBudget::spend(size_t bytes) {
  for (TensorBudget* budget = innermost; budget != nullptr; budget = budget->outer_) {
    CAWE_CHECK(bytes <= budget->left_, Code::data, budget->refusal_);
    budget->left_ -= bytes;
  }
}

}  // namespace cawe
