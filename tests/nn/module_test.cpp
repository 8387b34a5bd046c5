// SPDX-License-Identifier: Apache-2.0
// Names, modes and initial values of modules; batch norm's three ways.
#include "nn/module.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "autograd/ops/reductions.h"
#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/precision.h"
#include "tensor/random.h"

namespace cawe::nn {
namespace {

struct Pair : Module {
  Pair() : conv(same_conv(3, 4, 3)), bn(4), fc(4, 2) {
    child("layer1.0", conv);
    child("", bn);
    child("fc", fc);
  }
  Conv2d conv;
  BatchNorm2d bn;
  Linear fc;
};

TEST(Module, NamesFollowTheTree) {
  Pair m;
  std::vector<std::string> names;
  for (auto& entry : m.state()) names.push_back(entry.first);
  const std::vector<std::string> expected{
      "layer1.0.weight", "weight",       "bias",        "fc.weight",
      "fc.bias",         "running_mean", "running_var", "num_batches_tracked"};
  EXPECT_EQ(names, expected);
  EXPECT_EQ(m.parameter_count(), 4 * 3 * 9 + 4 + 4 + 8 + 2);
}

TEST(Precision, LayersComputeWithCopiesOfTheirOwnParameters) {
  Pair m;
  const std::vector<Variable*> computed = m.computed_parameters();
  const auto all = m.parameters();  // layer1.0.weight, weight, bias, fc.weight, fc.bias
  ASSERT_EQ(computed.size(), 3u);
  EXPECT_EQ(computed[0], all[0].variable);
  EXPECT_EQ(computed[1], all[3].variable);
  EXPECT_EQ(computed[2], all[4].variable);
}

TEST(Precision, CopiesAreMadeOnceAndHaveTheBitsOfCasts) {
  Pair m;
  m.initialise(7);
  const Variable narrow(Tensor::zeros({1}, DType::bf16)), wide(Tensor::zeros({1}));
  Variable &weight = *m.parameters()[3].variable, &norm = *m.parameters()[1].variable;
  const Tensor alone = as_computed(weight, narrow).value();
  const ComputedCopies copies({&m});
  const Variable first = as_computed(weight, narrow), second = as_computed(weight, narrow);
  EXPECT_EQ(first.dtype(), DType::bf16);
  EXPECT_EQ(std::memcmp(first.value().raw(), alone.raw(), size_t(alone.numel()) * 2), 0);
  EXPECT_EQ(second.value().raw(), first.value().raw());
  EXPECT_NE(second.slot(), first.slot()) << "every use has its own gradient";
  EXPECT_EQ(as_computed(weight, wide).value().raw(), weight.value().raw());
  EXPECT_NE(as_computed(norm, narrow).value().raw(), as_computed(norm, narrow).value().raw())
      << "cast each time";
  EXPECT_EQ(as_computed(weight, Variable(Tensor::zeros({1}, DType::f16))).dtype(), DType::f16);
  {
    const ComputedCopies none({});
    EXPECT_NE(as_computed(weight, narrow).value().raw(), first.value().raw());
  }
  EXPECT_EQ(as_computed(weight, narrow).value().raw(), first.value().raw());
  weight.set_value(Tensor::full(weight.shape(), 3));
  EXPECT_EQ(as_computed(weight, narrow).value().to(DType::f32).to_vector<float>()[0], 3) << "a stale copy";
}

// Each use's gradient is rounded to 16 bits, their sum is not: 1 + 2^-9 is no bf16.
TEST(Precision, GradientsOfSeveralUsesAreAddedInF32) {
  Pair m;
  m.initialise(7);
  Variable& bias = *m.parameters()[4].variable;
  const Variable x(Tensor::zeros({1}, DType::bf16));
  Variable loss;
  {
    const ComputedCopies copies({&m});
    const Variable large = cast(as_computed(bias, x), DType::f32),
                   small = cast(as_computed(bias, x), DType::f32);
    loss = add(sum(large), sum(affine(small, 0x1p-9)));
  }
  backward(loss);
  EXPECT_EQ(bias.grad().dtype(), DType::f32);
  EXPECT_EQ(bias.grad().to_vector<float>(), (std::vector<float>{1 + 0x1p-9f, 1 + 0x1p-9f}));
  EXPECT_FALSE(m.parameters()[3].variable->grad().defined()) << "it was copied, but not used";
}

TEST(Module, InitialValuesDependOnSeedAndNameOnly) {
  Pair a, b;
  a.initialise(7);
  b.fc.initialise(3);  // other calls in between
  b.initialise(7);
  EXPECT_EQ(a.state()[0].second.to_vector<float>(), b.state()[0].second.to_vector<float>());
  b.initialise(8);
  EXPECT_NE(a.state()[0].second.to_vector<float>(), b.state()[0].second.to_vector<float>());
  const Random stream(7, "layer1.0.weight");
  const std::vector<float> weight = a.state()[0].second.to_vector<float>();
  const double std = std::sqrt(2.0 / (4 * 9));  // Kaiming normal, fan out
  EXPECT_FLOAT_EQ(weight[5], float(std * stream.normal(5)));
}

TEST(Module, LinearStartsAsTorchvisions) {
  Linear fc(400, 50);
  fc.initialise(1);
  double sum_of_squares = 0;
  for (float v : fc.weight().to_vector<float>()) {
    EXPECT_LE(std::fabs(v), 0.05f);  // 1 / sqrt(400)
    sum_of_squares += double(v) * v;
  }
  EXPECT_NEAR(std::sqrt(sum_of_squares / 20000), 0.05 / std::sqrt(3.0), 5e-4);
  for (float v : fc.bias().to_vector<float>()) EXPECT_LE(std::fabs(v), 0.05f);
}

TEST(Module, KaimingUniformHasItsBound) {
  Tensor w = Tensor::zeros({64, 16, 3, 3});
  initialise(w, Init::kaiming_uniform(1), 5, "w");
  float most = 0;
  for (float v : w.to_vector<float>()) most = std::max(most, std::fabs(v));
  const double bound = std::sqrt(3.0 / (16 * 9));
  EXPECT_LE(most, bound);
  EXPECT_GT(most, 0.999 * bound);
}

TEST(Module, EvalModeRestoresEachOne) {
  Pair m;
  m.bn.freeze_mode();
  {
    const EvalMode evaluating(m);
    EXPECT_FALSE(m.training() || m.conv.training() || m.bn.training());
  }
  EXPECT_TRUE(m.training() && m.conv.training());
  EXPECT_FALSE(m.bn.training());
  m.train();
  EXPECT_FALSE(m.bn.training());
}

std::vector<float> ramp(int64_t n) {
  std::vector<float> v;
  for (int64_t i = 0; i < n; ++i) v.push_back(float(i % 7) - 0.25f * float(i));
  return v;
}

TEST(BatchNorm, TrainingUpdatesRunningStatistics) {
  BatchNorm2d bn(1);
  bn.initialise(0);
  const Variable x(Tensor::from(std::vector<float>{1, 2, 3, 6}, {2, 1, 1, 2}));
  const std::vector<float> y = bn.forward(x).value().to_vector<float>();
  const float invstd = 1 / std::sqrt(3.5f + 1e-5f);  // biased variance 3.5, mean 3
  EXPECT_NEAR(y[0], -2 * invstd, 1e-6);
  EXPECT_NEAR(y[3], 3 * invstd, 1e-6);
  auto buffers = bn.buffers();
  EXPECT_NEAR(buffers[0].tensor->item(), 0.3, 1e-6);                     // 0.1 * 3
  EXPECT_NEAR(buffers[1].tensor->item(), 0.9 + 0.1 * 14.0 / 3.0, 1e-6);  // unbiased variance 14/3
  EXPECT_EQ(buffers[2].tensor->item(), 1);
  bn.train(false);
  EXPECT_NEAR(bn.forward(x).value().to_vector<float>()[0], 0.7 / std::sqrt(0.9 + 1.4 / 3.0 + 1e-5), 1e-5);
  EXPECT_EQ(buffers[2].tensor->item(), 1);
}

TEST(BatchNorm, FrozenHasNoParametersAndRefusesRandomWeights) {
  BatchNormOptions options;
  options.kind = NormKind::frozen;
  BatchNorm2d bn(2, options);
  EXPECT_EQ(bn.parameter_count(), 0);
  EXPECT_EQ(bn.buffers().size(), 4u);
  const Variable x(Tensor::from(ramp(8), {1, 2, 2, 2}));
  try {
    bn.forward(x);
    FAIL() << "frozen statistics that nobody loaded were used";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::usage);
  }
}

TEST(BatchNorm, FrozenEpsilonCountsForSmallVariances) {
  for (double eps : {0.0, 1e-5}) {
    BatchNormOptions options;
    options.kind = NormKind::frozen;
    BatchNorm2d bn(1, options);
    bn.buffers()[3].tensor->fill(1e-5);  // running_var as small as the usual epsilon
    bn.set_eps(eps);
    bn.mark_loaded();
    const Variable x(Tensor::from(std::vector<float>{1, -2}, {1, 1, 1, 2}));
    const std::vector<float> y = bn.forward(x).value().to_vector<float>();
    EXPECT_NEAR(y[0], 1 / std::sqrt(1e-5 + eps), 1e-2);
    bn.train();
    EXPECT_EQ(bn.forward(x).value().to_vector<float>(), y);  // training changes nothing
    EXPECT_NEAR(bn.buffers()[3].tensor->item(), 1e-5, 1e-10);
  }
}

}  // namespace
}  // namespace cawe::nn
