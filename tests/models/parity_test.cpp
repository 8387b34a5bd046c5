// SPDX-License-Identifier: Apache-2.0
// Full-size ResNet-34, ResNet-50 and RetinaNet R50-FPN against torchvision (scripts/goldens/models.py):
// features, losses, attention, gradients and detections, to 1e-7 in f64, and in f32 by their distance from
// that truth beside torchvision's own.
#include "tests/models/parity.h"

#include "models/cawe.h"
#include "models/retinanet.h"
#include "models/weights.h"

namespace cawe::models {
namespace {

using testing::compare_gradients;
using testing::GoldenFile;
using testing::kF64Tolerance;

Tensor coin_targets(const std::string& key, const Shape& shape) {
  const Random random(testing::kSeed, key + ".target");
  std::vector<float> t;
  for (int64_t i = 0; i < shape.numel(); ++i) t.push_back(random.uniform(uint64_t(i)) >= 0.5f ? 1.0f : 0.0f);
  return Tensor::from(t, shape);
}

struct ClassifierCase {
  std::string key;
  Shape input;
  DType dtype;
  std::vector<std::string> watched;
};

/// Features, logits, loss and gradients of one classifier; returns F.
Tensor check_classifier(GoldenFile& golden, const ClassifierCase& c, Classifier& net) {
  load_weights(net, testing::parity_weights(net), {}, "philox");
  net.to(c.dtype);
  const Tensor x = testing::parity_picture(c.key + ".input", c.input).to(c.dtype);
  const std::vector<Variable> maps = net.backbone().forward(Variable(x));
  for (size_t i = 0; i < 4; ++i)
    golden.compare(c.key + ".c" + std::to_string(i + 2), maps[i].value(), kF64Tolerance);
  const Variable logits = net.head(maps.back());
  golden.compare(c.key + ".logits", logits.value(), kF64Tolerance);
  const Variable loss = multilabel_loss(logits, coin_targets(c.key, logits.shape()).to(c.dtype));
  golden.compare_number(c.key + ".loss", 0, loss.value().item(), c.dtype, kF64Tolerance);
  backward(loss);
  compare_gradients(golden, c.key, net, c.watched, {"fc.weight", "fc.bias"});
  return maps.back().value();
}

void check_attention(GoldenFile& golden, const ClassifierCase& c, Classifier& net) {
  const Tensor x = testing::parity_picture(c.key + ".input", c.input).to(c.dtype);
  for (bool closed_form : {true, false}) {
    CaweSettings s;
    s.closed_form = closed_form;
    golden.compare(c.key + ".cawe.map", attention_maps(net, x, c.input[2], c.input[3], s).raw, kF64Tolerance);
  }
}

class Parity : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(, Parity, ::testing::Values(DType::f32, DType::f64),
                         [](const auto& i) { return std::string(name(i.param)); });

TEST_P(Parity, ResNet34Training) {
  GoldenFile golden("tests/goldens/resnet34.txt");
  ClassifierConfig config;
  config.backbone.depth = 34;
  Classifier net(config);
  check_classifier(golden,
                   {"resnet34",
                    {2, 3, 128, 160},
                    GetParam(),
                    {"conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer2.0.downsample.0.weight",
                     "layer3.5.conv2.weight", "layer4.2.bn2.bias", "fc.weight", "fc.bias"}},
                   net);
  const NamedTensors state = state_of(net);
  for (const char* name : {"bn1.running_mean", "layer4.2.bn2.running_var"})
    golden.compare(std::string("resnet34.") + name, state.at(name), kF64Tolerance);
}

const std::vector<std::string> kWatched50{"conv1.weight",
                                          "layer1.0.downsample.1.weight",
                                          "layer2.0.conv2.weight",
                                          "layer3.5.conv3.weight",
                                          "layer4.0.conv1.weight",
                                          "layer4.2.bn3.bias",
                                          "fc.weight",
                                          "fc.bias"};

TEST_P(Parity, ResNet50AndItsAttention) {
  GoldenFile golden("tests/goldens/resnet50.txt");
  Classifier net(ClassifierConfig{});
  net.train(false);
  const ClassifierCase c{"resnet50", {2, 3, 128, 160}, GetParam(), kWatched50};
  check_classifier(golden, c, net);
  check_attention(golden, c, net);
}

TEST_P(Parity, DilatedResNet50) {
  GoldenFile golden("tests/goldens/resnet50.txt");
  // f64 runs on plain loops, where stride 8 would take a minute.
  for (int stride : GetParam() == DType::f64 ? std::vector<int>{16} : std::vector<int>{16, 8}) {
    ClassifierConfig config;
    config.backbone.output_stride = stride;
    Classifier net(config);
    net.train(false);
    const ClassifierCase c{
        "resnet50_stride" + std::to_string(stride), {1, 3, 96, 128}, GetParam(), kWatched50};
    EXPECT_EQ(check_classifier(golden, c, net).dim(2), 96 / stride);
    check_attention(golden, c, net);
  }
}

RetinaNetConfig retinanet_config() {
  RetinaNetConfig config;
  config.backbone.norm.kind = nn::NormKind::frozen;
  config.trainable_stages = 3;
  config.classes = 3;
  config.postprocess.max_detections = 100;
  return config;
}

const std::vector<std::string> kWatchedRetinaNet{
    "backbone.body.layer2.0.conv1.weight",        "backbone.body.layer4.2.conv3.weight",
    "backbone.fpn.inner_blocks.0.0.weight",       "backbone.fpn.layer_blocks.2.0.bias",
    "backbone.fpn.extra_blocks.p6.weight",        "backbone.fpn.extra_blocks.p7.weight",
    "head.classification_head.conv.0.0.weight",   "head.regression_head.conv.3.0.bias",
    "head.classification_head.cls_logits.weight", "head.classification_head.cls_logits.bias",
    "head.regression_head.bbox_reg.weight"};

TEST_P(Parity, RetinaNetR50Fpn) {
  const DType dtype = GetParam();
  const bool exact = dtype == DType::f64;
  const std::string key = exact ? "retinanet_small" : "retinanet";
  GoldenFile golden("tests/goldens/retinanet.txt");
  RetinaNet net(retinanet_config());
  load_weights(net, testing::parity_weights(net), {}, "philox");
  net.to(dtype);
  const Shape shape = exact ? Shape{2, 3, 96, 128} : Shape{2, 3, 224, 256};
  const Tensor x = testing::parity_picture(key + ".input", shape).to(dtype);
  const std::vector<Box> boxes =
      exact ? std::vector<Box>{{20.5f, 30.25f, 60, 90.5f}, {30, 10, 120, 80}, {5, 50, 40, 90}}
            : std::vector<Box>{{20.5f, 30.25f, 90, 120.5f}, {100, 40, 230, 200}, {5, 150, 40, 190}};
  const std::vector<Truth> truths{{boxes, {0, 2, 1}}, {}};
  const RetinaNet::Losses losses = net.loss(Variable(x), truths);
  golden.compare_number(key + ".losses", 0, losses.part("class"), dtype, kF64Tolerance);
  golden.compare_number(key + ".losses", 1, losses.part("box"), dtype, 1e-6);  // offsets are f32
  backward(losses.total);
  compare_gradients(golden, key, net, kWatchedRetinaNet,
                    {kWatchedRetinaNet.end() - 3, kWatchedRetinaNet.end()});
  const NoGrad no_history;
  net.train(false);
  const RetinaNet::Raw raw = net.forward(Variable(x));
  golden.compare(key + ".logits", raw.logits.value(), kF64Tolerance);
  golden.compare(key + ".deltas", raw.deltas.value(), kF64Tolerance);
  if (!exact)
    testing::compare_detections(golden, "retinanet", 50, to_host(net.postprocess(raw, 224, 256), {}));
}

}  // namespace
}  // namespace cawe::models
