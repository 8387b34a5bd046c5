// SPDX-License-Identifier: Apache-2.0
// The operator table as tests, one case an operator; and the table against deliberately wrong operators.
#include <gtest/gtest.h>

#include <cmath>

#include "autograd/layouts.h"
#include "autograd/operator_table.h"
#include "autograd/ops/elementwise.h"
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
