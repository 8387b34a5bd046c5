// SPDX-License-Identifier: Apache-2.0
// One step of a narrow colorizer's generator and one of its critic, with the content loss, on the device
// beside the CPU.
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "models/colorizer/content.h"
#include "models/colorizer/critic.h"
#include "models/colorizer/gan_losses.h"
#include "models/colorizer/generator.h"
#include "tests/cuda/training_step.h"

namespace cawe::models {
namespace {

using GanStep = DeviceTest;

constexpr int64_t kItems = 2;

GeneratorConfig narrow_generator() {
  GeneratorConfig c;
  c.depth = 18;
  c.width = 8;
  return c;
}

ContentConfig narrow_phi() {
  ContentConfig c;
  c.depth = 18;
  c.width = 8;
  return c;
}

CriticConfig narrow_critic() {
  CriticConfig c;
  c.width = 8;
  return c;
}

/// Generator, critic and phi, on one device.
struct Gan {
  Generator generator{narrow_generator()};
  Critic critic{narrow_critic()};
  ContentLoss content{narrow_phi()};

  void load_phi(DType dtype, Device device) {
    ResNetConfig body;
    body.depth = 18;
    body.width = 8;
    ResNet net(body);
    net.initialise(9);
    const auto state = net.state();
    content.load({state.begin(), state.end()}, "random numbers");
    content.to(dtype);
    content.to(device);
  }

  struct Losses {
    double content = 0, adversarial = 0;
  };
  /// Eq. 3: gradients in the generator.
  Losses generator_step(const Tensor& gray, const Tensor& real) {
    const nn::EvalMode evaluating(critic);
    critic.set_requires_grad(false);
    const Variable made = generator.forward(Variable(gray));
    const Variable difference = content.forward(made, real, kItems),
                   adversarial = adversarial_loss(critic.forward(made));
    backward(generator_loss(difference, adversarial));
    critic.set_requires_grad(true);
    return {difference.value().item(), adversarial.value().item()};
  }

  /// Eq. 6 with dropout: gradients in the critic.
  double critic_step(const Tensor& gray, const Tensor& real) {
    Tensor made;
    {
      const NoGrad no_history;
      const nn::EvalMode evaluating(generator);
      made = generator.forward(Variable(gray)).value();
    }
    const auto judged = [&](const Tensor& images, const char* purpose) {
      std::vector<Tensor> masks;
      for (const Tensor& mask : critic.dropout_masks(1, purpose, 0, 0, kItems))
        masks.push_back(mask.to(images.device()));
      return critic.forward(Variable(images), masks);
    };
    const Variable real_logits = judged(real, "real"), fake_logits = judged(made, "fake");
    const Variable loss = critic_loss(real_logits, fake_logits);
    backward(loss);
    return loss.value().item();
  }
};

/// Attention counts (it starts at 0), and norms and singular vectors have seen images: at random ones a
/// weight may be divided by next to nothing.
void begin(Gan& gan) {
  for (nn::Module* m : {static_cast<nn::Module*>(&gan.generator), static_cast<nn::Module*>(&gan.critic)}) {
    m->initialise(3);
    for (auto& p : m->parameters()) {
      Tensor value = p.variable->value();
      if (p.name.find("attention.gamma") != std::string::npos) value.fill(0.5);
    }
  }
  const NoGrad no_history;
  for (int pass = 0; pass < 3; ++pass) {
    gan.generator.forward(Variable(noise({kItems, 3, 64, 64}, "gray", DType::f32)));
    gan.critic.forward(Variable(noise({kItems, 3, 64, 64}, "real", DType::f32)));
  }
}

void begin(Gan& cpu, Gan& device, DType dtype) {
  begin(cpu);
  same_weights(cpu.generator, device.generator, dtype);
  same_weights(cpu.critic, device.critic, dtype);
  cpu.load_phi(dtype, Device::cpu);
  device.load_phi(dtype, kDevice);
}

/// From where `start` is.
void begin_there(Gan& start, Gan& gan, DType dtype, Device device) {
  const std::pair<nn::Module*, nn::Module*> parts[] = {{&start.generator, &gan.generator},
                                                       {&start.critic, &gan.critic}};
  for (const auto& [from, to] : parts) {
    const auto a = from->state(), b = to->state();
    for (size_t i = 0; i < a.size(); ++i) Tensor(b[i].second).copy_from(a[i].second);
    to->to(dtype);
    to->to(device);
  }
  gan.load_phi(dtype, device);
}

struct Images {
  Tensor gray, real;
  explicit Images(DType dtype)
      : gray(noise({kItems, 3, 64, 64}, "gray", dtype)), real(noise({kItems, 3, 64, 64}, "real", dtype)) {}
};

void expect_alike(const Gan::Losses& ours, const Gan::Losses& truth, double bar) {
  EXPECT_GT(truth.content, 0);
  EXPECT_GT(truth.adversarial, 0);
  EXPECT_NEAR(ours.content, truth.content, bar * truth.content);
  EXPECT_NEAR(ours.adversarial, truth.adversarial, bar * truth.adversarial);
}

TEST_F(GanStep, GeneratorAgreesInF64) {
  Gan cpu, device;
  begin(cpu, device, DType::f64);
  const Images x(DType::f64);
  expect_alike(device.generator_step(x.gray.to(kDevice), x.real.to(kDevice)),
               cpu.generator_step(x.gray, x.real), 1e-10);
  expect_same_step(cpu.generator, device.generator, 1e-8, 1e-8);
}

/// A content loss by squares on VGG-19, and its gradient by the generated images.
std::pair<double, Tensor> squares_of(Device device, DType dtype, DType computed) {
  ContentConfig config = content_config(Phi::vgg19);
  config.width = 8;
  config.layers = {"8", "17", "35"};
  config.weights = {1, 0.5, 2};
  VggFeatures net(VggConfig{19, false, 8});
  net.initialise(9);
  const auto state = net.state();
  ContentLoss content(config);
  content.load({state.begin(), state.end()}, "random numbers");
  content.to(dtype);
  content.to(device);
  const Variable made(noise({kItems, 3, 64, 64}, "made", dtype).to(computed).to(device), true);
  const Variable loss =
      content.forward(made, noise({kItems, 3, 64, 64}, "real", dtype).to(computed).to(device), kItems);
  backward(loss);
  return {loss.value().item(), made.grad().to(Device::cpu).to(DType::f64)};
}

TEST_F(GanStep, SquaresOnVgg19Agree) {
  const auto distance = [](const Tensor& a, const Tensor& b) {
    const std::vector<double> x = a.contiguous().to_vector<double>(), y = b.contiguous().to_vector<double>();
    double squares = 0, all = 0;
    for (size_t i = 0; i < x.size(); ++i) squares += (x[i] - y[i]) * (x[i] - y[i]), all += y[i] * y[i];
    return std::sqrt(squares / all);
  };
  const auto truth = squares_of(Device::cpu, DType::f64, DType::f64);
  EXPECT_GT(truth.first, 0.1);
  for (const auto& [dtype, computed, loss_bar, gradient_bar] :
       {std::tuple(DType::f64, DType::f64, 1e-10, 1e-8),
        {DType::f32, DType::f32, 1e-5, 1e-3},
        {DType::f32, DType::f16, 5e-3, 0.1},
        {DType::f32, DType::bf16, 4e-2, 0.3}}) {
    const auto ours = squares_of(kDevice, dtype, computed);
    EXPECT_NEAR(ours.first, truth.first, loss_bar * truth.first) << name(computed);
    EXPECT_LT(distance(ours.second, truth.second), gradient_bar) << name(computed);
  }
}

TEST_F(GanStep, CriticAgreesInF64) {
  Gan cpu, device;
  begin(cpu, device, DType::f64);
  const Images x(DType::f64);
  const double ours = device.critic_step(x.gray.to(kDevice), x.real.to(kDevice)),
               truth = cpu.critic_step(x.gray, x.real);
  EXPECT_GT(truth, 0);
  EXPECT_NEAR(ours, truth, 1e-10 * truth);
  expect_same_step(cpu.critic, device.critic, 1e-8, 1e-8);
}

TEST_F(GanStep, BothAgreeInF32) {
  Gan start;
  begin(start);
  expect_f32_step([&](Device device, DType dtype) {
    Gan gan;
    begin_there(start, gan, dtype, device);
    const Images x(dtype);
    const double loss = gan.critic_step(x.gray.to(device), x.real.to(device));
    return Step{{loss}, gradients_of(gan.critic)};
  });
  expect_f32_step([&](Device device, DType dtype) {
    Gan gan;
    begin_there(start, gan, dtype, device);
    const Images x(dtype);
    const Gan::Losses losses = gan.generator_step(x.gray.to(device), x.real.to(device));
    return Step{{losses.content, losses.adversarial}, gradients_of(gan.generator)};
  });
}

// Parameters stay f32. What 16 bits cost, not whether each kernel is right, which the operators' rows tell:
// losses to some roundings (2^-11, 2^-8), and gradients that point the same way.
TEST_F(GanStep, BothAreCloseIn16Bits) {
  for (const DType narrow : {DType::f16, DType::bf16}) {
    Gan cpu, device;
    begin(cpu, device, DType::f32);
    // In training the innermost norms see 8 numbers a channel and multiply rounding (in f32 as well).
    cpu.generator.train(false);
    device.generator.train(false);
    const Images x(DType::f32);
    const Tensor gray = x.gray.to(narrow).to(kDevice), real = x.real.to(narrow).to(kDevice);
    const double bar = narrow == DType::f16 ? 5e-3 : 4e-2;
    const double truth = cpu.critic_step(x.gray, x.real);
    EXPECT_NEAR(device.critic_step(gray, real), truth, bar * truth);
    expect_alike(device.generator_step(gray, real), cpu.generator_step(x.gray, x.real), bar);
    expect_gradients_alike(cpu.critic, device.critic, 0.5);
    expect_gradients_alike(cpu.generator, device.generator, 0.5);
  }
}

}  // namespace
}  // namespace cawe::models
