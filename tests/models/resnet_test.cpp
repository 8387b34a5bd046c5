// SPDX-License-Identifier: Apache-2.0
// Topology: parameter counts, sizes of the maps, output strides, frozen stages.
#include "models/resnet.h"

#include <gtest/gtest.h>

#include "models/classifier.h"
#include "models/retinanet.h"
#include "tensor/random.h"

namespace cawe::models {
namespace {

ResNetConfig shape(int depth, int64_t width = 64, int output_stride = 32) {
  ResNetConfig c;
  c.depth = depth;
  c.width = width;
  c.output_stride = output_stride;
  return c;
}

Tensor noise(const Shape& s) {
  const Random random(3, "x");
  std::vector<float> v;
  for (int64_t i = 0; i < s.numel(); ++i) v.push_back(random.uniform(uint64_t(i)) - 0.5f);
  return Tensor::from(v, s);
}

TEST(ResNet, ParameterCounts) {
  EXPECT_EQ(Classifier({shape(50), 14}).parameter_count(), 23536718);
  EXPECT_EQ(ResNet(shape(50)).parameter_count(), 23508032);
  EXPECT_EQ(ResNet(shape(34)).parameter_count(), 21284672);
  EXPECT_EQ(ResNet(shape(18)).parameter_count(), 11176512);
}

TEST(RetinaNetBuilder, ParameterCounts) {
  RetinaNetConfig config;
  config.backbone.norm.kind = nn::NormKind::frozen;
  for (const auto& [classes, count] :
       {std::pair<int64_t, int64_t>{91, 34014999}, {2, 32168694}, {1, 32147949}}) {
    config.classes = classes;
    EXPECT_EQ(RetinaNet(config).parameter_count(), count);
  }
}

TEST(ResNet, MapsHaveTheirStrides) {
  for (int depth : {18, 50}) {
    ResNet net(shape(depth, 4));
    net.initialise(1);
    const std::vector<Variable> maps = net.forward(Variable(noise({1, 3, 70, 100})));
    const int64_t expansion = depth == 50 ? 4 : 1;
    const int64_t rows[] = {18, 9, 5, 3}, columns[] = {25, 13, 7, 4};
    ASSERT_EQ(maps.size(), 4u);
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(maps[i].shape(), (Shape{1, 4 * expansion << i, rows[i], columns[i]}));
      EXPECT_EQ(net.stages().channels[i], maps[i].dim(1));
      EXPECT_EQ(net.stages().strides[i], 4 << i);
    }
  }
}

TEST(ResNet, OutputStridesKeepTheSize) {
  for (const auto& [stride, side] : {std::pair<int, int64_t>{32, 4}, {16, 8}, {8, 16}}) {
    for (bool dilate : {true, false}) {
      ResNetConfig config = shape(18, 4, stride);
      config.dilate = dilate;
      ResNet net(config);
      net.initialise(1);
      EXPECT_EQ(net.forward(Variable(noise({1, 3, 128, 128}))).back().dim(2), side);
      EXPECT_EQ(net.stages().strides[3], stride);
    }
  }
}

TEST(ResNet, FrozenStagesGatherNothing) {
  ResNet net(shape(18, 4));
  net.initialise(1);
  net.set_trainable_stages(3);
  net.train();
  const std::vector<Variable> maps = net.forward(Variable(noise({2, 3, 64, 64})));
  EXPECT_FALSE(maps[0].requires_grad());
  EXPECT_TRUE(maps[1].requires_grad());
  int frozen = 0;
  for (auto& p : net.parameters()) {
    const bool stem =
        p.name.rfind("conv1", 0) == 0 || p.name.rfind("bn1", 0) == 0 || p.name.rfind("layer1", 0) == 0;
    EXPECT_EQ(p.variable->requires_grad(), !stem) << p.name;
    frozen += stem;
  }
  EXPECT_EQ(frozen, 3 + 12);
  for (auto& b : net.buffers()) {
    const bool stem = b.name == "bn1.num_batches_tracked" || b.name == "layer1.0.bn1.num_batches_tracked";
    if (stem || b.name == "layer2.0.bn1.num_batches_tracked") {
      EXPECT_EQ(b.tensor->item(), stem ? 0 : 1) << b.name;
    }
  }
}

TEST(ResNet, RefusesWhatItIsNot) {
  EXPECT_THROW(ResNet(shape(42)), Error);
  EXPECT_THROW(ResNet(shape(50, 64, 4)), Error);
  ResNet net(shape(18, 4));
  net.initialise(1);
  EXPECT_THROW(net.forward(Variable(noise({1, 1, 64, 64}))), Error);
}

}  // namespace
}  // namespace cawe::models
