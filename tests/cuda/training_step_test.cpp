// SPDX-License-Identifier: Apache-2.0
// Whole steps on the device beside the CPU: ResNet-50 at full width, the attention map, the enhancer.
#include <gtest/gtest.h>

#include <cmath>

#include "models/cawe.h"
#include "models/enhance/enhancer.h"
#include "tests/cuda/training_step.h"

namespace cawe {
namespace {

using TrainingStep = DeviceTest;

models::ClassifierConfig resnet50() {
  models::ClassifierConfig c;
  c.backbone.depth = 50;
  c.labels = 3;
  return c;
}

/// Loss and gradients of one step of ResNet-50.
double classifier_step(models::Classifier& net, Device device, DType dtype, int64_t side) {
  const Variable x(noise({2, 3, side, side}, "films", dtype).to(device));
  const Tensor targets = Tensor::from(std::vector<float>{1, 0, 1, 0, 1, 1}, {2, 3}).to(dtype).to(device);
  const Variable loss = models::multilabel_loss(net.forward(x).logits, targets);
  backward(loss);
  return loss.value().item();
}

// In f64 the two devices add in another order and nothing else: a ReLU near its kink cannot hide an error.
TEST_F(TrainingStep, ResNet50AgreesInF64) {
  models::Classifier cpu(resnet50()), device(resnet50());
  fresh_weights(cpu, device, DType::f64);
  const double ours = classifier_step(device, kDevice, DType::f64, 64),
               truth = classifier_step(cpu, Device::cpu, DType::f64, 64);
  EXPECT_NEAR(ours, truth, 1e-10 * std::fabs(truth));
  expect_same_step(cpu, device, 1e-8, 1e-8);
}

TEST_F(TrainingStep, ResNet50AgreesInF32) {
  models::Classifier cpu(resnet50()), device(resnet50());
  fresh_weights(cpu, device, DType::f32);
  const double ours = classifier_step(device, kDevice, DType::f32, 64),
               truth = classifier_step(cpu, Device::cpu, DType::f32, 64);
  EXPECT_NEAR(ours, truth, 1e-5 * std::fabs(truth));
  for (size_t i = 0; i < cpu.parameters().size(); ++i) {
    const auto a = cpu.parameters()[i], b = device.parameters()[i];
    if (a.name.rfind("fc.", 0) != 0) continue;
    EXPECT_LE(relative_difference(b.variable->grad(), a.variable->grad()), 1e-4) << a.name;
  }
  expect_gradients_alike(cpu, device, 1e-2);
}

TEST_F(TrainingStep, TheAttentionMapAgrees) {
  models::Classifier cpu(resnet50()), device(resnet50());
  fresh_weights(cpu, device, DType::f32);
  const Tensor x = noise({2, 3, 64, 64}, "films", DType::f32);
  for (const bool closed_form : {false, true}) {
    models::CaweSettings settings;
    settings.closed_form = closed_form;
    const models::AttentionMaps ours = models::attention_maps(device, x.to(kDevice), 80, 72, settings);
    const models::AttentionMaps truth = models::attention_maps(cpu, x, 80, 72, settings);
    EXPECT_EQ(ours.active, truth.active);
    EXPECT_LE(relative_difference(ours.raw, truth.raw), 1e-4);
    EXPECT_LE(relative_difference(ours.map, truth.map), 1e-4);
  }
}

/// Two launches on the device; map, range and fusion one after the other on the CPU.
TEST_F(TrainingStep, TheEnhancerAgrees) {
  models::EnhancerOptions options, there;
  options.classifier = std::make_shared<models::Classifier>(resnet50());
  there.classifier = std::make_shared<models::Classifier>(resnet50());
  fresh_weights(*options.classifier, *there.classifier, DType::f32);
  options.cam_input = there.cam_input = 64;
  models::CaweEnhancer cpu(options), device(there);
  Tensor film = noise({1, 1, 90, 84}, "film", DType::f32).contiguous();
  backend(Device::cpu).unary(UnaryOp::affine, 1, 0.5, film.clone(), film);
  EXPECT_LE(relative_difference(device.apply(film), cpu.apply(film)), 1e-5);
  EXPECT_EQ(device.constant_maps(), 0);
}

}  // namespace
}  // namespace cawe
