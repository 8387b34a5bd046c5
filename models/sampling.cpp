// SPDX-License-Identifier: Apache-2.0
#include "models/sampling.h"

#include <algorithm>
#include <limits>

#include "tensor/communicator.h"
#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/reductions.h"

namespace cawe::models {
namespace {

/// How many ones lie in each row, [N, 1]. Whole numbers below 2^24: exact in f32, whatever the order.
Tensor count_of_rows(const Tensor& marks, int64_t rows) {
  Tensor count = Tensor::empty({rows, 1}, DType::f32, Layout::contiguous, marks.device());
  primitives::sum_to(marks, count);
  return count;
}

/// share / max(1, count) for each.
Tensor shares(const Tensor& count, double share) {
  Tensor at_least_one = Tensor::like(count), shared = Tensor::like(count), each = Tensor::like(count);
  primitives::unary(UnaryOp::clamp, 1, double(std::numeric_limits<float>::max()), count, at_least_one);
  shared.fill(share);
  primitives::binary(BinaryOp::div, shared, at_least_one, each);
  return each.reshape({-1});
}

}  // namespace

SampleParams SamplingOptions::params(const std::string& purpose) const {
  return {count, int64_t(double(count) * positive), purpose};
}

Tensor shares_of_rows(const Tensor& marks, double share) {
  return shares(count_of_rows(marks, marks.dim(0)), share);
}

Tensor images_per_sampled(const Tensor& sampled) {
  const Tensor count = count_of_rows(sampled, 1);
  Communicator& ranks = current_communicator();
  if (ranks.size() == 1) return shares(count, double(sampled.dim(0)));
  double sums[2] = {double(sampled.dim(0)), count.item()};
  ranks.all_reduce_sum(sums, 2);
  const auto scale = float(sums[0] / std::max(1.0, sums[1]));
  return Tensor::from(std::vector<float>{scale}, {1}).to(sampled.device());
}

}  // namespace cawe::models
