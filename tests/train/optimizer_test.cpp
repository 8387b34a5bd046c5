// SPDX-License-Identifier: Apache-2.0
// Optimizers against their definitions written out once more in double (PyTorch's forms).
#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cawe::train {
namespace {

class Two : public nn::Module {
 public:
  Two() {
    parameter("w", w, Tensor::from(std::vector<float>{1, -2, 0.5f}, {3}));
    parameter("unused", unused, Tensor::from(std::vector<float>{4}, {1}));
    w.set_requires_grad(true);
    unused.set_requires_grad(true);
  }
  Variable w, unused;
};

const std::vector<std::vector<double>> kGradients{{0.1, -0.2, 3}, {0.4, 0, -1}, {-0.3, 0.2, 0.5}};

std::vector<double> run(const OptimizerOptions& options, double lr) {
  Two m;
  Optimizer optimizer(m, options);
  for (const auto& g : kGradients) {
    m.w.set_grad(Tensor::from(std::vector<float>(g.begin(), g.end()), {3}));
    optimizer.clip_gradients();
    optimizer.step(lr);
  }
  EXPECT_EQ(m.unused.value().item(), 4.0);  // no gradient: no step, no decay
  return m.w.value().to(DType::f64).to_vector<double>();
}

TEST(Optimizer, Sgd) {
  OptimizerOptions o;
  o.kind = OptimizerOptions::Kind::sgd;
  o.weight_decay = 0.1;
  const std::vector<double> ours = run(o, 0.05);
  double p[3] = {1, -2, 0.5}, v[3] = {0, 0, 0};
  for (size_t t = 0; t < 3; ++t)
    for (size_t i = 0; i < 3; ++i) {
      const double g = kGradients[t][i] + 0.1 * p[i];
      v[i] = t == 0 ? g : 0.9 * v[i] + g;
      p[i] -= 0.05 * v[i];
    }
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(ours[i], p[i], 1e-6);
}

TEST(Optimizer, AdamAndAdamW) {
  for (const bool decoupled : {false, true}) {
    OptimizerOptions o;
    o.kind = decoupled ? OptimizerOptions::Kind::adamw : OptimizerOptions::Kind::adam;
    o.weight_decay = 0.1;
    const std::vector<double> ours = run(o, 0.05);
    double p[3] = {1, -2, 0.5}, m[3] = {0, 0, 0}, v[3] = {0, 0, 0};
    for (size_t t = 0; t < 3; ++t)
      for (size_t i = 0; i < 3; ++i) {
        double g = kGradients[t][i];
        if (decoupled) p[i] -= 0.05 * 0.1 * p[i];
        if (!decoupled) g += 0.1 * p[i];
        m[i] = 0.9 * m[i] + 0.1 * g;
        v[i] = 0.999 * v[i] + 0.001 * g * g;
        const double mh = m[i] / (1 - std::pow(0.9, t + 1)), vh = v[i] / (1 - std::pow(0.999, t + 1));
        p[i] -= 0.05 * mh / (std::sqrt(vh) + 1e-8);
      }
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(ours[i], p[i], 2e-6) << decoupled;
  }
}

TEST(Optimizer, ClipsTheNormOfAllGradients) {
  Two m;
  OptimizerOptions o;
  o.kind = OptimizerOptions::Kind::sgd;
  o.momentum = o.weight_decay = 0;
  o.clip = 1;
  Optimizer optimizer(m, o);
  m.w.set_grad(Tensor::from(std::vector<float>{3, 0, 0}, {3}));
  m.unused.set_grad(Tensor::from(std::vector<float>{4}, {1}));
  EXPECT_NEAR(optimizer.clip_gradients().norm, 5, 1e-6);
  optimizer.step(1);
  EXPECT_NEAR(m.w.value().to_vector<float>()[0], 1 - 0.6, 1e-6);
  EXPECT_NEAR(m.unused.value().item(), 4 - 0.8, 1e-6);
}

TEST(Optimizer, UndoesTheLossScale) {
  Two m;
  OptimizerOptions o;
  o.kind = OptimizerOptions::Kind::sgd;
  o.momentum = o.weight_decay = 0;
  Optimizer optimizer(m, o);
  m.w.set_grad(Tensor::from(std::vector<float>{1024, 0, 0}, {3}));
  EXPECT_NEAR(optimizer.clip_gradients(1024).norm, 1, 1e-12);
  optimizer.step(0.25);
  EXPECT_NEAR(m.w.value().to_vector<float>()[0], 1 - 0.25, 1e-6);
}

/// Whoever waits for the norm afterwards finds everything as it was before the step.
TEST(Optimizer, AStepOfWhatIsNotFiniteChangesNothing) {
  struct Bad {
    float gradient;
    double loss;
  };
  for (const auto kind :
       {OptimizerOptions::Kind::sgd, OptimizerOptions::Kind::adam, OptimizerOptions::Kind::adamw})
    for (const Bad& bad : {Bad{NAN, 1}, Bad{INFINITY, 1}, Bad{3, NAN}, Bad{3, INFINITY}}) {
      Two bothered, spared;
      OptimizerOptions o;
      o.kind = kind;
      o.weight_decay = 0.1;
      Optimizer first(bothered, o), second(spared, o);
      const auto step = [](Two& m, Optimizer& optimizer, float gradient, double loss) {
        m.w.set_grad(Tensor::from(std::vector<float>{0.5f, gradient, 1}, {3}));
        const auto measured =
            optimizer.measure(1, {Tensor::scalar(1), Tensor::scalar(loss)}, {Tensor::scalar(INFINITY)});
        optimizer.step(0.1);
        return Optimizer::told(*measured);
      };
      for (int i = 0; i < 2; ++i) {
        step(bothered, first, 0.25f, 1);
        step(spared, second, 0.25f, 1);
        const Optimizer::Told told = step(bothered, first, bad.gradient, bad.loss);
        EXPECT_EQ(std::isfinite(told.norm), std::isfinite(bad.gradient));
        EXPECT_EQ(told.numbers.size(), 3u);
        first.take_back();
        EXPECT_FALSE(bothered.w.grad().defined());
        NamedTensors a, b;
        first.save(&a);
        second.save(&b);
        for (const auto& [name, tensor] : b)
          EXPECT_EQ(a.at(name).to_vector<float>(), tensor.to_vector<float>()) << name;
        EXPECT_EQ(bothered.w.value().to_vector<float>(), spared.w.value().to_vector<float>());
        EXPECT_EQ(first.steps(), second.steps());
      }
    }
}

TEST(Optimizer, StateGoesRoundThroughACheckpoint) {
  OptimizerOptions o;
  Two a, b;
  Optimizer first(a, o), second(b, o);
  const auto step = [](Two& m, Optimizer& optimizer, float g) {
    m.w.set_grad(Tensor::from(std::vector<float>{g, -g, 1}, {3}));
    optimizer.step(0.1);
  };
  step(a, first, 0.5f);
  NamedTensors saved;
  first.save(&saved);
  b.w.set_value(a.w.value());
  second.load(saved, first.steps(), "test");
  step(a, first, 0.25f);
  step(b, second, 0.25f);
  EXPECT_EQ(a.w.value().to_vector<float>(), b.w.value().to_vector<float>());
  // Moments of Adam are no momentum of SGD.
  OptimizerOptions other;
  other.kind = OptimizerOptions::Kind::sgd;
  Optimizer third(b, other);
  try {
    third.load(saved, 1, "test");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("optimizer.w.v is another optimizer's"), std::string::npos)
        << error.what();
  }
  saved.erase("optimizer.w.m");
  EXPECT_THROW(second.load(saved, 1, "test"), Error);
}

TEST(Optimizer, SharesOfTheRateByNameAndABeta1ForTheStep) {
  struct EarlyAndLate : nn::Module {
    EarlyAndLate() {
      parameter("early", early, Tensor::zeros({1}));
      parameter("late", late, Tensor::zeros({1}));
    }
    Variable early, late;
  } net;
  OptimizerOptions o;
  o.weight_decay = 0;
  o.eps = 0;
  o.share_of_rate = [](const std::string& name) { return name == "early" ? 0.25 : 1.0; };
  Optimizer optimizer(net, o);
  const auto step = [&](double g, double beta1) {
    net.early.set_grad(Tensor::full({1}, g));
    net.late.set_grad(Tensor::full({1}, g));
    optimizer.step(0.1, beta1);
  };
  step(2, 0.5);  // the first step is the rate, whatever beta1
  EXPECT_NEAR(net.early.value().item(), -0.025, 1e-7);
  EXPECT_NEAR(net.late.value().item(), -0.1, 1e-7);
  // beta1 = 0: m is g = 1 alone; v = .999 .004 + .001, over 1 - .999^2.
  step(1, 0);
  const double v = (0.999 * 0.004 + 0.001) / (1 - 0.999 * 0.999);
  EXPECT_NEAR(net.late.value().item(), -0.1 - 0.1 / std::sqrt(v), 1e-6);
}

}  // namespace
}  // namespace cawe::train
