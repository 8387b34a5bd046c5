// SPDX-License-Identifier: Apache-2.0
// The colorization GAN against a definition in plain PyTorch (scripts/goldens/colorizer.py) on weights from
// Philox: outputs, losses, gradients, what a step leaves in buffers, to 1e-7 in f64, and in f32 by their
// distance from that truth beside PyTorch's own; parameter counts; DeOldify's names.
#include <fstream>

#include "autograd/ops/elementwise.h"
#include "models/colorizer/content.h"
#include "models/colorizer/critic.h"
#include "models/colorizer/deoldify_names.h"
#include "models/colorizer/gan_losses.h"
#include "models/colorizer/generator.h"
#include "tests/models/parity.h"

namespace cawe::models {
namespace {

using testing::compare_gradients;
using testing::GoldenFile;
using testing::kF64Tolerance;

const char* const kGolden = "tests/goldens/colorizer.txt";

GeneratorConfig narrow() {
  GeneratorConfig c;
  c.width = 8;
  return c;
}

ContentConfig narrow_phi(Phi phi) {
  ContentConfig c = content_config(phi);
  c.width = phi == Phi::vgg16_bn ? 8 : 16;
  return c;
}

/// A content loss whose phi has Philox's weights.
void load_phi(ContentLoss& loss, DType dtype) {
  NamedTensors weights;
  if (loss.config().phi == Phi::resnet34) {
    ResNetConfig c;
    c.depth = 34;
    c.width = loss.config().width;
    ResNet net(c);
    weights = testing::parity_weights(net);
  } else {
    VggFeatures net(VggConfig{16, true, loss.config().width});
    weights = testing::parity_weights(net);
  }
  loss.load(weights, "philox");
  loss.to(dtype);
}

const std::vector<std::string> kGeneratorParameters{"encoder.conv1.weight",
                                                    "encoder.layer3.2.conv1.weight",
                                                    "encoder.layer4.0.bn1.bias",
                                                    "middle_norm.weight",
                                                    "middle.0.conv.weight_orig",
                                                    "up.0.shuffle.conv.weight_orig",
                                                    "up.1.attention.gamma",
                                                    "up.1.attention.query.weight_orig",
                                                    "up.1.attention.key.weight_orig",
                                                    "up.1.attention.value.weight_orig",
                                                    "up.2.skip_norm.bias",
                                                    "up.3.conv2.conv.weight_orig",
                                                    "last_shuffle.weight_g",
                                                    "last_shuffle.weight_v",
                                                    "last_shuffle.bias",
                                                    "residual.0.weight_orig",
                                                    "to_rgb.weight_orig",
                                                    "to_rgb.bias"};
const std::vector<std::string> kCriticParameters{
    "first.weight_orig",        "first.bias",
    "block.0.attention.gamma",  "block.0.attention.key.weight_orig",
    "block.1.down.weight_orig", "block.2.conv.bias",
    "last.0.weight_orig",       "last.1.weight_orig"};

class ColorizerParity : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(, ColorizerParity, ::testing::Values(DType::f32, DType::f64),
                         [](const auto& i) { return std::string(name(i.param)); });

TEST_P(ColorizerParity, GeneratorAndCriticStepByStep) {
  const DType dtype = GetParam();
  GoldenFile golden(kGolden);
  Generator generator(narrow());
  Critic critic({8, 0.15});
  load_weights(generator, testing::parity_weights(generator), {}, "philox");
  load_weights(critic, testing::parity_weights(critic), {}, "philox");
  generator.to(dtype);
  critic.to(dtype);
  ContentLoss content(narrow_phi(Phi::resnet34));
  load_phi(content, dtype);
  const Tensor gray =
      testing::parity_picture("colorizer.gray", {2, 1, 64, 64}).expand({2, 3, 64, 64}).to(dtype);
  const Tensor real = testing::parity_picture("colorizer.real", {2, 3, 64, 64}).to(dtype);

  critic.train(false);
  critic.set_requires_grad(false);
  for (const std::string key : {"training", "evaluating"}) {
    generator.train(key == "training");
    generator.zero_grad();
    const Variable made = generator.forward(Variable(gray.channels_last()));
    golden.compare("generator." + key, made.value(), kF64Tolerance);
    const Variable logits = critic.forward(made);
    golden.compare("critic." + key, logits.value(), kF64Tolerance);
    const Variable parts[] = {content.forward(made, real, 2), adversarial_loss(logits)};
    for (size_t i = 0; i < 2; ++i)
      golden.compare_number("losses." + key, i, parts[i].value().item(), dtype, kF64Tolerance);
    backward(generator_loss(parts[0], parts[1], 0.5));
    // Every gradient comes through the kinks of phi and the critic. In training, norms over eight values
    // amplify rounding as well: PyTorch's f32 is 2 % away. f64 shows that the mathematics agree.
    compare_gradients(golden, key, generator, kGeneratorParameters);
  }
  const NamedTensors state = state_of(generator);
  for (const std::string name : {"up.0.shuffle.conv.weight_u", "residual.1.weight_v",
                                 "up.1.attention.query.weight_u", "middle.0.norm.running_mean"})
    golden.compare("generator." + name, state.at(name), kF64Tolerance);

  critic.train();
  critic.set_requires_grad(true);
  const Tensor a = testing::parity_picture("colorizer.a", {2, 3, 80, 80}).to(dtype),
               b = testing::parity_picture("colorizer.b", {2, 3, 80, 80}).to(dtype);
  const Variable d_real = critic.forward(Variable(a), critic.dropout_masks(testing::kSeed, "real", 3, 0, 2));
  const Variable d_fake = critic.forward(Variable(b));
  EXPECT_EQ(d_real.shape(), (Shape{2, 4}));
  golden.compare("critic.real", d_real.value(), kF64Tolerance);
  golden.compare("critic.fake", d_fake.value(), kF64Tolerance);
  const Variable loss = critic_loss(d_real, d_fake);
  golden.compare_number("critic.loss", 0, loss.value().item(), dtype, kF64Tolerance);
  backward(loss);
  compare_gradients(golden, "critic", critic, kCriticParameters);
}

TEST_P(ColorizerParity, ContentLoss) {
  const DType dtype = GetParam();
  GoldenFile golden(kGolden);
  Generator generator(narrow());
  load_weights(generator, testing::parity_weights(generator), {}, "philox");
  generator.to(DType::f64);
  const Tensor gray =
      testing::parity_picture("colorizer.gray", {2, 1, 64, 64}).expand({2, 3, 64, 64}).to(DType::f64);
  {  // the goldens' image is made by evaluation behind one step of training
    const NoGrad no_history;
    generator.forward(Variable(gray));
    generator.train(false);
  }
  const Tensor made = generator.forward(Variable(gray)).value().to(dtype);
  const Tensor real = testing::parity_picture("colorizer.real", {2, 3, 64, 64}).to(dtype);
  for (const std::string key : {"resnet34", "resnet34_hw", "vgg16_bn"}) {
    ContentConfig config = narrow_phi(key == "vgg16_bn" ? Phi::vgg16_bn : Phi::resnet34);
    if (key == "resnet34_hw") {
      config.per_channel = false;
      config.weights = {1, 0.5, 2};
    }
    ContentLoss content(config);
    load_phi(content, dtype);
    const Variable y(made.clone(), true);
    const Variable loss = content.forward(y, real, 2);
    golden.compare_number("content." + key, 0, loss.value().item(), dtype, kF64Tolerance);
    backward(loss);
    if (dtype == DType::f32)
      golden.compare_through_kinks("content." + key + ".grad", y.grad());
    else
      golden.compare("content." + key + ".grad", y.grad(), kF64Tolerance);
  }
}

TEST(Colorizer, FullSizeParameterCounts) {
  GeneratorConfig full;
  Generator generator(full);
  EXPECT_EQ(generator.encoder().parameter_count(), 21284672);
  EXPECT_EQ(generator.parameter_count(), 63646881);
  EXPECT_EQ(Critic({}).parameter_count(), 94555649);
}

TEST(Colorizer, DeOldifysNamesFit) {
  std::ifstream in("tests/goldens/deoldify_names.txt");
  ASSERT_TRUE(in.good());
  NamedTensors theirs;
  std::map<std::string, std::string> ours;
  for (std::string line, name, our; std::getline(in, line);) {
    std::istringstream words(line);
    words >> name >> our;
    std::vector<int64_t> sizes;
    for (int64_t d; words >> d;) sizes.push_back(d);
    Shape shape;
    for (const int64_t d : sizes) shape.push_back(d);
    theirs[name] =
        Tensor::full(shape, 0.5, name.find("num_batches") == std::string::npos ? DType::f32 : DType::i64);
    ours[our] = name;
  }
  EXPECT_TRUE(is_deoldify_generator(theirs));
  const NamedTensors renamed = from_deoldify_generator(theirs);
  EXPECT_EQ(renamed.size(), ours.size());
  for (const auto& entry : ours) EXPECT_EQ(renamed.count(entry.first), 1u) << entry.second;
  Generator generator(narrow());
  const LoadReport report = load_weights(generator, renamed, {}, "deoldify");
  EXPECT_TRUE(report.complete()) << report.summary();
  // And a tensor that is not there is named.
  NamedTensors fewer = theirs;
  fewer.erase("layers.5.conv2.3.gamma");
  try {
    load_weights(generator, from_deoldify_generator(fewer), {}, "deoldify");
    FAIL() << "a missing tensor was not seen";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("up.1.attention.gamma"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace cawe::models
