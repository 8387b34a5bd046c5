// SPDX-License-Identifier: Apache-2.0
#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "tensor/random.h"

namespace cawe {
namespace {

/// The scalar sum(y * r), r random: it depends on every element of y.
double projected(const Tensor& y, const Random& random) {
  const std::vector<double> values = y.to_vector<double>();
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += values[i] * random.normal(i);
  return sum;
}

/// r in y's shape and memory order.
Tensor projection_of(const Tensor& y, const Random& random) {
  std::vector<double> values(size_t(y.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = random.normal(i);
  Tensor seed = Tensor::like(y);
  seed.copy_from(Tensor::from(values, y.shape()));
  return seed;
}

/// Element i in row-major order of a tensor of any strides.
double& element(const Tensor& x, int64_t i) {
  int64_t at = 0;
  for (int d = x.rank() - 1; d >= 0; --d) {
    at += i % x.dim(d) * x.stride(d);
    i /= x.dim(d);
  }
  return x.data<double>()[at];
}

}  // namespace

double gradcheck(const Function& function, const std::vector<Variable>& inputs,
                 const GradcheckOptions& options) {
  const Random random(options.seed, "gradcheck projection"), choice(options.seed, "gradcheck choice");
  std::vector<Variable> wanted;
  for (const Variable& v : inputs)
    if (v.requires_grad()) wanted.push_back(v);
  const Variable y = function(inputs);
  const std::vector<Tensor> analytic = gradients(y, wanted, projection_of(y.value(), random));
  const NoGrad no_history;
  double worst = 0;
  for (size_t k = 0; k < wanted.size(); ++k) {
    const Tensor x = wanted[k].value();
    const int64_t count = std::min(options.samples, x.numel());
    double difference = 0, largest = 0;
    for (int64_t s = 0; s < count; ++s) {
      const int64_t i = count == x.numel() ? s : int64_t(choice.bits(uint64_t(s) + 1000 * k)) % x.numel();
      double& value = element(x, i);
      const double before = value, h = options.step * std::max(1.0, std::fabs(before));
      value = before + h;
      x.storage().touch();
      const double up = projected(function(inputs).value(), random);
      value = before - h;
      x.storage().touch();
      const double down = projected(function(inputs).value(), random);
      value = before;
      x.storage().touch();
      const double numeric = (up - down) / (2 * h), off = std::fabs(numeric - element(analytic[k], i));
      if (!std::isfinite(off)) return INFINITY;  // std::max would drop a NaN
      difference = std::max(difference, off);
      largest = std::max(largest, std::fabs(numeric));
    }
    worst = std::max(worst, difference / std::max(largest, 1e-3));
  }
  return worst;
}

}  // namespace cawe
