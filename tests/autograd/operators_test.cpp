// SPDX-License-Identifier: Apache-2.0
// The operator table as tests, one case an operator; and the table against deliberately wrong operators.
#include <gtest/gtest.h>

#include <cmath>

#include "autograd/layouts.h"
#include "autograd/operator_table.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/pooling.h"
#include "autograd/ops/reductions.h"
#include "tensor/backend.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const OperatorRow& row : operator_rows()) all.push_back(row.name);
  for (const PrimitiveRow& row : primitive_rows()) all.push_back(row.name);
  return all;
}

class Operators : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(, Operators, ::testing::ValuesIn(names()), [](const auto& i) { return i.param; });

TEST_P(Operators, Proved) {
  for (const OperatorReport& r : check_operators(GetParam())) {
    if (r.name != GetParam()) continue;  // the filter also finds longer names
    EXPECT_LE(r.gradcheck_error, kGradcheckBar);
    EXPECT_LE(r.forward_error, kFastBar);
    EXPECT_LE(r.gradient_error, kFastBar);
    EXPECT_TRUE(r.same_bits);
    EXPECT_TRUE(r.layout_faults.empty()) << layout_faults_text(r.layout_faults);
    EXPECT_GT(r.cases, 0);
  }
}

TEST(OperatorTable, EveryPrimitiveHasARow) {
  for (const OperatorReport& r : check_operators()) EXPECT_TRUE(r.covered) << r.name;
  EXPECT_GT(primitive_names().size(), 45u);
}

// The table compares implementations at the sizes that the operators ask for. Whether these are right:

TEST(Conv2d, ADilatedKernelCoversItsHoles) {
  std::vector<double> pixels(5 * 6);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = double(i);
  const Variable x(Tensor::from(pixels, {1, 1, 5, 6}), true);
  const Variable w(Tensor::from(std::vector<double>{1, 10, 100, 1000}, {1, 1, 2, 2}), true);
  Conv2dParams p;
  p.dilation = 3;  // over 1 x 3 (2 - 1) + 1 = 4 pixels
  const Variable y = conv2d(x, w, Variable(), p);
  EXPECT_EQ(y.shape(), (Shape{1, 1, 2, 3}));
  // Pixel (r, c) is 6 r + c: at (0, 0) 0, 3, 18 and 21, and 1111 more for each step to the right, 6666 down.
  const double first = 0 * 1 + 3 * 10 + 18 * 100 + 21 * 1000;
  EXPECT_EQ(y.value().to_vector<double>(), (std::vector<double>{first, first + 1111, first + 2222,
                                                                first + 6666, first + 7777, first + 8888}));
  backward(sum(y));  // a weight's: the sum of the six pixels that it met, 0 + 1 + 2 + 6 + 7 + 8 for the first
  EXPECT_EQ(w.grad().to_vector<double>(), (std::vector<double>{24, 24 + 6 * 3, 24 + 6 * 18, 24 + 6 * 21}));
}

TEST(Linear, ABiasGetsItsGradientWhereTheWeightsAreFrozen) {
  const Variable x(Tensor::from(std::vector<double>{1, 2, 3, 4, 5, 6}, {2, 3}));
  const Variable w(Tensor::from(std::vector<double>{1, 0, 2, 0, 1, 0}, {2, 3}));
  const Variable bias(Tensor::from(std::vector<double>{10, 20}, {2}), true);
  const Variable y = linear(x, w, bias);
  EXPECT_EQ(y.value().to_vector<double>(), (std::vector<double>{17, 22, 26, 25}));
  backward(sum(mul(y, Variable(Tensor::from(std::vector<double>{1, 2, 3, 5}, {2, 2})))));
  ASSERT_TRUE(bias.grad().defined());
  EXPECT_EQ(bias.grad().to_vector<double>(), (std::vector<double>{4, 7}));
  EXPECT_FALSE(w.grad().defined());
}

TEST(Sum, ANegativeDimensionCountsFromTheEnd) {
  const Variable x(Tensor::from(std::vector<double>{1, 2, 3, 10, 20, 30}, {2, 1, 3}));
  const auto over = [&](const std::vector<int>& dims) { return sum(x, dims).value().to_vector<double>(); };
  EXPECT_EQ(over({-1}), (std::vector<double>{6, 60}));
  EXPECT_EQ(over({-2}), (std::vector<double>{1, 2, 3, 10, 20, 30}));
  EXPECT_EQ(over({-3}), (std::vector<double>{11, 22, 33}));
  EXPECT_EQ(over({0, -1}), (std::vector<double>{66}));
}

/// y = x^2 with the gradient of `factor` x.
Variable wrong_square(const Variable& x, double factor) {
  return record("wrong square", {x}, square(x.detach()).value(),
                [=, in = x.value()](const Tensor& dy) -> Grads {
                  return {mul(Variable(dy), affine(Variable(in), factor)).value()};
                });
}

TEST(Gradcheck, SeesAWrongGradient) {
  const Variable x(Tensor::from(std::vector<double>{0.5, -1, 2}, {3}), true);
  const auto with = [](double factor) {
    return [factor](const std::vector<Variable>& in) { return wrong_square(in[0], factor); };
  };
  EXPECT_LT(gradcheck(with(2), {x}), 1e-8);
  EXPECT_GT(gradcheck(with(2.001), {x}), 1e-4);
  EXPECT_GT(gradcheck(with(-2), {x}), 1);
}

// std::max(worst, NaN) is `worst`: a NaN must not slip through a maximum.
TEST(Gradcheck, SeesAGradientThatIsNoNumber) {
  const Variable x(Tensor::from(std::vector<double>{0.5, -1, 2}, {3}), true);
  const auto broken = [](const std::vector<Variable>& in) { return wrong_square(in[0], NAN); };
  EXPECT_EQ(gradcheck(broken, {x}), INFINITY);
  OperatorReport r;
  r.name = "broken";
  r.covered = true;
  r.gradcheck_error = INFINITY;
  EXPECT_FALSE(r.passed());
  EXPECT_NE(operators_json({r}).find("\"gradcheck_error\":null"), std::string::npos)
      << "JSON has no infinity";
}

TEST(Gradcheck, IsAbsoluteWhereTheGradientIsZero) {
  const Variable x(Tensor::from(std::vector<double>{0.5, -1, 2}, {3}), true);
  EXPECT_LT(gradcheck([](const std::vector<Variable>& in) { return affine(in[0], 0, 3); }, {x}), 1e-12);
}

// As PyTorch's, on the reference (f64) and on the fast backend (channels-last f32).
TEST(MaxPool, OfEqualValuesTheFirstGetsTheGradient) {
  const std::vector<double> values{3, 3, 1, 2,  //
                                   3, 1, 2, 2};
  for (const DType dtype : {DType::f64, DType::f32}) {
    const Variable x(Tensor::from(values, {1, 1, 2, 4}).to(dtype).channels_last(), true);
    backward(sum(max_pool2d(x, {2, 2, 0}), {0, 1, 2, 3}));
    EXPECT_EQ(x.grad().contiguous().to(DType::f64).to_vector<double>(),
              (std::vector<double>{1, 0, 0, 1, 0, 0, 0, 0}));
  }
}

TEST(CheckFinite, NamesTheOperator) {
  const Variable x(Tensor::from(std::vector<float>{-1, 4}, {2}), true);
  const Variable y = sqrt(x);  // without CheckFinite a NaN passes
  EXPECT_FALSE(all_finite(y.value()));
  const CheckFinite watching;
  try {
    sqrt(x);
    FAIL() << "sqrt(-1) passed";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::numeric);
    EXPECT_NE(std::string(e.what()).find("sqrt"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace cawe
