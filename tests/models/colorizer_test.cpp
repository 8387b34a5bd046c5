// SPDX-License-Identifier: Apache-2.0
// The colorizer apart from its weights: stable losses, gray and colour, padding, refusals, dropout by place.
#include <gtest/gtest.h>

#include <cmath>

#include "models/colorizer/color_space.h"
#include "models/colorizer/colorize.h"
#include "models/colorizer/content.h"
#include "models/colorizer/critic.h"
#include "models/colorizer/gan_losses.h"
#include "models/enhance/enhancer.h"
#include "models/enhance/fusion.h"
#include "tensor/random.h"

namespace cawe::models {
namespace {

Variable logits(const std::vector<double>& values) {
  return Variable(Tensor::from(values, {1, int64_t(values.size())}), true);
}

TEST(GanLosses, GoldensOfTheSpec) {
  EXPECT_NEAR(adversarial_loss(logits({0.5})).value().item(), 0.474077, 1e-6);
  EXPECT_NEAR(critic_loss(logits({2}), logits({-1})).value().item(), 0.440190, 1e-6);
  const Variable total =
      generator_loss(Variable(Tensor::scalar(0.25, DType::f64)), adversarial_loss(logits({0.5})));
  EXPECT_NEAR(total.value().item(), 0.25 + 0.5 * 0.474077, 1e-6);
}

TEST(GanLosses, FiniteFarOut) {
  const Variable far = logits({1000, -1000});
  const Variable loss = adversarial_loss(far);
  EXPECT_NEAR(loss.value().item(), 500, 1e-9);  // the mean of 0 and 1000
  backward(loss);
  EXPECT_EQ(far.grad().to_vector<double>(), (std::vector<double>{0, -0.5}));
}

TEST(GanLosses, MeanOverLogitsThenImages) {
  const Variable d(Tensor::from(std::vector<double>{0, 1, 2, 3}, {2, 2}), true);
  double expected = 0;
  for (const double v : {0, 1, 2, 3}) expected += std::log1p(std::exp(-v)) / 4;
  EXPECT_NEAR(adversarial_loss(d).value().item(), expected, 1e-12);
}

TEST(ColorSpace, GrayIsTheLumaOfBt601) {
  const Tensor rgb = Tensor::from(std::vector<float>{0.5f, 0.25f, 1.0f}, {1, 3, 1, 1});
  EXPECT_NEAR(gray_of(rgb).item(), 0.299 * 0.5 + 0.587 * 0.25 + 0.114, 1e-7);
}

TEST(ColorSpace, LumaIsKeptWhereNothingClamps) {
  const Random random(3, "colours");
  std::vector<float> rgb, gray;
  for (uint64_t i = 0; i < 300; ++i) rgb.push_back(0.35f + 0.3f * random.uniform(i));
  for (uint64_t i = 0; i < 100; ++i) gray.push_back(0.4f + 0.2f * random.uniform(1000 + i));
  const Tensor color = Tensor::from(rgb, {1, 3, 10, 10}), wanted = Tensor::from(gray, {1, 1, 10, 10});
  const std::vector<float> luma = gray_of(keep_luma(wanted, color)).to_vector<float>();
  for (size_t i = 0; i < gray.size(); ++i) EXPECT_NEAR(luma[i], gray[i], 1e-6);
  // The colour is the network's: on its own luminance an image stays as it is.
  const std::vector<float> same = keep_luma(gray_of(color), color).to_vector<float>();
  for (size_t i = 0; i < rgb.size(); ++i) EXPECT_NEAR(same[i], rgb[i], 1e-6);
}

TEST(ColorSpace, SaturationScalesTheColourAlone) {
  const Tensor color = Tensor::from(std::vector<float>{0.6f, 0.4f, 0.5f}, {1, 3, 1, 1});
  const Tensor gray = gray_of(color);
  const std::vector<float> half = keep_luma(gray, color, 0.5).to_vector<float>(), in{0.6f, 0.4f, 0.5f};
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(half[c], (in[c] + float(gray.item())) / 2, 1e-6);
  const std::vector<float> none = keep_luma(gray, color, 0).to_vector<float>(),
                           no_lab = keep_lightness(gray, color, 0).to_vector<float>();
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(none[c], gray.item(), 1e-6);
    EXPECT_NEAR(no_lab[c], gray.item(), 1e-4);
  }
}

TEST(ColorSpace, LabOfKnownColours) {
  // CIE's values of the sRGB primaries under D65, by the formulas of the standard in a table calculator.
  double lab[3], rgb[3];
  const double red[3] = {1, 0, 0}, white[3] = {1, 1, 1};
  rgb_to_lab(red, lab);
  EXPECT_NEAR(lab[0], 53.24, 0.01);
  EXPECT_NEAR(lab[1], 80.09, 0.01);
  EXPECT_NEAR(lab[2], 67.20, 0.01);
  rgb_to_lab(white, lab);
  EXPECT_NEAR(lab[0], 100, 1e-4);
  EXPECT_NEAR(lab[1], 0, 1e-2);
  for (const double v : {0.0, 0.01, 0.2, 0.7, 1.0}) {
    const double color[3] = {v, 0.3, 1 - v};
    rgb_to_lab(color, lab);
    lab_to_rgb(lab, rgb);
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(rgb[i], color[i], 1e-6);
  }
}

TEST(ColorSpace, LightnessIsKept) {
  const Tensor color = Tensor::from(std::vector<float>{0.6f, 0.4f, 0.5f}, {1, 3, 1, 1});
  const Tensor kept = keep_lightness(Tensor::full({1, 1, 1, 1}, 0.5), color);
  const std::vector<float> v = kept.to_vector<float>();
  double before[3], after[3];
  const double rgb[3] = {double(v[0]), double(v[1]), double(v[2])}, in[3] = {0.6, 0.4, 0.5},
               plain[3] = {0.5, 0.5, 0.5};
  rgb_to_lab(rgb, after);
  rgb_to_lab(in, before);
  EXPECT_NEAR(after[1], before[1], 1e-3);
  EXPECT_NEAR(after[2], before[2], 1e-3);
  rgb_to_lab(plain, before);
  EXPECT_NEAR(after[0], before[0], 1e-3);
}

TEST(Colorize, PadsByReflectionWithoutRepeatingTheEdge) {
  const Tensor x = Tensor::from(std::vector<float>{1, 2, 3}, {1, 1, 1, 3});
  EXPECT_EQ(reflect_pad(x, 1, 8).to_vector<float>(), (std::vector<float>{1, 2, 3, 2, 1, 2, 3, 2}));
  EXPECT_EQ(reflect_pad(Tensor::full({1, 1, 1, 1}, 4), 2, 2).to_vector<float>(),
            (std::vector<float>{4, 4, 4, 4}));
}

Generator& small_generator() {
  static GeneratorConfig config = [] {
    GeneratorConfig c;
    c.depth = 18;
    c.width = 8;
    return c;
  }();
  static Generator generator(config);
  static const bool ready = [] {
    generator.initialise(1);
    generator.train(false);
    return true;
  }();
  (void)ready;
  return generator;
}

TEST(Colorize, AnySizeInTheSameSizeOutAndLuminanceKept) {
  const Random random(1, "film");
  std::vector<float> film;
  for (uint64_t i = 0; i < 50 * 70; ++i) film.push_back(0.3f + 0.4f * random.uniform(i));
  const Tensor gray = Tensor::from(film, {1, 1, 50, 70});
  ColorSettings settings;
  settings.render_factor = 5;  // 80 px: padded to 96
  settings.keep_luma = false;
  const Tensor own = colorize(small_generator(), gray, settings);
  settings.keep_luma = true;
  const Tensor kept = colorize(small_generator(), gray, settings);
  EXPECT_EQ(own.dim(1), 3);
  EXPECT_EQ(own.dim(2), 50);
  EXPECT_EQ(own.dim(3), 70);
  EXPECT_NE(own.to_vector<float>(), kept.to_vector<float>());
  EXPECT_EQ(kept.to_vector<float>(), keep_luma(gray, own).to_vector<float>());
  settings.space = ColorSpace::lab;
  EXPECT_EQ(colorize(small_generator(), gray, settings).to_vector<float>(),
            keep_lightness(gray, own).to_vector<float>());
  settings.render_factor = 0;
  EXPECT_THROW(colorize(small_generator(), gray, settings), Error);
}

EnhancerOptions with_both(std::shared_ptr<Generator> generator) {
  EnhancerOptions o;
  ClassifierConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 8;
  c.labels = 2;
  o.classifier = std::make_shared<Classifier>(c);
  o.classifier->initialise(3);
  o.cam_input = 64;
  o.colorizer = std::move(generator);
  o.color.render_factor = 4;
  return o;
}

TEST(ColorEnhancers, FuseTheColourPictureWithTheMapOfTheGrayFilm) {
  const std::shared_ptr<Generator> generator(&small_generator(), [](Generator*) {});
  const EnhancerOptions o = with_both(generator);
  const Random random(2, "film");
  std::vector<float> film;
  for (uint64_t i = 0; i < 2 * 40 * 48; ++i) film.push_back(random.uniform(i));
  const Tensor gray = Tensor::from(film, {2, 1, 40, 48});
  const auto color = make_enhancer("color", o), both = make_enhancer("color+cawe", o);
  const Tensor picture = color->apply(gray), fused = both->apply(gray);
  EXPECT_EQ(picture.dim(1), 3);
  const Tensor map = CaweEnhancer(o).maps(gray).map;
  EXPECT_EQ(fused.to_vector<float>(), fuse(picture, map, o.alpha).to_vector<float>());
  const std::vector<float> p = picture.to_vector<float>(), f = fused.to_vector<float>();
  for (size_t i = 0; i < p.size(); ++i) {
    EXPECT_LE(f[i], p[i]);
    EXPECT_GE(f[i], 0.5f * p[i] - 1e-7f);
  }
  EXPECT_NE(both->settings().find("\"render_factor\":4"), std::string::npos) << both->settings();
  EXPECT_NE(both->settings().find("\"alpha\":0.5"), std::string::npos) << both->settings();
}

TEST(ColorEnhancers, AskForWhatTheyNeed) {
  for (const char* name : {"color", "color+cawe"}) {
    try {
      make_enhancer(name, with_both(nullptr));
      FAIL() << name << " went on without a colorizer";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("enhance.colorizer"), std::string::npos) << e.what();
    }
  }
  const std::shared_ptr<Generator> generator(&small_generator(), [](Generator*) {});
  const auto color = make_enhancer("color", with_both(generator));
  EXPECT_THROW(color->apply(Tensor::full({1, 1, 8, 8}, -0.5)), Error);  // a normalised film
}

TEST(Content, ARandomPhiIsRefused) {
  ContentConfig config = content_config(Phi::resnet34);
  config.width = 8;
  ContentLoss content(config);
  const Tensor x = Tensor::full({1, 3, 64, 64}, 0.1);
  try {
    content.forward(Variable(x, true), x, 1);
    FAIL() << "a random phi was used";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::usage);
    EXPECT_NE(std::string(e.what()).find("gan.phi_init"), std::string::npos) << e.what();
  }
  // Plain L1 needs none.
  ContentLoss plain(content_config(Phi::none));
  EXPECT_NEAR(plain.forward(Variable(x, true), Tensor::full({1, 3, 64, 64}, 0.35), 1).value().item(), 0.25,
              1e-6);
}

TEST(Content, LayersAreChecked) {
  ContentConfig config = content_config(Phi::resnet34);
  config.layers = {"layer5"};
  config.weights = {1};
  EXPECT_THROW(ContentLoss{config}, Error);
  config.layers = {"layer1", "layer2"};
  EXPECT_THROW(ContentLoss{config}, Error);  // one weight for two
  EXPECT_THROW(phi("resnet43"), Error);
}

TEST(Critic, LogitsBySizeAndRefusals) {
  Critic critic({4, 0.15});
  critic.initialise(1);
  critic.train(false);
  for (const auto& [side, count] : {std::pair<int64_t, int64_t>{64, 1}, {96, 9}, {128, 25}})
    EXPECT_EQ(critic.forward(Variable(Tensor::zeros({1, 3, side, side}))).shape(), (Shape{1, count}));
  EXPECT_THROW(critic.forward(Variable(Tensor::zeros({1, 3, 48, 48}))), Error);
  // A rank's images get the masks that they have in the whole batch, and a forward pass its own.
  const auto all = critic.dropout_masks(1, "real", 5, 0, 4), half = critic.dropout_masks(1, "real", 5, 2, 2);
  ASSERT_EQ(all.size(), 4u);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(half[i].to_vector<float>(), all[i].slice(0, 2, 4).to_vector<float>());
  EXPECT_NE(critic.dropout_masks(1, "fake", 5, 0, 4)[3].to_vector<float>(), all[3].to_vector<float>());
}

TEST(Generator, PartsAndFreezing) {
  EXPECT_EQ(Generator::part_of("encoder.conv1.weight"), 0);
  EXPECT_EQ(Generator::part_of("encoder.layer2.3.bn1.bias"), 0);
  EXPECT_EQ(Generator::part_of("encoder.layer3.0.conv1.weight"), 1);
  EXPECT_EQ(Generator::part_of("to_rgb.bias"), 2);
  GeneratorConfig config;
  config.depth = 18;
  config.width = 8;
  Generator generator(config);
  generator.set_encoder_trainable(false);
  for (const auto& p : generator.parameters()) {
    const bool encoder_conv = p.name.rfind("encoder.", 0) == 0 && p.variable->rank() == 4;
    EXPECT_EQ(p.variable->requires_grad(), !encoder_conv) << p.name;
  }
  EXPECT_THROW(generator.forward(Variable(Tensor::zeros({1, 3, 48, 64}))), Error);
}

}  // namespace
}  // namespace cawe::models
