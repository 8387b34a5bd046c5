// SPDX-License-Identifier: Apache-2.0
// Every case of the operator table again, with inputs and output gradients that lie in memory otherwise:
// slices of larger tensors, reversed dimension orders, the other image layout. Numbers may not depend on it.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "autograd/operator_table.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/shape.h"

namespace cawe {
namespace {

enum class Order { gaps, reversed, other_layout };

/// x's values in another memory order.
Tensor laid_out(const Tensor& x, Order order) {
  const int rank = x.rank();
  if (rank == 0) return x;
  if (order == Order::gaps) {  // every row is the middle of a longer one
    Shape wide = x.shape();
    wide[rank - 1] += 3;
    Tensor whole = Tensor::full(wide, 1e30, x.dtype());
    Tensor middle = whole.slice(rank - 1, 2, 2 + x.dim(-1));
    middle.copy_from(x);
    return middle;
  }
  if (order == Order::other_layout && rank == 4) {
    Tensor y = Tensor::empty(x.shape(), x.dtype(),
                             x.is_channels_last() ? Layout::contiguous : Layout::channels_last);
    y.copy_from(x);
    return y;
  }
  Shape backwards;
  std::vector<int> axes;
  for (int d = rank - 1; d >= 0; --d) {
    backwards.push_back(x.dim(d));
    axes.push_back(d);
  }
  Tensor y = Tensor::empty(backwards, x.dtype()).permute(axes);
  y.copy_from(x);
  return y;
}

/// The same value laid out otherwise; the gradient passes.
Variable input_in(const Variable& x, Order order) {
  return record("laid out", {x}, laid_out(x.value(), order), [](const Tensor& dy) -> Grads { return {dy}; });
}
/// The same value; the gradient that comes back is laid out otherwise.
Variable gradient_in(const Variable& y, Order order) {
  return record("gradient laid out", {y}, y.value(),
                [order](const Tensor& dy) -> Grads { return {laid_out(dy, order)}; });
}

OperatorCase in_order(const OperatorCase& plain, Order order) {
  OperatorCase c = plain;
  c.call = [plain, order](const std::vector<Variable>& inputs) {
    std::vector<Variable> moved;
    for (const Variable& v : inputs) moved.push_back(input_in(v, order));
    return gradient_in(plain.call(moved), order);
  };
  return c;
}

double difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return INFINITY;
  const std::vector<double> x = a.to(DType::f64).to_vector<double>(),
                            y = b.to(DType::f64).to_vector<double>();
  double most = 0, largest = 1e-3;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i])) return INFINITY;
    most = std::max(most, std::fabs(x[i] - y[i]));
    largest = std::max(largest, std::fabs(y[i]));
  }
  return most / largest;
}

std::vector<std::string> row_names() {
  std::vector<std::string> names;
  for (const OperatorRow& row : operator_rows()) names.push_back(row.name);
  return names;
}

class Layouts : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(, Layouts, ::testing::ValuesIn(row_names()), [](const auto& i) { return i.param; });

TEST_P(Layouts, DoNotChangeANumber) {
  for (const OperatorRow& row : operator_rows()) {
    if (row.name != GetParam()) continue;
    for (const DType dtype : {DType::f64, DType::f32})
      for (size_t i = 0; i < row.cases.size(); ++i) {
        const CaseResult plain = run_case(row.cases[i], dtype);
        for (const Order order : {Order::gaps, Order::reversed, Order::other_layout}) {
          const CaseResult moved = run_case(in_order(row.cases[i], order), dtype);
          const double within = dtype == DType::f64 ? 1e-13 : 5e-6;
          const std::string where = std::string(name(dtype)) + " case " + std::to_string(i) + " order " +
                                    std::to_string(int(order));
          EXPECT_LE(difference(moved.y, plain.y), within) << where;
          ASSERT_EQ(moved.gradients.size(), plain.gradients.size());
          for (size_t g = 0; g < plain.gradients.size(); ++g)
            EXPECT_LE(difference(moved.gradients[g], plain.gradients[g]), within)
                << where << " gradient " << g;
        }
      }
  }
}

// The fast backend caches packed weights: two views of one storage must not share an entry.
TEST(PackedWeights, ViewsOfOneStorageAreNotMixedUp) {
  const OperatorCase both{{{{2, 4, 5, 6}}, {{4, 4, 3, 3}}}, [](const std::vector<Variable>& in) {
                            const Conv2dParams p{1, 1, 1, 1};
                            const Variable turned = permute(in[1], {1, 0, 2, 3});
                            const Variable flipped = permute(in[1], {0, 1, 3, 2});
                            return conv2d(conv2d(conv2d(in[0], in[1], {}, p), turned, {}, p), flipped, {}, p);
                          }};
  const CaseResult fast = run_case(both, DType::f32), truth = run_case(both, DType::f64);
  EXPECT_LE(difference(fast.y, truth.y), 1e-5);
  for (size_t i = 0; i < 2; ++i) EXPECT_LE(difference(fast.gradients[i], truth.gradients[i]), 1e-5) << i;
}

TEST(PackedWeights, FollowTheWeight) {
  const Tensor x = Tensor::full({1, 3, 4, 4}, 1);
  Variable w(Tensor::full({5, 3, 1, 1}, 2));
  EXPECT_EQ(conv2d(Variable(x), w).value().to_vector<float>()[0], 6);
  w.set_value(Tensor::full({5, 3, 1, 1}, 3));
  EXPECT_EQ(conv2d(Variable(x), w).value().to_vector<float>()[0], 9);
}

}  // namespace
}  // namespace cawe
