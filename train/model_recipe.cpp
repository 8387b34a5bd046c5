// SPDX-License-Identifier: Apache-2.0
#include "train/model_recipe.h"

#include <algorithm>

#include "models/foreign_weights.h"
#include "tensor/backend.h"
#include "train/loss_scale.h"
#include "train/source_weights.h"

namespace cawe::train {
namespace {

/// A classifier's names in a detector: all but its last layer.
NamedTensors body_of(const NamedTensors& classifier) {
  NamedTensors body;
  for (const auto& [name, t] : classifier)
    if (name.rfind("fc.", 0) != 0) body["backbone.body." + name] = t;
  return body;
}

/// What to do about weights that do not fit: where few modules differ, the very line.
std::string advice(const NamedTensors& weights, const NamedTensors& wanted,
                   const models::LoadReport& report) {
  constexpr size_t kFewModules = 4;
  const std::string family = models::other_family(weights, wanted);
  if (!family.empty()) return "They are those of " + family;
  const Strings modules = models::unfitting_modules(report);
  if (modules.size() > kFewModules) return "Name in init_skip the beginnings of what may differ";
  return "init_skip = " + toml_text(modules) + " lets these start anew";
}

}  // namespace

models::ResNetConfig backbone_from(const Recipe& recipe) {
  models::ResNetConfig c;
  c.depth = int(recipe.whole("model.depth"));
  c.width = recipe.whole("model.width");
  c.output_stride = int(recipe.whole("model.output_stride"));
  c.dilate = recipe.flag("model.dilate");
  c.norm.kind = recipe.word("model.norm") == "frozen" ? nn::NormKind::frozen : nn::NormKind::batch;
  return c;
}

models::ClassifierConfig classifier_from(const Recipe& recipe, int64_t labels) {
  models::ClassifierConfig c;
  c.backbone = backbone_from(recipe);
  c.labels = labels;
  return c;
}

void check_batch_norm(const Recipe& recipe) {
  const models::ResNetConfig backbone = backbone_from(recipe);
  const int64_t batch = recipe.whole("train.batch"), parts = recipe.whole("train.micro_batch");
  const int64_t rest = parts > 0 ? batch % parts : 0;
  const int64_t least = parts == 0 || parts >= batch ? batch : rest > 0 ? rest : parts;
  const int64_t side = std::max(recipe.whole("image.width"), recipe.whole("image.height"));
  CAWE_CHECK(backbone.norm.kind == nn::NormKind::frozen || least > 1 || side > backbone.output_stride,
             Code::usage, recipe.where("train.batch"), " is ", batch,
             parts > 0 ? detail::concat(", train.micro_batch ", parts) : "", " and image.size at most ", side,
             ": batch norm would see one value a channel, which has no variance (expected ",
             parts > 0 ? "parts" : "a batch", " of 2 or more, or images of more than ",
             backbone.output_stride, " px)");
}

TensorBudget budget_of(const NamedTensors& weights, const std::string& source) {
  constexpr size_t kWidest = 8, kSmallThings = size_t(1) << 20;
  size_t values = 0;
  for (const auto& [name, t] : weights)
    values += size_t(t.numel()) + 1;  // a frozen norm's counter may be missing
  return TensorBudget(
      values * kWidest + kSmallThings,
      detail::concat(source, ": the network that its recipe describes is larger than the ", values,
                     " values that it holds: not the recipe that it was trained with"));
}

InitResult initialise(nn::Module& module, const Recipe& recipe, uint64_t seed, bool detector) {
  const std::string init = recipe.word("init");
  const bool frozen = recipe.word("model.norm") == "frozen";
  CAWE_CHECK(init != "random" || !frozen, Code::usage, recipe.where("model.norm"),
             " is \"frozen\", but init is \"random\": frozen statistics need loaded weights (set init, or "
             "norm = \"batch\")");
  module.initialise(seed);
  InitResult result;
  if (init == "random") {
    module.to(compute_device(), precision_from(recipe).dtype);
    return result;
  }
  const SourceWeights source = read_source_weights(weights_named(recipe, "init"));
  NamedTensors weights = source.tensors;
  result.manifest = source.manifest;
  result.hash = source.hash;
  models::LoadOptions options;
  options.hint = [&](const models::LoadReport& report) {
    return advice(weights, models::state_of(module), report);
  };
  if (source.task.empty() && frozen && models::is_torchvision_coco(weights)) options.frozen_bn_eps = 0;
  const bool body_only = detector && weights.count("conv1.weight") > 0;
  if (body_only) {
    weights = body_of(weights);
    options.skip = {"backbone.fpn.", "head.", "rpn.", "roi_heads."};
  } else {
    options.skip = detector ? Strings{} : Strings{"fc."};
  }
  for (const std::string& s : recipe.words("init_skip")) options.skip.push_back(s);
  result.summary = models::load_weights(module, weights, options, init).summary();
  module.to(compute_device(), precision_from(recipe).dtype);
  return result;
}

}  // namespace cawe::train
