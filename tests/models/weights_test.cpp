// SPDX-License-Identifier: Apache-2.0
// Loading by name: what fits, what does not, older names, frozen norms, classes of a head.
#include "models/weights.h"
#include "models/foreign_weights.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/classifier.h"
#include "models/retinanet.h"

namespace cawe::models {
namespace {

ClassifierConfig narrow(int64_t labels) {
  ClassifierConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 4;
  c.labels = labels;
  return c;
}

NamedTensors copy_of(nn::Module& m) {
  NamedTensors all;
  for (auto& [name, tensor] : state_of(m)) all[name] = tensor.clone();
  return all;
}

TEST(Weights, RoundTrip) {
  Classifier a(narrow(3)), b(narrow(3));
  a.initialise(1);
  b.initialise(2);
  const LoadReport report = load_weights(b, copy_of(a), {}, "a");
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.loaded.size(), a.state().size());
  for (auto& [name, tensor] : state_of(a)) {
    if (tensor.dtype() == DType::f32) {
      EXPECT_EQ(tensor.to_vector<float>(), state_of(b)[name].to_vector<float>()) << name;
    }
  }
}

TEST(Weights, DifferencesAreErrorsThatNameThem) {
  Classifier a(narrow(3)), b(narrow(5));
  a.initialise(1);
  b.initialise(2);
  NamedTensors file = copy_of(a);
  file.erase("layer2.0.conv1.weight");
  file["extra"] = Tensor::zeros({1});
  const std::vector<float> before = state_of(b)["conv1.weight"].to_vector<float>();
  try {
    load_weights(b, file, {}, "runs/x");
    FAIL() << "loaded";
  } catch (const Error& e) {
    const std::string what = e.what();
    EXPECT_EQ(e.code(), Code::data);
    for (const char* part :
         {"runs/x: ", "layer2.0.conv1.weight", "extra", "fc.weight: [3, 32], expected [5, 32]"})
      EXPECT_NE(what.find(part), std::string::npos) << what;
  }
  EXPECT_EQ(state_of(b)["conv1.weight"].to_vector<float>(), before) << "changed although it failed";
  LoadOptions options;
  options.skip = {"fc", "extra", "layer2.0.conv1"};
  const LoadReport report = load_weights(b, file, options, "runs/x");
  EXPECT_TRUE(report.complete()) << report.summary();
  EXPECT_EQ(report.skipped.size(), 4u);
  EXPECT_NE(state_of(b)["conv1.weight"].to_vector<float>(), before);
}

TEST(Weights, EveryKindOfDifferenceIsReportedAndRefused) {
  Classifier net(narrow(3));
  net.initialise(1);
  const NamedTensors whole = copy_of(net);
  using Names = std::vector<std::string>;
  const auto expect = [&](const NamedTensors& file, const Names& missing, const Names& unexpected,
                          const Names& mismatched) {
    LoadOptions lenient;
    lenient.strict = false;
    const LoadReport report = load_weights(net, file, lenient, "w.pth");
    EXPECT_EQ(report.missing, missing);
    EXPECT_EQ(report.unexpected, unexpected);
    EXPECT_EQ(report.mismatched, mismatched);
    EXPECT_EQ(report.skipped, Names{}) << "nobody asked for it";
    EXPECT_FALSE(report.complete());
    EXPECT_THROW(load_weights(net, file, {}, "w.pth"), Error);
  };
  NamedTensors file = whole;
  file.erase("conv1.weight");
  expect(file, {"conv1.weight"}, {}, {});
  file = whole;
  file["extra"] = Tensor::zeros({1});
  expect(file, {}, {"extra"}, {});
  file = whole;
  file["fc.bias"] = Tensor::zeros({5});
  expect(file, {}, {}, {"fc.bias: [5], expected [3]"});
}

TEST(Weights, NonFiniteValuesAreRefused) {
  Classifier a(narrow(3));
  a.initialise(1);
  NamedTensors file = copy_of(a);
  file["layer1.0.conv2.weight"].fill(NAN);
  try {
    load_weights(a, file, {}, "w.pth");
    FAIL() << "loaded";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("w.pth: layer1.0.conv2.weight"), std::string::npos) << e.what();
  }
}

RetinaNetConfig detector(nn::NormKind norm, int64_t classes = 1) {
  RetinaNetConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 4;
  c.backbone.norm.kind = norm;
  c.channels = 8;
  c.head_convs = 2;
  c.classes = classes;
  return c;
}

TEST(Weights, ClassifierBodyGoesIntoADetector) {
  Classifier pretrained(narrow(3));
  pretrained.initialise(1);
  for (nn::NormKind norm : {nn::NormKind::batch, nn::NormKind::frozen}) {
    RetinaNet net(detector(norm));
    net.initialise(2);
    LoadOptions options;
    options.prefix = "backbone.body.";
    options.skip = {"backbone.body.fc", "backbone.fpn", "head"};
    const LoadReport report = load_weights(net, copy_of(pretrained), options, "run");
    EXPECT_TRUE(report.complete()) << report.summary();
    EXPECT_NO_THROW(net.detect(Tensor::zeros({1, 3, 64, 64})));  // frozen norms know that they were loaded
    EXPECT_EQ(state_of(net)["backbone.body.layer4.1.conv2.weight"].to_vector<float>(),
              state_of(pretrained)["layer4.1.conv2.weight"].to_vector<float>());
  }
}

/// Expects an error that begins with `text`: the file, and what is wrong with it.
void expect_named(const std::string& text, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown, expected " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_EQ(std::string(error.what()).rfind(text, 0), 0u) << error.what();
  }
}

NamedTensors called(const NamedTensors& weights, const std::string& prefix) {
  NamedTensors all;
  for (const auto& [name, t] : weights) all[prefix + name] = t;
  return all;
}

TEST(ForeignWeights, AWrappersBeginningIsTakenAwayWhereThereIsOne) {
  Classifier net(narrow(3));
  net.initialise(1);
  RetinaNet whole(detector(nn::NormKind::batch));
  whole.initialise(1);
  for (const NamedTensors& plain : {copy_of(net), copy_of(whole)}) {
    EXPECT_EQ(wrapper_prefix(plain), "");
    for (const std::string prefix : {"model.", "_orig_mod.", "a.b.backbone.", "encoder_"}) {
      NamedTensors wrapped = called(plain, prefix);
      wrapped["loss.weight"] = Tensor::zeros({1});
      EXPECT_EQ(wrapper_prefix(wrapped), prefix);
      NamedTensors inner = unwrapped(wrapped, "f.pth");
      EXPECT_EQ(inner.erase("loss.weight"), 1u) << "what is not the network's stays, to be refused";
      ASSERT_EQ(inner.size(), plain.size());
      for (const auto& item : plain) EXPECT_EQ(inner.count(item.first), 1u) << item.first;
    }
  }
  NamedTensors two = called(copy_of(net), "encoder_q.");
  two.merge(called(copy_of(net), "encoder_k."));
  EXPECT_EQ(wrapper_prefix(two), "") << "which of the two, nobody knows";
  EXPECT_EQ(unwrapped(two, "f.pth").size(), two.size());
  NamedTensors clash = called(copy_of(net), "model.");
  clash["fc.bias"] = Tensor::zeros({3});
  expect_named("f.pth: two tensors are called 'fc.bias'", [&] { unwrapped(clash, "f.pth"); });
  NamedTensors averaged = called(copy_of(net), "module.");
  averaged["n_averaged"] = Tensor::zeros({}, DType::i64);
  EXPECT_EQ(with_current_names(averaged, "f.pth").size(), copy_of(net).size());
  EXPECT_EQ(with_current_names({{"n_averaged", Tensor::zeros({1})}}, "f.pth").size(), 1u)
      << "some network's own";
}

TEST(ForeignWeights, OtherFamiliesAreNamed) {
  Classifier net(narrow(3));
  RetinaNet whole(detector(nn::NormKind::batch));
  const NamedTensors wanted = copy_of(net), detectors = copy_of(whole);
  const auto with = [](const std::string& name) { return NamedTensors{{name, Tensor::zeros({1})}}; };
  EXPECT_EQ(other_family(wanted, wanted), "");
  EXPECT_EQ(other_family(detectors, detectors), "");
  EXPECT_EQ(other_family(with("features.denseblock1.denselayer1.conv1.weight"), wanted),
            "a DenseNet (expected a ResNet)");
  EXPECT_EQ(other_family(with("class_token"), wanted), "a vision transformer (expected a ResNet)");
  EXPECT_EQ(other_family(with("head.classification_head.conv.0.1.weight"), detectors),
            "torchvision's retinanet_resnet50_fpn_v2 (expected retinanet_resnet50_fpn)");
  ClassifierConfig deep = narrow(3);
  deep.backbone.depth = 50;
  Classifier other(deep);
  EXPECT_EQ(other_family(copy_of(other), wanted), "a ResNet of depth 50 (expected 18)");
  EXPECT_EQ(other_family(called(wanted, "backbone.body."), called(copy_of(other), "backbone.body.")),
            "a ResNet of depth 18 (expected 50)");
}

TEST(Weights, FrozenEpsilonIsSetForCocoDetectors) {
  NamedTensors coco{{"backbone.body.bn1.running_mean", Tensor::zeros({4})},
                    {"head.classification_head.cls_logits.weight", Tensor::zeros({9 * 91, 1, 1, 1})}};
  EXPECT_TRUE(is_torchvision_coco(coco));
  coco["backbone.body.bn1.num_batches_tracked"] = Tensor::zeros({}, DType::i64);  // live norms: not those
  EXPECT_FALSE(is_torchvision_coco(coco));
  RetinaNet net(detector(nn::NormKind::frozen));
  net.initialise(2);
  LoadOptions options;
  options.frozen_bn_eps = 0;
  load_weights(net, copy_of(net), options, "coco");
  int norms = 0;
  net.each([&](const std::string&, nn::Module& m) {
    if (auto* norm = dynamic_cast<nn::BatchNorm2d*>(&m)) {
      EXPECT_EQ(norm->eps(), 0);
      ++norms;
    }
  });
  EXPECT_EQ(norms, 20);
}

TEST(Weights, OlderNamesAreUnderstood) {
  const Tensor t = Tensor::zeros({1});
  const NamedTensors now = with_current_names({{"module.fc.weight", t},
                                               {"backbone.fpn.inner_blocks.2.weight", t},
                                               {"backbone.fpn.layer_blocks.1.0.bias", t},
                                               {"rpn.head.conv.bias", t},
                                               {"head.classification_head.conv.6.weight", t},
                                               {"head.regression_head.conv.1.0.weight", t},
                                               {"backbone.body.layer1.0.conv1.weight", t}},
                                              "f.pth");
  for (const char* name :
       {"fc.weight", "backbone.fpn.inner_blocks.2.0.weight", "backbone.fpn.layer_blocks.1.0.bias",
        "rpn.head.conv.0.0.bias", "head.classification_head.conv.3.0.weight",
        "head.regression_head.conv.1.0.weight", "backbone.body.layer1.0.conv1.weight"})
    EXPECT_EQ(now.count(name), 1u) << name;
  EXPECT_EQ(now.size(), 7u);
  expect_named("f.pth: two tensors are called 'a'", [&] {
    with_current_names({{"module.a", t}, {"a", t}}, "f.pth");
  });
}

}  // namespace
}  // namespace cawe::models
