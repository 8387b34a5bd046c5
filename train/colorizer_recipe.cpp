// SPDX-License-Identifier: Apache-2.0
#include "train/colorizer_recipe.h"

#include <algorithm>
#include <cmath>

#include "models/colorizer/deoldify_names.h"
#include "tensor/backend.h"
#include "train/checkpoint.h"
#include "train/source_weights.h"

namespace cawe::train {

using models::Phi;

models::GeneratorConfig generator_from(Recipe& recipe) {
  models::GeneratorConfig c;
  c.depth = int(recipe.whole("model.depth", 34, 18, 34));
  c.width = recipe.whole("model.width", 64, 8, 1024);
  return c;
}

models::CriticConfig critic_from(Recipe& recipe) {
  models::CriticConfig c;
  c.width = recipe.whole("gan.critic_width", 256, 4, 4096);
  c.dropout = recipe.real("gan.dropout", 0.15, 0, 0.99);
  return c;
}

models::ContentConfig content_from(Recipe& recipe) {
  models::ContentConfig c = models::content_config(models::phi(recipe.word("gan.phi", "resnet34")));
  c.depth = int(recipe.whole("gan.phi_depth", 34, 18, 34));
  c.width = recipe.whole("gan.phi_width", 64, 1, 1024);
  const Strings layers = recipe.words("gan.phi_layers", c.layers);
  const Numbers weights = recipe.reals("gan.phi_weights", c.weights);
  c.per_channel = recipe.choice("gan.phi_norm", "chw", {"chw", "hw"}) == "chw";
  if (c.phi == Phi::none) return c;  // one --set turns a recipe's phi off: its other keys then say nothing
  c.layers = layers;
  c.weights = weights;
  return c;
}

GanSettings gan_from(Recipe& recipe) {
  GanSettings s;
  s.adv_weight = recipe.real("gan.adv_weight", s.adv_weight, 0, 1e6);
  s.ttur = recipe.real("gan.ttur", s.ttur, 0, 1e6);
  s.adaptive = recipe.choice("gan.alternate", "fixed", {"fixed", "adaptive"}) == "adaptive";
  s.threshold = recipe.real("gan.threshold", s.threshold, 0, 1e6);
  s.d_steps = recipe.whole("gan.d_steps", s.d_steps, 1, 1000000);
  s.g_steps = recipe.whole("gan.g_steps", s.g_steps, 1, 1000000);
  s.weight_decay = recipe.real("train.weight_decay", s.weight_decay, 0, 10);
  s.clip = recipe.real("train.clip", s.clip, 0, 1e9);
  return s;
}

std::vector<GanPhase> phases_from(Recipe& recipe, int64_t images) {
  std::vector<GanPhase> phases;
  int64_t at = 0;
  for (const std::string& name : recipe.words("phases", {})) {
    const std::string key = "phase." + name + ".";
    GanPhase p;
    p.name = name;
    const std::string kind = recipe.choice(key + "train", "generator", {"generator", "critic", "gan"});
    p.kind = kind == "critic" ? GanPhase::Kind::critic
             : kind == "gan"  ? GanPhase::Kind::gan
                              : GanPhase::Kind::generator;
    p.freeze_encoder = recipe.flag(key + "freeze_encoder", false);
    p.size = recipe.whole(key + "size", 64, 32, 4096);
    CAWE_CHECK(p.size % 32 == 0 && (kind == "generator" || p.size >= 64), Code::usage,
               recipe.where(key + "size"), " is ", p.size,
               " (expected a multiple of 32, 64 or more where the critic looks)");
    p.batch = recipe.whole(key + "batch", 8, 1, 65536);
    const double epochs = recipe.real(key + "epochs", 1, 0, 1e6);
    const int64_t steps = std::max<int64_t>(1, std::llround(epochs * double(images) / double(p.batch)));
    p.steps = recipe.whole(key + "steps", steps, 0, 100000000);
    p.lr = recipe.real(key + "lr", kind == "gan" ? 1e-5 : 1e-3, 0, 100);
    p.lr_first = recipe.real(key + "lr_first", 0, 0, 100);
    p.rise = recipe.real(key + "rise", 0.3, 0, 0.99);
    p.begin = at;
    at += p.steps;
    if (p.steps > 0) phases.push_back(p);
  }
  CAWE_CHECK(!phases.empty(), Code::usage, recipe.source(),
             ": phases is missing (expected a list such as [\"frozen\", \"all\", \"critic\", \"gan\"] with a "
             "section phase.NAME each)");
  return phases;
}

models::ColorSettings color_from(Recipe& recipe, const models::ColorSettings& otherwise) {
  models::ColorSettings s = otherwise;
  s.render_factor = recipe.whole("color.render_factor", s.render_factor, 1, 256);
  s.keep_luma = recipe.flag("color.keep_luma", s.keep_luma);
  s.saturation = recipe.real("color.saturation", s.saturation, 0, 10);
  CAWE_CHECK(s.keep_luma || s.saturation == 1, Code::usage, recipe.where("color.saturation"), " is ",
             s.saturation, " with color.keep_luma = false (expected 1: the image is the network's own)");
  s.space = models::color_space(recipe.choice("color.space", models::name(s.space), {"yuv", "lab"}));
  return s;
}

namespace {

void load_generator(models::Generator& generator, const SourceWeights& source, const std::string& path) {
  if (models::is_deoldify_generator(source.tensors)) {
    models::load_weights(generator, models::from_deoldify_generator(source.tensors), {}, path);
  } else if (source.task == "colorizer") {
    models::load_weights(generator, source.tensors, {}, path);
  } else {
    models::LoadOptions options;
    options.skip = {"fc."};
    models::load_weights(generator.encoder(), source.tensors, options, path);
  }
}

}  // namespace

ColorizerInit initialise_colorizer(models::Generator& generator, models::Critic& critic,
                                   models::ContentLoss& content, Recipe& recipe, uint64_t seed) {
  ColorizerInit result;
  generator.initialise(seed);
  critic.initialise(seed + 1);
  const std::string init = recipe.word("init", "random"), phi = recipe.word("gan.phi_init", "");
  if (init != "random") {
    const SourceWeights source = read_source_weights(init);
    load_generator(generator, source, init);
    result.init_hash = source.hash;
    result.manifest += source.manifest;
  }
  if (!phi.empty() && content.config().phi != Phi::none) {
    const SourceWeights source = read_source_weights(phi);
    content.load(source.tensors, phi);
    result.phi_hash = source.hash;
    if (phi != init) result.manifest += source.manifest;
  }
  CAWE_CHECK(content.config().phi == Phi::none || !phi.empty(), Code::usage, recipe.where("gan.phi"),
             " is \"", models::name(content.config().phi),
             "\", which needs gan.phi_init (a classifier run or torchvision's weights): a random network's "
             "maps say nothing of an image. gan.phi = \"none\" is plain L1");
  generator.to(compute_device());
  critic.to(compute_device());
  content.to(compute_device());
  return result;
}

LoadedColorizer parse_colorizer(const std::string& bytes, const std::string& source) {
  const Checkpoint c = parse_checkpoint(bytes, source);
  Recipe recipe = Recipe::parse(c.recipe, source + " (its recipe)");
  CAWE_CHECK(recipe.word("task", "") == "colorizer", Code::data, source, ": a checkpoint of task \"",
             recipe.word("task", ""), "\" (expected a colorizer)");
  LoadedColorizer out;
  out.bytes = bytes;
  out.net = std::make_shared<models::Generator>(generator_from(recipe));
  models::load_weights(*out.net, c.model(), {}, source);
  out.net->to(compute_device());
  out.net->train(false);
  out.settings = color_from(recipe, models::ColorSettings());
  out.patients = data::parse_manifest("colorizer " + source, c.manifest);
  return out;
}

LoadedColorizer load_colorizer(const std::string& path) {
  return parse_colorizer(checkpoint_bytes(load_run_or_file(path).model_alone()), path);
}

}  // namespace cawe::train
