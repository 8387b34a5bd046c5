// SPDX-License-Identifier: Apache-2.0
// Layers of the colorization GAN: spectral and weight norm, self-attention, ICNR, channel dropout.
#include <gtest/gtest.h>

#include <cmath>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/reductions.h"
#include "autograd/ops/shuffle.h"
#include "nn/dropout2d.h"
#include "nn/self_attention.h"
#include "nn/weight_norm_conv2d.h"
#include "tensor/random.h"

namespace cawe::nn {
namespace {

Tensor normal(const Shape& shape, const char* purpose) {
  const Random random(5, purpose);
  std::vector<float> v;
  for (int64_t i = 0; i < shape.numel(); ++i) v.push_back(float(random.normal(uint64_t(i))));
  return Tensor::from(v, shape);
}

Tensor& buffer(Module& m, const std::string& name) {
  for (auto& b : m.buffers())
    if (b.name == name) return *b.tensor;
  throw std::runtime_error("no buffer " + name);
}
Variable& parameter(Module& m, const std::string& name) {
  for (auto& p : m.parameters())
    if (p.name == name) return *p.variable;
  throw std::runtime_error("no parameter " + name);
}

TEST(SpectralConv2d, FindsTheLargestSingularValue) {
  // A 2 x 2 matrix with singular values 3 and 1: after some steps the weight is divided by 3.
  SpectralConv2d conv(spectral_conv(2, 2, 1, false));
  conv.initialise(1);
  parameter(conv, "weight_orig").set_value(Tensor::from(std::vector<float>{0, 3, -1, 0}, {2, 2, 1, 1}));
  const Tensor x = Tensor::from(std::vector<float>{1, 1}, {1, 2, 1, 1});
  Variable y;
  for (int i = 0; i < 40; ++i) y = conv.forward(Variable(x));
  EXPECT_NEAR(y.value().to_vector<float>()[0], 1.0f, 1e-6f);
  EXPECT_NEAR(y.value().to_vector<float>()[1], -1.0f / 3, 1e-6f);
}

TEST(SpectralConv2d, BuffersMoveInTrainingOnlyAndGoOnFromACheckpoint) {
  SpectralConv2d a(spectral_conv(4, 6, 3, true)), b(spectral_conv(4, 6, 3, true));
  a.initialise(3);
  const Variable x(normal({2, 4, 5, 5}, "x"));
  for (int i = 0; i < 2; ++i) a.forward(x);
  const auto u = buffer(a, "weight_u").to_vector<float>();
  a.train(false);
  a.forward(x);
  EXPECT_EQ(buffer(a, "weight_u").to_vector<float>(), u);
  a.train();
  // With u and v a copy goes on bit by bit; with other ones it does not.
  b.initialise(4);
  for (const auto& [name, t] : a.state())
    if (name.find("_u") == std::string::npos && name.find("_v") == std::string::npos)
      for (auto& [other, into] : b.state())
        if (other == name) into.copy_from(t);
  Tensor bu = buffer(b, "weight_u"), bv = buffer(b, "weight_v");
  const auto away = b.forward(x).value().to_vector<float>();
  bu.copy_from(buffer(a, "weight_u"));
  bv.copy_from(buffer(a, "weight_v"));
  const auto expected = a.forward(x).value().to_vector<float>();
  EXPECT_NE(away, expected);
  EXPECT_EQ(b.forward(x).value().to_vector<float>(), expected);
}

TEST(SelfAttention, GammaOfZeroIsTheIdentityAndStillLearns) {
  SelfAttention attention(16);
  attention.initialise(2);
  const Tensor x = normal({2, 16, 3, 4}, "x").channels_last(), dy = normal({2, 16, 3, 4}, "dy");
  const Variable y = attention.forward(Variable(x));
  EXPECT_EQ(y.value().to_vector<float>(), x.to_vector<float>());
  backward(sum(mul(y, Variable(dy))));
  const double slope = parameter(attention, "gamma").grad().item();
  // <dy, o>, with o = (y - x) at gamma = 1 and the same u and v.
  SelfAttention at_one(16);
  at_one.initialise(2);
  parameter(at_one, "gamma").set_value(Tensor::full({1}, 1));
  const std::vector<float> one = at_one.forward(Variable(x)).value().to_vector<float>(),
                           plain = x.to_vector<float>(), weights = dy.to_vector<float>();
  double expected = 0, size = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    expected += double(weights[i]) * (double(one[i]) - double(plain[i]));
    size += std::abs(double(weights[i]) * (double(one[i]) - double(plain[i])));
  }
  EXPECT_NE(slope, 0);
  EXPECT_NEAR(slope, expected, 1e-5 * size);
}

TEST(SelfAttention, MeansOverThePositionsOfTheQueryConvolution) {
  // Two positions, f = (0, ln 2) and g = (1, 0): for j = 0 the scores are (0, ln 2), beta = (1/3, 2/3); for
  // j = 1 both are 0. Softmax over j instead would give other numbers.
  SelfAttention attention(8);
  attention.initialise(1);
  attention.train(false);
  const auto set = [&](const std::string& name, int64_t in, double value, int64_t rows) {
    Tensor w = Tensor::zeros({rows, 8, 1, 1});
    for (int64_t r = 0; r < rows; ++r) w.data<float>()[r * 8 + (rows == 1 ? in : r)] = float(value);
    parameter(attention, name + ".weight_orig").set_value(w);
    // u^T W v = value.
    Tensor u = buffer(attention, name + ".weight_u"), v = buffer(attention, name + ".weight_v");
    u.fill(0);
    v.fill(0);
    u.data<float>()[0] = 1;
    v.data<float>()[rows == 1 ? in : 0] = 1;
  };
  set("query", 0, 1, 1);  // f = channel 0
  set("key", 1, 1, 1);    // g = channel 1
  set("value", 0, 1, 8);  // h = x
  parameter(attention, "gamma").set_value(Tensor::full({1}, 1));
  Tensor x = Tensor::zeros({1, 8, 1, 2});
  float* p = x.data<float>();
  p[0] = 0, p[1] = float(std::log(2.0));  // channel 0
  p[2] = 1, p[3] = 0;                     // channel 1
  p[4] = 3, p[5] = 6;                     // channel 2: what is averaged
  const std::vector<float> y = attention.forward(Variable(x)).value().to_vector<float>();
  EXPECT_NEAR(y[4], 3 + (3 + 2 * 6) / 3.0, 1e-5);
  EXPECT_NEAR(y[5], 6 + (3 + 6) / 2.0, 1e-5);
}

TEST(Icnr, EveryTwoByTwoBlockStartsEqual) {
  const Variable x(normal({1, 6, 3, 5}, "x"));
  SpectralConv2d spectral(spectral_conv(6, 16, 1, false), true), plain(spectral_conv(6, 16, 1, false));
  WeightNormConv2d weight(spectral_conv(6, 16, 1, true), true);
  const auto blocks_equal = [](const Variable& y) {
    const std::vector<float> v = pixel_shuffle(y).value().to_vector<float>();
    for (size_t c = 0; c < 4; ++c)
      for (size_t h = 0; h < 6; h += 2)
        for (size_t w = 0; w < 10; w += 2) {
          const size_t at = (c * 6 + h) * 10 + w;
          if (v[at] != v[at + 1] || v[at] != v[at + 10] || v[at] != v[at + 11]) return false;
        }
    return true;
  };
  spectral.initialise(1);
  plain.initialise(1);
  weight.initialise(1);
  EXPECT_TRUE(blocks_equal(spectral.forward(x)));
  EXPECT_TRUE(blocks_equal(weight.forward(x)));
  EXPECT_FALSE(blocks_equal(plain.forward(x)));
}

TEST(WeightNormConv2d, StartsAsItsDirections) {
  WeightNormConv2d weight(spectral_conv(3, 4, 3, true));
  Conv2d plain(same_conv(3, 4, 3));
  weight.initialise(6);
  parameter(plain, "weight").set_value(parameter(weight, "weight_v").value());
  const Variable x(normal({1, 3, 4, 4}, "x"));
  const auto a = weight.forward(x).value().to_vector<float>(),
             b = plain.forward(x).value().to_vector<float>();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5);
}

TEST(Init, KaimingNormalByFanIn) {
  Tensor w = Tensor::empty({200, 50, 3, 3});
  initialise(w, Init::kaiming_normal_fan_in(), 1, "w");
  double squares = 0;
  for (const float v : w.to_vector<float>()) squares += double(v) * double(v);
  EXPECT_NEAR(std::sqrt(squares / 90000), std::sqrt(2.0 / 450), 0.01 * std::sqrt(2.0 / 450));
}

TEST(Dropout2d, DropsWholeChannelsByPlaceInTheBatch) {
  Dropout2d dropout;
  dropout.share = 0.25;
  dropout.channels = 400;
  const Tensor all = dropout.mask(1, 7, 2, 0, 4), part = dropout.mask(1, 7, 2, 2, 2);
  EXPECT_EQ(part.to_vector<float>(), all.slice(0, 2, 4).to_vector<float>());  // a second rank's half
  EXPECT_NE(dropout.mask(1, 8, 2, 0, 4).to_vector<float>(), all.to_vector<float>());
  int64_t zeros = 0;
  for (const float v : all.to_vector<float>()) {
    EXPECT_TRUE(v == 0 || v == float(1 / 0.75));
    zeros += v == 0 ? 1 : 0;
  }
  EXPECT_NEAR(double(zeros) / 1600, 0.25, 0.05);
}

}  // namespace
}  // namespace cawe::nn
