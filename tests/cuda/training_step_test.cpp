// SPDX-License-Identifier: Apache-2.0
// Whole steps on the device beside the CPU: ResNet-50 at full width, the attention map, the enhancer.
#include <gtest/gtest.h>

#include <cmath>

#include "models/cawe.h"
#include "models/enhance/enhancer.h"
#include "tensor/primitives/elementwise.h"
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

/// A classifier and where it is: on the device that is judged, the truth, or its peer in f32.
struct Placed {
  Placed(Device where, DType type)
      : device(where), dtype(type), net(std::make_shared<models::Classifier>(resnet50())) {
    net->initialise(3);
    net->to(dtype);
    net->to(device);
  }
  Device device;
  DType dtype;
  std::shared_ptr<models::Classifier> net;
};

struct Three {
  Placed ours{kDevice, DType::f32}, truth{Device::cpu, DType::f64}, peer{Device::cpu, DType::f32};
};

/// With no kink between them and the loss.
Numbers last_gradients(models::Classifier& net) {
  Numbers all;
  for (auto& p : net.parameters())
    if (p.name.rfind("fc.", 0) == 0)
      for (const double v : numbers_of(p.variable->grad())) all.push_back(v);
  return all;
}

TEST_F(TrainingStep, ResNet50AgreesInF32) {
  const Three three;
  const Placed plain(Device::cpu, DType::f32);
  // At 64 pixels the last stage normalises over eight numbers, and the loss of any f32 computation is 1e-5 off.
  const auto step = [](const Placed& p) {
    const double loss = classifier_step(*p.net, p.device, p.dtype, 80);
    return Step{{loss}, gradients_of(*p.net)};
  };
  const Step ours = step(three.ours), truth = step(three.truth), fast = step(three.peer);
  const ReferenceScope loops;
  expect_f32_step(ours, truth, {fast, step(plain)});
  expect_f32("last gradients", last_gradients(*three.ours.net), last_gradients(*three.truth.net),
             {last_gradients(*three.peer.net), last_gradients(*plain.net)});
}

models::AttentionMaps maps_of(const Placed& p, const Tensor& x, int64_t height, int64_t width,
                              bool closed_form) {
  models::CaweSettings settings;
  settings.closed_form = closed_form;
  return models::attention_maps(*p.net, x.to(p.dtype).to(p.device), height, width, settings);
}

/// By differentiation and in closed form, which is the truth of both.
TEST_F(TrainingStep, TheAttentionMapAgrees) {
  const Three three;
  const Tensor x = noise({2, 3, 64, 64}, "films", DType::f32);
  const models::AttentionMaps truth = maps_of(three.truth, x, 80, 72, true);
  for (const bool closed_form : {false, true}) {
    const models::AttentionMaps ours = maps_of(three.ours, x, 80, 72, closed_form),
                                peer = maps_of(three.peer, x, 80, 72, closed_form);
    EXPECT_EQ(ours.active, truth.active);
    expect_f32("raw map", numbers_of(ours.raw), numbers_of(truth.raw), {numbers_of(peer.raw)});
    expect_f32("map", numbers_of(ours.map), numbers_of(truth.map), {numbers_of(peer.map)});
  }
}

/// Two launches on the device; map, range and fusion one after the other on the CPU.
TEST_F(TrainingStep, TheEnhancerAgrees) {
  const Three three;
  const auto enhancer_of = [](const Placed& p) {
    models::EnhancerOptions options;
    options.classifier = p.net;
    options.cam_input = 64;
    return models::CaweEnhancer(options);
  };
  models::CaweEnhancer device = enhancer_of(three.ours), cpu = enhancer_of(three.peer);
  Tensor film = noise({1, 1, 90, 84}, "film", DType::f32).contiguous();
  primitives::unary(UnaryOp::affine, 1, 0.5, film.clone(), film);
  // Eq. 7 in f64, of a map in f64 of what the classifier sees.
  const Numbers map = numbers_of(maps_of(three.truth, cpu.network_input(film), 90, 84, true).map);
  Numbers fused = numbers_of(film);
  for (size_t i = 0; i < fused.size(); ++i) fused[i] *= 0.5 + 0.5 * map[i];
  expect_f32("enhanced film", numbers_of(device.apply(film)), fused, {numbers_of(cpu.apply(film))});
  EXPECT_EQ(device.constant_maps(), 0);
}

}  // namespace
}  // namespace cawe
