// SPDX-License-Identifier: Apache-2.0
// Full-size ResNet-34, ResNet-50 and RetinaNet R50-FPN against torchvision (scripts/goldens/models.py):
// features, losses, gradients, attention, detections, to 1e-4 in f32.
#include "tests/models/parity.h"

#include "models/cawe.h"
#include "models/retinanet.h"
#include "models/weights.h"

namespace cawe::models {
namespace {

using testing::GoldenFile;

std::map<std::string, Variable*> by_name(nn::Module& m) {
  std::map<std::string, Variable*> all;
  for (auto& p : m.parameters()) all[p.name] = p.variable;
  return all;
}

void compare_gradients(GoldenFile& golden, const std::string& key, nn::Module& m,
                       const std::vector<std::string>& names) {
  const auto parameters = by_name(m);
  for (const std::string& name : names) {
    ASSERT_EQ(parameters.count(name), 1u) << name;
    ASSERT_TRUE(parameters.at(name)->grad().defined()) << name;
    golden.compare(key + ".grad." + name, parameters.at(name)->grad());
  }
}

Tensor coin_targets(const std::string& key, const Shape& shape) {
  const Random random(testing::kSeed, key + ".target");
  std::vector<float> t;
  for (int64_t i = 0; i < shape.numel(); ++i) t.push_back(random.uniform(uint64_t(i)) >= 0.5f ? 1.0f : 0.0f);
  return Tensor::from(t, shape);
}

/// Features, logits, loss and gradients of one classifier; returns F.
Tensor check_classifier(GoldenFile& golden, const std::string& key, Classifier& net, const Shape& input,
                        const std::vector<std::string>& watched) {
  load_weights(net, testing::parity_weights(net), {}, "philox");
  const Tensor x = testing::parity_picture(key + ".input", input);
  const std::vector<Variable> maps = net.backbone().forward(Variable(x));
  for (size_t i = 0; i < 4; ++i) golden.compare(key + ".c" + std::to_string(i + 2), maps[i].value());
  const Variable logits = net.head(maps.back());
  golden.compare(key + ".logits", logits.value());
  const Variable loss = multilabel_loss(logits, coin_targets(key, logits.shape()));
  const double expected = golden.numbers(key + ".loss")[0];
  EXPECT_NEAR(loss.value().item(), expected, 1e-4 * expected);
  backward(loss);
  compare_gradients(golden, key, net, watched);
  return maps.back().value();
}

TEST(Parity, ResNet34Training) {
  GoldenFile golden("tests/goldens/resnet34.txt");
  ClassifierConfig config;
  config.backbone.depth = 34;
  Classifier net(config);
  check_classifier(golden, "resnet34", net, {2, 3, 224, 224},
                   {"conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer2.0.downsample.0.weight",
                    "layer3.5.conv2.weight", "layer4.2.bn2.bias", "fc.weight", "fc.bias"});
  const NamedTensors state = state_of(net);
  for (const char* name : {"bn1.running_mean", "layer4.2.bn2.running_var"})
    golden.compare(std::string("resnet34.") + name, state.at(name));
  RecordProperty("worst", std::to_string(golden.worst()));
}

void check_attention(GoldenFile& golden, const std::string& key, Classifier& net, const Shape& input) {
  const Tensor x = testing::parity_picture(key + ".input", input);
  for (bool closed_form : {true, false}) {
    CaweSettings s;
    s.closed_form = closed_form;
    golden.compare(key + ".cawe.map", attention_maps(net, x, input[2], input[3], s).raw);
  }
}

TEST(Parity, ResNet50AndItsAttention) {
  GoldenFile golden("tests/goldens/resnet50.txt");
  Classifier net(ClassifierConfig{});
  net.train(false);
  const Shape input{2, 3, 224, 224};
  check_classifier(
      golden, "resnet50", net, input,
      {"conv1.weight", "layer1.0.downsample.1.weight", "layer2.0.conv2.weight", "layer3.5.conv3.weight",
       "layer4.0.conv1.weight", "layer4.2.bn3.bias", "fc.weight", "fc.bias"});
  check_attention(golden, "resnet50", net, input);
}

TEST(Parity, DilatedResNet50) {
  GoldenFile golden("tests/goldens/resnet50.txt");
  for (int stride : {16, 8}) {
    ClassifierConfig config;
    config.backbone.output_stride = stride;
    Classifier net(config);
    net.train(false);
    const std::string key = "resnet50_stride" + std::to_string(stride);
    const Shape input{1, 3, 96, 128};
    const Tensor f =
        check_classifier(golden, key, net, input, {"conv1.weight", "layer1.0.downsample.1.weight"});
    EXPECT_EQ(f.dim(2), 96 / stride);
    check_attention(golden, key, net, input);
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

void compare_detections(const GoldenFile& golden, const std::vector<Detections>& found) {
  std::vector<size_t> next(found.size(), 0);
  for (const std::vector<double>& g : golden.all("retinanet.detection")) {
    const size_t image = size_t(g[0]), k = next[image]++;
    ASSERT_LT(k, found[image].size());
    const Detection& d = found[image][k];
    EXPECT_NEAR(d.score, g[5], 1e-4 * g[5]) << "image " << image << " detection " << k;
    EXPECT_EQ(double(d.label), g[6]);
    for (const auto& [ours, theirs] :
         {std::pair<double, double>{d.box.x1, g[1]}, {d.box.y1, g[2]}, {d.box.x2, g[3]}, {d.box.y2, g[4]}})
      EXPECT_NEAR(ours, theirs, 1e-4 * 256) << "image " << image << " detection " << k;
  }
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_GE(next[i], 50u);
    EXPECT_EQ(found[i].size(), next[i]);
  }
}

TEST(Parity, RetinaNetR50Fpn) {
  GoldenFile golden("tests/goldens/retinanet.txt");
  RetinaNet net(retinanet_config());
  load_weights(net, testing::parity_weights(net), {}, "philox");
  const Tensor x = testing::parity_picture("retinanet.input", {2, 3, 224, 256});
  const std::vector<Truth> truths{
      {{{20.5f, 30.25f, 90, 120.5f}, {100, 40, 230, 200}, {5, 150, 40, 190}}, {0, 2, 1}}, {}};
  const RetinaNet::Losses losses = net.loss(Variable(x), truths);
  const std::vector<double> expected = golden.numbers("retinanet.losses");
  EXPECT_NEAR(losses.classification, expected[0], 1e-4 * expected[0]);
  EXPECT_NEAR(losses.box, expected[1], 1e-4 * expected[1]);
  backward(losses.total);
  compare_gradients(golden, "retinanet", net,
                    {"backbone.body.layer2.0.conv1.weight", "backbone.body.layer4.2.conv3.weight",
                     "backbone.fpn.inner_blocks.0.0.weight", "backbone.fpn.layer_blocks.2.0.bias",
                     "backbone.fpn.extra_blocks.p6.weight", "backbone.fpn.extra_blocks.p7.weight",
                     "head.classification_head.conv.0.0.weight", "head.classification_head.cls_logits.weight",
                     "head.classification_head.cls_logits.bias", "head.regression_head.conv.3.0.bias",
                     "head.regression_head.bbox_reg.weight"});
  const NoGrad no_history;
  net.train(false);
  const RetinaNet::Raw raw = net.forward(Variable(x));
  golden.compare("retinanet.logits", raw.logits.value());
  golden.compare("retinanet.deltas", raw.deltas.value());
  compare_detections(golden, net.postprocess(raw, 224, 256));
}

}  // namespace
}  // namespace cawe::models
