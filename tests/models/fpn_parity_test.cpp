// SPDX-License-Identifier: Apache-2.0
// The pyramid whose P6 is made from C5 (model.p6_from = "c5") against torchvision's with LastLevelP6P7 of another number of
// channels in than out (scripts/goldens/models.py), on weights from Philox.
#include "models/fpn.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/reductions.h"
#include "models/retinanet.h"
#include "models/weights.h"
#include "tests/models/parity.h"

namespace cawe::models {
namespace {

using testing::GoldenFile;
using testing::kF64Tolerance;

/// torchvision's names begin with "fpn.".
struct Named : nn::Module {
  Fpn fpn;
  explicit Named(const FpnConfig& config) : fpn(config) { child("fpn", fpn); }
};

const FpnConfig kFromC5{{24, 40, 56}, 16, 2, P6From::c5};

class FpnParity : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(, FpnParity, ::testing::Values(DType::f32, DType::f64),
                         [](const auto& i) { return std::string(name(i.param)); });

TEST_P(FpnParity, P6FromC5) {
  GoldenFile golden("tests/goldens/fpn_c5.txt");
  Named net(kFromC5);
  load_weights(net, testing::parity_weights(net), {}, "philox");
  net.to(GetParam());
  std::vector<Variable> maps;
  for (size_t i = 0; i < 3; ++i) {
    const Shape shape{2, kFromC5.in[i], 20 >> i, 28 >> i};
    maps.emplace_back(
        testing::parity_picture("fpn_c5.c" + std::to_string(i + 3), shape).to(GetParam()).clone(), true);
  }
  const std::vector<Variable> levels = net.fpn.forward(maps);
  ASSERT_EQ(levels.size(), 5u);
  Variable loss;
  for (size_t i = 0; i < levels.size(); ++i) {
    golden.compare("fpn_c5.p" + std::to_string(i + 3), levels[i].value(), kF64Tolerance);
    const Variable one = mean(square(levels[i]));
    loss = loss.defined() ? add(loss, one) : one;
  }
  backward(loss);
  // The one kink, P7's ReLU of P6, lies in front of none of P6's neighbours to PyTorch's accuracy.
  testing::compare_gradients(
      golden, "fpn_c5", net,
      {"fpn.inner_blocks.2.0.weight", "fpn.layer_blocks.2.0.bias", "fpn.extra_blocks.p6.weight",
       "fpn.extra_blocks.p6.bias", "fpn.extra_blocks.p7.weight"});
  for (size_t i = 0; i < 3; ++i) {
    const std::string key = "fpn_c5.grad.c" + std::to_string(i + 3);
    if (GetParam() == DType::f32)
      golden.compare_through_kinks(key, maps[i].grad());
    else
      golden.compare(key, maps[i].grad(), kF64Tolerance);
  }
}

/// Where C5 has as many channels as the pyramid torchvision's module takes P5; ours does as it is told.
TEST(Fpn, P6IsOfC5AlsoWhereChannelsAgree) {
  for (const P6From from : {P6From::p5, P6From::c5}) {
    Named net({{8, 8, 8}, 8, 1, from});
    net.initialise(3);
    std::vector<Variable> maps;
    for (int64_t side : {16, 8, 4})
      maps.emplace_back(testing::parity_picture("c" + std::to_string(side), {1, 8, side, side}));
    const NoGrad no_history;
    const std::vector<float> before = net.fpn.forward(maps).back().value().to_vector<float>();
    for (auto& p : net.parameters())  // P5 is nothing then
      if (p.name.find("_blocks.2.") != std::string::npos)
        p.variable->set_value(Tensor::zeros(p.variable->shape()));
    EXPECT_EQ(net.fpn.forward(maps).back().value().to_vector<float>() == before, from == P6From::c5);
  }
}

TEST(Fpn, ParametersWithP6FromC5AsTorchvisions) {
  RetinaNetConfig c;
  c.backbone.norm.kind = nn::NormKind::frozen;
  c.p6_from = P6From::c5;
  RetinaNet net(c);
  EXPECT_EQ(net.parameter_count(), 36276717);
  for (auto& p : net.parameters())
    if (p.name == "backbone.fpn.extra_blocks.p6.weight") {
      EXPECT_EQ(p.variable->shape(), (Shape{256, 2048, 3, 3}));
    }
}

}  // namespace
}  // namespace cawe::models
