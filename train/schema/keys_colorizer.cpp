// SPDX-License-Identifier: Apache-2.0
// Keys of the colorizer: its phases, losses and critic.
#include <algorithm>

#include "models/colorizer/content.h"
#include "train/colorizer_recipe.h"
#include "train/schema/table.h"

namespace cawe::train {
namespace {

const char* const kSchedule = "the GAN's schedule";

/// What learns in a phase, and for how long.
void phase_keys(Table& t) {
  t.words("phases")
      .needed(kColorizer,
              "a list such as [\"frozen\", \"all\", \"critic\", \"gan\"] with a section phase.NAME each")
      .items(1)
      .bare()
      .open(kSchedule)
      .help("parts of the training, in order; each has a section `phase.NAME`");
  t.word("phase.NAME.train")
      .on(kColorizer, "generator")
      .one_of({"generator", "critic", "gan"})
      .open(kSchedule)
      .help(
          "what learns: the generator by the content loss, the critic against the generator as it is, or "
          "both in turn");
  t.whole("phase.NAME.size")
      .on(kColorizer, 64)
      .from(32, 4096)
      .multiple_of(32)
      .unit("px")
      .open(kSchedule)
      .help("side of the images; 64 or more where the critic looks");
  t.whole("phase.NAME.batch")
      .on(kColorizer, 8)
      .from(1, 65536)
      .unit("images")
      .open(kSchedule)
      .help("images of a step");
  t.number("phase.NAME.epochs")
      .on(kColorizer, 1)
      .from(0, 1e6)
      .only_without("phase.NAME.steps")
      .unit("epochs")
      .open(kSchedule)
      .help("length of the phase where `steps` does not say it");
  t.whole("phase.NAME.steps")
      .later(kColorizer, "phase.NAME.epochs times the training images, over the batch")
      .from(0, 1e8)
      .unit("steps")
      .open(kSchedule)
      .help("a step is one batch for one network; 0: the phase is left out");
}

/// The learning rate in a phase, and what stays as it is.
void phase_rate_keys(Table& t) {
  t.number("phase.NAME.lr")
      .on(
          kColorizer,
          [](const Recipe& r, const std::string& key) {
            return Value(r.word(in_phase_of("phase.NAME.train", key)) == "gan" ? 1e-5 : 1e-3);
          },
          "1e-3; train = gan: 1e-5")
      .from(0, 100)
      .open(kSchedule)
      .help("highest rate of a one-cycle schedule; gan: constant, the generator's");
  t.number("phase.NAME.lr_first")
      .on(kColorizer, 0)
      .from(0, 100)
      .except("phase.NAME.train", {"critic"})
      .open(kSchedule)
      .help("rate of the generator's first layers; 0: the same everywhere");
  t.number("phase.NAME.rise")
      .on(kColorizer, 0.3)
      .from(0, 0.99)
      .except("phase.NAME.train", {"gan"})
      .open(kSchedule)
      .help("share of the steps in which the rate rises");
  t.flag("phase.NAME.freeze_encoder")
      .on(kColorizer, false)
      .except("phase.NAME.train", {"critic"})
      .open(kSchedule)
      .help("the encoder's convolutions stay; its norms learn on");
}

/// The network of the content loss.
void phi_keys(Table& t) {
  t.word("gan.phi")
      .on(kColorizer, "resnet34")
      .one_of({"resnet34", "vgg16_bn", "vgg19", "none"})
      .paper("ResNet-34")
      .help("network of the content loss; `none`: plain L1");
  t.word("gan.phi_init")
      .file()
      .on(kColorizer, "")
      .except("gan.phi", {"none"})
      .help("phi's weights: a run or a file; a random one is refused");
  t.whole("gan.phi_depth")
      .on(kColorizer, 34)
      .one_of({"18", "34"})
      .only("gan.phi", {"resnet34"})
      .unit("layers")
      .help("depth of phi; 18 where a narrow classifier is phi");
  t.whole("gan.phi_width")
      .on(kColorizer, 64)
      .from(1, 1024)
      .except("gan.phi", {"none"})
      .unit("channels")
      .help("width of phi's first layer");
}

/// What the content loss compares of that network's maps, and how.
void content_keys(Table& t) {
  const char* const open = "layers of the content loss, their weights and norm";
  const auto usual = [](const Recipe& r) { return models::content_config(models::phi(r.word("gan.phi"))); };
  t.words("gan.phi_layers")
      .on(
          kColorizer, [usual](const Recipe& r, const std::string&) { return Value(usual(r).layers); },
          "resnet34: layer1 to layer3, vgg16_bn: 22, 32, 42, vgg19: 35")
      .except("gan.phi", {"none"})
      .open(open)
      .help("layers of phi that are compared, in ascending order");
  t.numbers("gan.phi_weights")
      .on(
          kColorizer, [usual](const Recipe& r, const std::string&) { return Value(usual(r).weights); },
          "resnet34: 1 each, vgg16_bn: 20, 70, 10, vgg19: 0.006")
      .except("gan.phi", {"none"})
      .open(open)
      .help("weights of these layers");
  t.word("gan.phi_norm")
      .on(kColorizer, "chw")
      .one_of({"chw", "hw"})
      .except("gan.phi", {"none"})
      .open(open)
      .help("mean over channels, too, or not, as the paper prints its Eq. 4");
  t.word("gan.phi_loss")
      .on(
          kColorizer,
          [usual](const Recipe& r, const std::string&) {
            return Value(std::string(usual(r).loss == models::PhiLoss::mse ? "mse" : "l1"));
          },
          "vgg19: mse, others: l1")
      .one_of({"l1", "mse"})
      .except("gan.phi", {"none"})
      .open(open)
      .help(
          "phi's maps are compared by the mean of absolute differences, as Eq. 4 has it, or of squares, as "
          "SRGAN "
          "does; pixels by absolute differences either way");
}

void gan_keys(Table& t) {
  const GanSettings usual;
  t.number("gan.adv_weight")
      .on(kColorizer, usual.adv_weight)
      .from(0, 1e6)
      .only("phase.*.train", {"gan"})
      .paper("0.5 (Eq. 3)")
      .help("weight of the adversarial loss");
  t.number("gan.ttur")
      .on(kColorizer, usual.ttur)
      .from(0, 1e6)
      .only("phase.*.train", {"gan"})
      .paper("5")
      .help("the critic's rate over the generator's where both learn");
  t.word("gan.alternate")
      .on(kColorizer, "fixed")
      .one_of({"fixed", "adaptive"})
      .only("phase.*.train", {"gan"})
      .open(kSchedule)
      .help(
          "whose turn it is: so many steps each, or the critic until half its loss is below the threshold, "
          "then the generator once");
  t.whole("gan.d_steps")
      .on(kColorizer, usual.d_steps)
      .from(1, 1e6)
      .only("gan.alternate", {"fixed"})
      .unit("steps")
      .open(kSchedule)
      .help("steps of the critic in turn");
  t.whole("gan.g_steps")
      .on(kColorizer, usual.g_steps)
      .from(1, 1e6)
      .only("gan.alternate", {"fixed"})
      .unit("steps")
      .open(kSchedule)
      .help("steps of the generator in turn");
  t.number("gan.threshold")
      .on(kColorizer, usual.threshold)
      .from(0, 1e6)
      .only("gan.alternate", {"adaptive"})
      .open(kSchedule)
      .help("threshold of half the critic's loss");
  t.whole("gan.critic_width").on(kColorizer, 256).from(4, 4096).unit("channels").help("width of the critic");
  t.number("gan.dropout")
      .on(kColorizer, 0.15)
      .from(0, 0.99)
      .only("phase.*.train", {"critic", "gan"})
      .open("the critic's dropout")
      .help("share of the critic's channels that is dropped, half of it behind its first layer");
}

}  // namespace

Strings active_phases(const Recipe& recipe) {
  Strings active;
  if (!recipe.has("phases")) return active;
  for (const std::string& name : recipe.words("phases")) {
    const std::optional<Value> steps = recipe.value("phase." + name + ".steps");
    if (!steps || std::get<int64_t>(*steps) > 0) active.push_back(name);
  }
  return active;
}

std::optional<Value> rendered_as_trained(const Recipe& recipe, const std::string&) {
  const std::optional<Value> width = recipe.value("image.width");
  if (!width) return std::nullopt;
  return Value(std::max<int64_t>(1, std::get<int64_t>(*width) / 16));
}

void colorizer_keys(Table& t) {
  t.group("The colorizer");
  phase_keys(t);
  phase_rate_keys(t);
  phi_keys(t);
  content_keys(t);
  gan_keys(t);
}

}  // namespace cawe::train
