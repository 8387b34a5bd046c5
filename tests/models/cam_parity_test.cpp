// SPDX-License-Identifier: Apache-2.0
// Maps made of gradients beside those of pytorch-grad-cam (scripts/goldens/cam.py).
#include <gtest/gtest.h>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/pooling.h"
#include "models/cawe.h"
#include "models/weights.h"
#include "nn/conv2d.h"
#include "tests/models/parity.h"

namespace cawe::models {
namespace {

const std::vector<CamMethod> kOfGradients{CamMethod::gradcam, CamMethod::hirescam, CamMethod::layercam};

/// Raw map and finished one of each method, in f64 and f32, beside the package's.
void check_methods(testing::GoldenFile& golden, const std::string& key, DType dtype,
                   const std::function<AttentionMaps(const CaweSettings&)>& maps_by) {
  for (const CamMethod method : kOfGradients) {
    CaweSettings s;
    s.method = method;
    const AttentionMaps maps = maps_by(s);
    const std::vector<double> active = golden.numbers(key + ".active");
    ASSERT_EQ(maps.active.size(), active.size());
    for (size_t n = 0; n < active.size(); ++n) EXPECT_EQ(double(maps.active[n].size()), active[n]) << key;
    golden.compare(key + "." + name(method) + ".raw", maps.raw, testing::kF64Tolerance);
    // The package scales and resizes in f32 and adds 1e-7 to the largest value, before and after.
    if (dtype == DType::f64) golden.compare(key + "." + name(method) + ".map", maps.map, 2e-6);
  }
}

class PytorchGradCam : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(, PytorchGradCam, ::testing::Values(DType::f32, DType::f64),
                         [](const auto& i) { return std::string(cawe::name(i.param)); });

TEST_P(PytorchGradCam, OfResNet18) {
  testing::GoldenFile golden("tests/goldens/cam.txt");
  ClassifierConfig config;
  config.backbone.depth = 18;
  Classifier net(config);
  load_weights(net, testing::parity_weights(net), {}, "philox");
  net.to(GetParam());
  const Tensor x = testing::parity_picture("cam_resnet18.input", {3, 3, 96, 128}).to(GetParam());
  check_methods(golden, "cam_resnet18", GetParam(),
                [&](const CaweSettings& s) { return attention_maps(net, x, 96, 128, s); });
}

/// A head with a convolution before the pooling: a channel's cells have gradients of their own.
struct SmallNet : nn::Module {
  static nn::Conv2dOptions conv(int64_t in, int64_t out, int64_t stride) {
    nn::Conv2dOptions o = nn::same_conv(in, out, 3, stride);
    o.bias = true;
    return o;
  }
  SmallNet() : conv1(conv(3, 6, 2)), conv2(conv(6, 8, 1)), fc(8, 5) {
    child("conv1", conv1);
    child("conv2", conv2);
    child("fc", fc);
  }
  Variable head(const Variable& f) { return fc.forward(global_avg_pool(conv2.forward(f, true))); }
  nn::Conv2d conv1, conv2;
  nn::Linear fc;
};

TEST_P(PytorchGradCam, OfAHeadThatLooksAtCells) {
  testing::GoldenFile golden("tests/goldens/cam.txt");
  SmallNet net;
  load_weights(net, testing::parity_weights(net), {}, "philox");
  net.to(GetParam());
  const Tensor x = testing::parity_picture("cam_small.input", {3, 3, 20, 24}).to(GetParam());
  const Tensor f = net.conv1.forward(Variable(x), true).value();
  check_methods(golden, "cam_small", GetParam(), [&](const CaweSettings& s) {
    AttentionMaps maps;
    maps.active = active_sets(sigmoid(net.head(Variable(f))).value(), s);
    const auto head = [&](const Variable& v) { return net.head(v); };
    maps.raw = attention_from_gradients(f, attention_gradients(head, f, maps.active, false), s.method);
    finish_maps(maps, 20, 24, s);
    return maps;
  });
}

}  // namespace
}  // namespace cawe::models
