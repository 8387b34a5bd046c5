// SPDX-License-Identifier: Apache-2.0
// VGG-19 without batch norm, and the content loss on it by squares, against torchvision and PyTorch
// (scripts/goldens/vgg.py) on weights from Philox.
#include "models/vgg.h"

#include <cmath>

#include "models/colorizer/content.h"
#include "models/weights.h"
#include "tests/models/parity.h"

namespace cawe::models {
namespace {

using testing::GoldenFile;
using testing::kF64Tolerance;

const char* const kGolden = "tests/goldens/vgg19.txt";
constexpr VggConfig kNarrow{19, false, 8};

class VggParity : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(, VggParity, ::testing::Values(DType::f32, DType::f64),
                         [](const auto& i) { return std::string(name(i.param)); });

Tensor picture_of(const char* what, DType dtype) {
  return testing::parity_picture(std::string("vgg.") + what, {2, 3, 64, 80}).to(dtype);
}

TEST_P(VggParity, FeaturesOfVgg19) {
  GoldenFile golden(kGolden);
  VggFeatures net(kNarrow);
  load_weights(net, testing::parity_weights(net), {}, "philox");
  net.to(GetParam());
  const NoGrad no_history;
  const std::vector<Variable> maps = net.forward(Variable(picture_of("made", GetParam())), {8, 17, 35});
  const char* const keys[] = {"relu.8", "relu.17", "relu.35"};
  for (size_t i = 0; i < 3; ++i) golden.compare(keys[i], maps[i].value(), kF64Tolerance);
}

TEST_P(VggParity, ContentLossBySquaresAndByDifferences) {
  const DType dtype = GetParam();
  GoldenFile golden(kGolden);
  const struct {
    std::string key;
    std::vector<std::string> layers;
    std::vector<double> weights;
    PhiLoss loss;
  } cases[] = {{"mse", {"35"}, {0.006}, PhiLoss::mse},
               {"mse_of_three", {"8", "17", "35"}, {1, 0.5, 2}, PhiLoss::mse},
               {"l1", {"17", "35"}, {0.1, 0.3}, PhiLoss::l1}};
  for (const auto& c : cases) {
    ContentConfig config = content_config(Phi::vgg19);
    config.width = kNarrow.width;
    if (c.key == "mse") {  // SRGAN's is the usual one
      EXPECT_EQ(config.layers, c.layers);
      EXPECT_EQ(config.weights, c.weights);
      EXPECT_EQ(config.loss, c.loss);
    }
    config.layers = c.layers;
    config.weights = c.weights;
    config.loss = c.loss;
    ContentLoss content(config);
    VggFeatures weights(kNarrow);
    content.load(testing::parity_weights(weights), "philox");
    content.to(dtype);
    const Variable y(picture_of("made", dtype), true);
    const Variable loss = content.forward(y, picture_of("real", dtype), 2);
    golden.compare_number(c.key + ".loss", 0, loss.value().item(), dtype, kF64Tolerance);
    backward(loss);
    if (dtype == DType::f32)
      golden.compare_through_kinks(c.key + ".grad", y.grad());
    else
      golden.compare(c.key + ".grad", y.grad(), kF64Tolerance);
  }
}

/// By hand from two maps: the term of the pixels stays one of absolute differences, phi's is of squares, over all
/// channels or over cells alone.
TEST(Vgg, SquaresByHand) {
  for (const bool per_channel : {true, false}) {
    ContentConfig config = content_config(Phi::vgg19);
    config.width = kNarrow.width;
    config.layers = {"8"};
    config.weights = {3};
    config.per_channel = per_channel;
    ContentLoss content(config);
    VggFeatures weights(kNarrow);
    content.load(testing::parity_weights(weights), "philox");
    content.to(DType::f64);
    const Tensor real = picture_of("real", DType::f64), made = picture_of("made", DType::f64);
    const NoGrad no_history;
    const auto distance = [](const Tensor& a, const Tensor& b, int power) {
      const std::vector<double> p = a.to_vector<double>(), q = b.to_vector<double>();
      double total = 0;
      for (size_t i = 0; i < p.size(); ++i) total += std::pow(std::fabs(p[i] - q[i]), power);
      return total;
    };
    const Tensor a = content.maps(Variable(made))[0].value(), b = content.maps(Variable(real))[0].value();
    const double cells = double(a.dim(0) * a.dim(2) * a.dim(3)) * (per_channel ? double(a.dim(1)) : 1);
    const double expected = distance(made, real, 1) / double(made.numel()) + 3 * distance(a, b, 2) / cells;
    EXPECT_NEAR(content.forward(Variable(made), real, 2).value().item(), expected, 1e-12 * expected);
  }
}

TEST(Vgg, ParametersAsTorchvisions) {
  EXPECT_EQ(VggFeatures(VggConfig{19, false, 64}).parameter_count(), 20024384);
  EXPECT_EQ(VggFeatures(VggConfig{16, true, 64}).parameter_count(), 14723136);
}

TEST(Vgg, OnlyReLUsAreLayers) {
  const VggFeatures net(kNarrow);
  net.check_relus({1, 8, 26, 35}, "x");
  for (const int64_t index : {0, 2, 4, 9, 34, 36, 42}) {
    try {
      net.check_relus({index}, "gan.phi_layers");
      FAIL() << index << " went through";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::usage);
      EXPECT_NE(std::string(e.what()).find("31, 33, 35"), std::string::npos) << e.what();
    }
  }
  ContentConfig config = content_config(Phi::vgg19);
  config.layers = {"34"};
  EXPECT_THROW(ContentLoss{config}, Error) << "before anything is trained";
  EXPECT_THROW(VggFeatures(VggConfig{13, false, 64}), Error);
}

TEST(Vgg, ARandomNetworkIsRefused) {
  ContentConfig config = content_config(Phi::vgg19);
  config.width = kNarrow.width;
  ContentLoss content(config);
  const Tensor x = picture_of("made", DType::f32);
  EXPECT_THROW(content.forward(Variable(x), x, 2), Error);
}

}  // namespace
}  // namespace cawe::models
