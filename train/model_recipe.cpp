// SPDX-License-Identifier: Apache-2.0
#include "train/model_recipe.h"

#include <filesystem>

#include "data/hash.h"
#include "tensor/backend.h"
#include "tensor/io/weights_file.h"
#include "train/checkpoint.h"

namespace cawe::train {
namespace {

/// A classifier's names in a detector: all but its last layer.
NamedTensors body_of(const NamedTensors& classifier) {
  NamedTensors body;
  for (const auto& [name, t] : classifier)
    if (name.rfind("fc.", 0) != 0) body["backbone.body." + name] = t;
  return body;
}

}  // namespace

models::ResNetConfig backbone_from(Recipe& recipe) {
  models::ResNetConfig c;
  c.depth = int(recipe.whole("model.depth", 50, 18, 50));
  CAWE_CHECK(c.depth == 18 || c.depth == 34 || c.depth == 50, Code::usage, recipe.where("model.depth"),
             " is ", c.depth, " (expected 18, 34 or 50)");
  c.width = recipe.whole("model.width", 64, 1, 1024);
  c.output_stride = int(recipe.whole("model.output_stride", 32, 8, 32));
  CAWE_CHECK(c.output_stride == 8 || c.output_stride == 16 || c.output_stride == 32, Code::usage,
             recipe.where("model.output_stride"), " is ", c.output_stride, " (expected 8, 16 or 32)");
  c.dilate = recipe.flag("model.dilate", true);
  c.norm.kind = recipe.choice("model.norm", "batch", {"batch", "frozen"}) == "frozen" ? nn::NormKind::frozen
                                                                                      : nn::NormKind::batch;
  return c;
}

models::ClassifierConfig classifier_from(Recipe& recipe, int64_t labels) {
  models::ClassifierConfig c;
  c.backbone = backbone_from(recipe);
  c.labels = labels;
  return c;
}

InitResult initialise(nn::Module& module, Recipe& recipe, uint64_t seed, bool detector) {
  const std::string init = recipe.word("init", "random");
  const bool frozen = recipe.word("model.norm", "batch") == "frozen";
  CAWE_CHECK(init != "random" || !frozen, Code::usage, recipe.where("model.norm"),
             " is \"frozen\", but init is \"random\": frozen statistics need loaded weights (set init, or "
             "norm = \"batch\")");
  module.initialise(seed);
  InitResult result;
  if (init == "random") {
    module.to(compute_device());
    return result;
  }
  NamedTensors weights;
  models::LoadOptions options;
  if (std::filesystem::is_directory(init) || is_checkpoint_file(init)) {
    const Checkpoint c = load_run_or_file(init);
    weights = c.model();
    result.manifest = c.manifest;
  } else {
    weights = models::with_current_names(load_weight_file(init));
    if (frozen && models::is_torchvision_coco(weights)) options.frozen_bn_eps = 0;
  }
  const bool body_only = detector && weights.count("conv1.weight") > 0;
  if (body_only) {
    weights = body_of(weights);
    options.skip = {"backbone.fpn.", "head.", "rpn.", "roi_heads."};
  } else {
    options.skip = detector ? Strings{} : Strings{"fc."};
    for (const std::string& s : recipe.words("init_skip", {})) options.skip.push_back(s);
  }
  result.summary = models::load_weights(module, weights, options, init).summary();
  std::string bytes;
  for (const auto& [name, t] : weights)
    bytes += data::sha256(
        {static_cast<const char*>(t.contiguous().raw()), size_t(t.numel()) * size_of(t.dtype())});
  result.hash = data::sha256(bytes);
  module.to(compute_device());
  return result;
}

}  // namespace cawe::train
