// SPDX-License-Identifier: Apache-2.0
// Whole steps on the device beside the CPU: ResNet-50 at full width, the attention map, a narrow RetinaNet.
#include <gtest/gtest.h>

#include <cmath>

#include "autograd/operator_table.h"
#include "models/cawe.h"
#include "models/enhance/enhancer.h"
#include "models/retinanet.h"
#include "tensor/random.h"
#include "tests/cuda/device.h"

namespace cawe {
namespace {

using TrainingStep = DeviceTest;

Tensor noise(const Shape& shape, const char* purpose, DType dtype) {
  const Random random(5, purpose);
  std::vector<float> v;
  for (int64_t i = 0; i < shape.numel(); ++i) v.push_back(random.uniform(uint64_t(i)) - 0.5f);
  const Tensor t = Tensor::from(v, shape).to(dtype);
  return shape.rank() == 4 ? t.channels_last() : t;
}

/// One step of SGD with momentum on every parameter that has a gradient.
void sgd_step(nn::Module& net) {
  for (auto& p : net.parameters()) {
    if (!p.variable->grad().defined()) continue;
    Tensor value = p.variable->value(), velocity = Tensor::like(value);
    velocity.fill(0);
    backend(value.device()).sgd_step(value, p.variable->grad(), velocity, {0.1, 0.9, 1e-4, true});
  }
}

/// Largest difference over largest value of each gradient, each parameter after the step and each buffer.
void expect_same_step(nn::Module& cpu, nn::Module& device, double gradient_bar, double state_bar) {
  const auto a = cpu.parameters(), b = device.parameters();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    const Tensor &g = a[i].variable->grad(), &h = b[i].variable->grad();
    ASSERT_EQ(g.defined(), h.defined()) << a[i].name;
    if (g.defined()) {
      EXPECT_LE(relative_difference(h, g), gradient_bar) << a[i].name;
    }
  }
  sgd_step(cpu);
  sgd_step(device);
  const auto before = cpu.state(), after = device.state();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_LE(relative_difference(after[i].second, before[i].second), state_bar) << before[i].first;
  }
}

models::ClassifierConfig resnet50() {
  models::ClassifierConfig c;
  c.backbone.depth = 50;
  c.labels = 3;
  return c;
}

/// The same weights on the device.
void copy_weights(nn::Module& from, nn::Module& to, DType dtype) {
  from.initialise(3);
  from.to(dtype);
  to.to(dtype);
  to.to(kDevice);
  const auto a = from.state(), b = to.state();
  for (size_t i = 0; i < a.size(); ++i) Tensor(b[i].second).copy_from(a[i].second);
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
  copy_weights(cpu, device, DType::f64);
  const double ours = classifier_step(device, kDevice, DType::f64, 64),
               truth = classifier_step(cpu, Device::cpu, DType::f64, 64);
  EXPECT_NEAR(ours, truth, 1e-10 * std::fabs(truth));
  expect_same_step(cpu, device, 1e-8, 1e-8);
}

TEST_F(TrainingStep, ResNet50AgreesInF32) {
  models::Classifier cpu(resnet50()), device(resnet50());
  copy_weights(cpu, device, DType::f32);
  const double ours = classifier_step(device, kDevice, DType::f32, 64),
               truth = classifier_step(cpu, Device::cpu, DType::f32, 64);
  EXPECT_NEAR(ours, truth, 1e-5 * std::fabs(truth));
  // Deeper down, a ReLU within rounding of its kink may flip in f32: there the norms are compared, the values
  // in f64.
  const auto a = cpu.parameters(), b = device.parameters();
  double difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const std::vector<float> g = a[i].variable->grad().to_vector<float>(),
                             h = b[i].variable->grad().to_vector<float>();
    if (a[i].name.rfind("fc.", 0) == 0) {
      EXPECT_LE(relative_difference(b[i].variable->grad(), a[i].variable->grad()), 1e-4) << a[i].name;
    }
    for (size_t k = 0; k < g.size(); ++k) {
      difference += (double(h[k]) - double(g[k])) * (double(h[k]) - double(g[k]));
      norm += double(g[k]) * double(g[k]);
    }
  }
  EXPECT_GT(norm, 0);
  EXPECT_LE(std::sqrt(difference / norm), 1e-2);
}

TEST_F(TrainingStep, TheAttentionMapAgrees) {
  models::Classifier cpu(resnet50()), device(resnet50());
  copy_weights(cpu, device, DType::f32);
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
  copy_weights(*options.classifier, *there.classifier, DType::f32);
  options.cam_input = there.cam_input = 64;
  models::CaweEnhancer cpu(options), device(there);
  Tensor film = noise({1, 1, 90, 84}, "film", DType::f32).contiguous();
  backend(Device::cpu).unary(UnaryOp::affine, 1, 0.5, film.clone(), film);
  EXPECT_LE(relative_difference(device.apply(film), cpu.apply(film)), 1e-5);
  EXPECT_EQ(device.constant_maps(), 0);
}

models::RetinaNetConfig narrow() {
  models::RetinaNetConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 8;
  c.channels = 16;
  c.head_convs = 2;
  c.postprocess.score_threshold = 0.001;
  c.anchors = models::anchor_pyramid(5, 12, {1, 1.26, 1.59}, false);
  return c;
}

TEST_F(TrainingStep, RetinaNetAgreesInF64) {
  models::RetinaNet cpu(narrow()), device(narrow());
  copy_weights(cpu, device, DType::f64);
  const std::vector<models::Truth> truths{{{{10, 12, 40, 44}, {50, 60, 90, 88}}, {0, 0}}, {}};
  const Tensor x = noise({2, 3, 96, 96}, "films", DType::f64);
  const models::RetinaNet::Losses ours = device.loss(Variable(x.to(kDevice)), truths),
                                  truth = cpu.loss(Variable(x), truths);
  EXPECT_NEAR(ours.part("class"), truth.part("class"), 1e-10 * truth.part("class"));
  EXPECT_NEAR(ours.part("box"), truth.part("box"), 1e-10 * truth.part("box"));
  backward(ours.total);
  backward(truth.total);
  expect_same_step(cpu, device, 1e-8, 1e-8);
}

TEST_F(TrainingStep, DetectionsAgree) {
  models::RetinaNet cpu(narrow()), device(narrow());
  copy_weights(cpu, device, DType::f32);
  const Tensor x = noise({2, 3, 96, 96}, "films", DType::f32);
  const auto ours = device.detect(x.to(kDevice)), truth = cpu.detect(x);
  for (size_t i = 0; i < truth.size(); ++i) {
    ASSERT_EQ(ours[i].size(), truth[i].size());
    ASSERT_GT(truth[i].size(), 10u);
    for (size_t k = 0; k < truth[i].size(); ++k) {
      EXPECT_NEAR(ours[i][k].score, truth[i][k].score, 1e-5);
      EXPECT_NEAR(ours[i][k].box.x1, truth[i][k].box.x1, 1e-2);
      EXPECT_NEAR(ours[i][k].box.y2, truth[i][k].box.y2, 1e-2);
    }
  }
}

}  // namespace
}  // namespace cawe
