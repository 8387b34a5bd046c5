// SPDX-License-Identifier: Apache-2.0
// Recording and differentiating: what is kept, what is freed, what adds up.
#include "autograd/variable.h"

#include <gtest/gtest.h>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/reductions.h"
#include "tensor/arena.h"

namespace cawe {
namespace {

template <class Fn>
Code code_of(Fn call) {
  try {
    call();
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Code::internal;
}

using Doubles = std::vector<double>;

Variable leaf(const Doubles& v, const Shape& shape) { return Variable(Tensor::from(v, shape), true); }
Variable leaf(const Doubles& v) { return leaf(v, {int64_t(v.size())}); }
Doubles grad(const Variable& v) { return v.grad().to_vector<double>(); }
Doubles numbers(const Tensor& t) { return t.to_vector<double>(); }

TEST(Backward, FollowsTheChainRule) {
  const Variable x = leaf({1, -2, 3}), w = leaf({2, 5, -1});
  backward(sum(mul(square(x), w)));
  EXPECT_EQ(grad(x), (Doubles{4, -20, -6}));
  EXPECT_EQ(grad(w), (Doubles{1, 4, 9}));
}

TEST(Backward, AddsUpOverUsesAndOverCalls) {
  const Variable x = leaf({1, 2});
  backward(sum(add(mul(x, x), x)));  // three uses
  EXPECT_EQ(grad(x), (Doubles{3, 5}));
  backward(sum(x), 10);
  EXPECT_EQ(grad(x), (Doubles{13, 15}));
  Variable y = x;  // copies are the same variable
  EXPECT_EQ(grad(y), (Doubles{13, 15}));
  y.zero_grad();
  EXPECT_FALSE(x.grad().defined());
}

// A gradient may be handed on without a copy; adding to it must then not change the other owner's.
TEST(Backward, SharedGradientsDoNotMeet) {
  const Variable a = leaf({1, 2}), b = leaf({3, 4});
  backward(sum(add(a, b)));
  backward(sum(a));
  EXPECT_EQ(grad(a), (Doubles{2, 2}));
  EXPECT_EQ(grad(b), (Doubles{1, 1}));
  Variable c = leaf({5, 6});
  const Tensor mine = Tensor::full({2}, 7, DType::f64);
  c.set_grad(mine);
  backward(sum(c));
  EXPECT_EQ(grad(c), (Doubles{8, 8}));
  EXPECT_EQ(numbers(mine), (Doubles{7, 7}));
}

// y's two consumers are recorded at different depths: its gradient is complete only after both.
TEST(Backward, WaitsForAllConsumers) {
  const Variable x = leaf({2});
  const Variable y = square(x);
  const Variable deep = square(square(y));
  backward(sum(add(mul(deep, y), y)));  // x^10 + x^2
  EXPECT_EQ(grad(x), (Doubles{10 * 512 + 4}));
}

TEST(Backward, RunsOnceAndThenSaysSo) {
  const Variable x = leaf({1, 2});
  const Variable loss = sum(square(x));
  backward(loss);
  EXPECT_EQ(code_of([&] { backward(loss); }), Code::internal);
  EXPECT_EQ(grad(x), (Doubles{2, 4})) << "the failed call added something";
}

TEST(Backward, RefusesWhatHasNoGradient) {
  const Variable x = leaf({1, 2});
  EXPECT_EQ(code_of([&] { backward(square(x)); }), Code::shape);
  EXPECT_EQ(code_of([&] { backward(sum(square(x.detach()))); }), Code::internal);
  EXPECT_EQ(code_of([&] { Variable(Tensor::zeros({2}, DType::i64), true); }), Code::dtype);
}

TEST(Backward, SumsOverBroadcastDimensions) {
  const Variable a = leaf({1, 2, 3, 4, 5, 6}, {2, 3}), row = leaf({1, 10, 100}),
                 column = leaf({7, 8}, {2, 1}), one = leaf({2}, {});
  backward(sum(mul(add(mul(a, row), column), one)));
  EXPECT_EQ(grad(row), (Doubles{10, 14, 18}));
  EXPECT_EQ(row.grad().shape(), row.shape());
  EXPECT_EQ(grad(column), (Doubles{6, 6}));
  EXPECT_EQ(column.grad().shape(), (Shape{2, 1}));
  EXPECT_EQ(grad(one), (Doubles{1 + 20 + 300 + 4 + 50 + 600 + 3 * 15}));
  EXPECT_EQ(one.grad().shape(), Shape());
  EXPECT_EQ(grad(a), (Doubles{2, 20, 200, 2, 20, 200}));
}

TEST(Recording, StopsUnderNoGradAndAtDetach) {
  const Variable x = leaf({3});
  {
    const NoGrad outer;
    {
      const NoGrad inner;
      EXPECT_FALSE(square(x).requires_grad());
    }
    EXPECT_FALSE(grad_enabled()) << "the inner scope ended, the outer has not";
    EXPECT_FALSE(square(x).requires_grad());
    EXPECT_FALSE(needs_grad(x));
  }
  EXPECT_TRUE(square(x).requires_grad());
  backward(sum(mul(x, x.detach())));
  EXPECT_EQ(grad(x), (Doubles{3}));
  Variable frozen = leaf({3});
  frozen.set_requires_grad(false);
  EXPECT_FALSE(square(frozen).requires_grad());
}

TEST(Recording, GoesOnWithinWithGrad) {
  const Variable x = leaf({3});
  const NoGrad outer;
  {
    const WithGrad recorded;
    EXPECT_TRUE(grad_enabled());
    EXPECT_EQ(gradients(square(x), {x})[0].to_vector<double>(), (Doubles{6}));
    {
      const NoGrad inner;
      EXPECT_FALSE(square(x).requires_grad());
    }
    EXPECT_TRUE(square(x).requires_grad());
  }
  EXPECT_FALSE(grad_enabled()) << "as it was before";
}

TEST(Recording, GivesNoGradientToWhatWantsNone) {
  const Variable x = leaf({3}), fixed(Tensor::from(Doubles{4}, {1}));
  backward(sum(mul(x, fixed)));
  EXPECT_EQ(grad(x), (Doubles{4}));
  EXPECT_FALSE(fixed.grad().defined());
}

TEST(Recording, HandsSeveralOutputsTheirGradients) {
  const Variable x = leaf({5});
  const auto halves = [&] {
    return record_many("two outputs", {x}, {square(x.detach()).value(), affine(x.detach(), 3).value()},
                       [](const std::vector<Tensor>& dys) -> Grads {
                         const double a = dys[0].defined() ? dys[0].item() : 0,
                                      b = dys[1].defined() ? dys[1].item() : 0;
                         return {Tensor::full({1}, 10 * a + 3 * b, DType::f64)};
                       });
  };
  const std::vector<Variable> both = halves();
  backward(sum(add(both[0], both[1])));
  EXPECT_EQ(grad(x), (Doubles{13}));
  backward(sum(halves()[1]));  // nothing uses the first output
  EXPECT_EQ(grad(x), (Doubles{16}));
}

TEST(Recording, CountsTheGradientsOfAnOperator) {
  const Variable x = leaf({5});
  const Variable y = record("forgetful", {x, x}, x.value(), [](const Tensor& dy) -> Grads { return {dy}; });
  EXPECT_EQ(code_of([&] { backward(sum(y)); }), Code::internal);
}

TEST(Recording, FreesWhatNobodyNeeds) {
  constexpr int64_t kNumbers = 1 << 18;
  const auto live = [] { return Arena::cpu().statistics().live_bytes; };
  const Variable x(Tensor::full({kNumbers}, 0.5), true);
  const int64_t before = live();
  {
    const NoGrad none;
    Variable y = x;
    for (int i = 0; i < 10; ++i) y = square(y);
    EXPECT_LE(live() - before, kNumbers * 4 + 4096) << "ten values are alive without a gradient";
  }
  EXPECT_EQ(live(), before);
  Variable y = x;
  for (int i = 0; i < 10; ++i) y = square(y);
  const Variable loss = sum(y);
  y = Variable();
  EXPECT_GE(live() - before, 10 * kNumbers * 4) << "the graph keeps what it needs";
  backward(loss);
  EXPECT_LE(live() - before, kNumbers * 4 + 4096) << "x's gradient is all that should be left";
  EXPECT_EQ(x.grad().numel(), kNumbers);
}

/// y = x, whose gradient comes in f32 although x is f64; 1/3 is not the same number in both.
Variable through_f32(const Variable& x) {
  return record("through f32", {x}, x.value(), [](const Tensor& dy) -> Grads { return {dy.to(DType::f32)}; });
}
constexpr double kThird = 1.0 / 3;
const double kShortThird = double(float(kThird));

// The first one waits until all is done, a second one does not: what is added is the same.
TEST(Backward, TakesGradientsOfAnotherType) {
  const Variable x = leaf({1, 2}), w = leaf({3, 4}), fixed(Tensor::from(Doubles{5, 6}, {2}));
  backward(sum(add(through_f32(x), add(through_f32(w), through_f32(fixed)))), kThird);
  for (const Variable& v : {x, w}) {
    EXPECT_EQ(v.grad().dtype(), DType::f64);
    EXPECT_EQ(grad(v), (Doubles{kShortThird, kShortThird}));
  }
  EXPECT_FALSE(fixed.grad().defined());
  backward(sum(through_f32(x)), kThird);  // to what was there before
  EXPECT_EQ(grad(x), (Doubles{2 * kShortThird, 2 * kShortThird}));
}

// Two that wait and one that does not: (1 + 2^-60) - 1 is 0 in f64, (-1 + 1) + 2^-60 is not.
TEST(Backward, AddsWhatWaitedBeforeWhatComesNext) {
  const Variable x = leaf({1});
  const Variable last = affine(x, -1), second = affine(through_f32(x), 0x1p-60),
                 first = affine(through_f32(x), 1);  // differentiated in reverse
  backward(sum(add(add(last, second), first)));
  EXPECT_EQ(grad(x), (Doubles{0}));
}

// Three that all wait: (1 - 1) + 2^-60 is 2^-60, in the other order it is 0 in f64.
TEST(Backward, AddsWhatWaitedInTheOrderOfArrival) {
  const Variable x = leaf({1});
  const Variable first = affine(through_f32(x), 0x1p-60), second = affine(through_f32(x), -1),
                 third = affine(through_f32(x), 1);  // differentiated in reverse
  backward(sum(add(add(first, second), third)));
  EXPECT_EQ(grad(x), (Doubles{0x1p-60}));
}

TEST(Backward, ConvertsWhatIsNoLeafAtOnce) {
  const Variable x = leaf({2});
  const Variable y = square(x);
  backward(sum(through_f32(y)), kThird);
  EXPECT_EQ(grad(x), (Doubles{4 * kShortThird}));
  const Variable z = through_f32(x);
  EXPECT_EQ(numbers(gradients(z, {x}, Tensor::full({1}, kThird, DType::f64))[0]), (Doubles{kShortThird}));
}

/// y = x, whose gradient comes in bf16.
Variable through_bf16(const Variable& x) {
  return record("through bf16", {x}, x.value(),
                [](const Tensor& dy) -> Grads { return {dy.to(DType::bf16)}; });
}

// 1 + 2^-8 is no bf16 number: two gradients are added in f32.
TEST(Backward, ANarrowGradientStaysWhereItMayAndIsAlone) {
  Variable x(Tensor::full({1}, 1), true), other(Tensor::full({1}, 1), true);
  x.slot()->may_stay_narrow = true;
  backward(sum(add(through_bf16(x), through_bf16(other))));
  EXPECT_EQ(x.grad().dtype(), DType::bf16);
  EXPECT_EQ(other.grad().dtype(), DType::f32);
  EXPECT_EQ(numbers(x.grad().to(DType::f64)), (Doubles{1}));
  backward(sum(through_bf16(x)), 0x1p-8);  // to what was there before
  EXPECT_EQ(x.grad().dtype(), DType::f32);
  EXPECT_EQ(numbers(x.grad().to(DType::f64)), (Doubles{1 + 0x1p-8}));

  x.zero_grad();
  backward(sum(add(through_bf16(x), affine(through_bf16(x), 0x1p-8))));  // used twice
  EXPECT_EQ(x.grad().dtype(), DType::f32);
  EXPECT_EQ(numbers(x.grad().to(DType::f64)), (Doubles{1 + 0x1p-8}));

  x.zero_grad();
  backward(sum(add(x, affine(through_bf16(x), 0x1p-8))));  // one in its own type
  EXPECT_EQ(x.grad().dtype(), DType::f32);
  EXPECT_EQ(numbers(x.grad().to(DType::f64)), (Doubles{1 + 0x1p-8}));
}

TEST(Gradients, LeaveEveryGradAlone) {
  Variable x = leaf({3}), w = leaf({2});
  x.set_grad(Tensor::full({1}, 77, DType::f64));
  const Variable f = mul(x, w);
  const Variable z = square(f);
  const std::vector<Tensor> g = gradients(z, {f});
  EXPECT_EQ(numbers(g[0]), (Doubles{12}));
  EXPECT_EQ(grad(x), (Doubles{77}));
  EXPECT_FALSE(w.grad().defined());
  EXPECT_FALSE(f.grad().defined());
  backward(sum(f));  // the walk stopped at f: what is before it is still there
  EXPECT_EQ(grad(x), (Doubles{79}));
  EXPECT_EQ(grad(w), (Doubles{3}));
}

// A parameter between the root and what is asked for: the walk passes it.
TEST(Gradients, LeaveParametersOnTheWayAlone) {
  const Variable x = leaf({3});
  Variable w = leaf({2}), v = leaf({5});
  v.set_grad(Tensor::full({1}, 77, DType::f64));
  const Variable f = square(x);
  EXPECT_EQ(numbers(gradients(mul(mul(f, w), v), {f})[0]), (Doubles{10}));
  EXPECT_FALSE(w.grad().defined());
  EXPECT_EQ(grad(v), (Doubles{77}));
  EXPECT_FALSE(x.grad().defined());
}

TEST(Gradients, StartFromAnySeed) {
  const Variable x = leaf({1, 2, 3});
  EXPECT_EQ(numbers(gradients(square(x), {x})[0]), (Doubles{2, 4, 6}));
  EXPECT_EQ(numbers(gradients(square(x), {x}, Tensor::from(Doubles{1, 0, -1}, {3}))[0]), (Doubles{2, 0, -6}));
}

TEST(Gradients, AreZeroOfWhatTheRootDoesNotDependOn) {
  const Variable x = leaf({1, 2}), other = leaf({3, 4, 5});
  const std::vector<Tensor> g = gradients(square(x), {x, other});
  EXPECT_EQ(numbers(g[0]), (Doubles{2, 4}));
  EXPECT_EQ(numbers(g[1]), (Doubles{0, 0, 0}));
  EXPECT_EQ(code_of([&] { gradients(square(x.detach()), {x}); }), Code::internal);
  EXPECT_EQ(code_of([&] { gradients(square(x), {x.detach()}); }), Code::internal);
}

// d/dx and d/df in one call, f lying between x and the root.
TEST(Gradients, OfAVariableAndOfWhatItCameFrom) {
  const Variable x = leaf({3});
  const Variable f = square(x);
  const std::vector<Tensor> g = gradients(square(f), {f, x});
  EXPECT_EQ(numbers(g[0]), (Doubles{18}));
  EXPECT_EQ(numbers(g[1]), (Doubles{108}));
}

TEST(Variable, SetValueTellsTheStorage) {
  Variable w = leaf({1, 2});
  const uint64_t version = w.value().storage().version();
  w.set_value(Tensor::full({2}, 5, DType::f32));
  EXPECT_EQ(numbers(w.value()), (Doubles{5, 5})) << "converted to the variable's dtype";
  EXPECT_GT(w.value().storage().version(), version) << "packed forms of a weight would not be renewed";
  EXPECT_EQ(code_of([&] { w.set_value(Tensor::zeros({3}, DType::f64)); }), Code::shape);
}

}  // namespace
}  // namespace cawe
