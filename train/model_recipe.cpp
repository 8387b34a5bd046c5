// SPDX-License-Identifier: Apache-2.0
#include "train/model_recipe.h"

#include "tensor/backend.h"
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

models::RetinaNetConfig retinanet_from(Recipe& recipe, int64_t classes) {
  models::RetinaNetConfig c;
  c.backbone = backbone_from(recipe);
  c.classes = classes;
  c.trainable_stages = int(recipe.whole("model.trainable_stages", 5, 0, 5));
  c.channels = recipe.whole("model.channels", 256, 1, 4096);
  c.head_convs = int(recipe.whole("model.head_convs", 4, 0, 16));
  const double base = recipe.real("model.anchor_base", 32, 1, 4096);
  const Numbers scales = recipe.reals("model.anchor_scales", {1, 1.2599210498948732, 1.5874010519681994});
  c.anchors =
      models::anchor_pyramid(3 + c.extra_levels, base, scales, recipe.flag("model.anchor_whole", true));
  c.anchors.ratios = recipe.reals("model.anchor_ratios", {0.5, 1, 2});
  c.p6_from =
      recipe.choice("model.p6_from", "p5", {"p5", "c5"}) == "c5" ? models::P6From::c5 : models::P6From::p5;
  c.focal_alpha = recipe.real("model.focal_alpha", 0.25, 0, 1);
  c.focal_gamma = recipe.real("model.focal_gamma", 2, 0, 10);
  c.match.high = recipe.real("match.high", 0.5, 0, 1);
  c.match.low = recipe.real("match.low", 0.4, 0, 1);
  c.postprocess.score_threshold = recipe.real("detect.score_threshold", 0.001, 0, 1);
  c.postprocess.nms_iou = recipe.real("detect.nms_iou", 0.5, 0, 1);
  c.postprocess.top_k_per_level = recipe.whole("detect.top_k", 1000, 1, 1000000);
  c.postprocess.max_detections = recipe.whole("detect.max_detections", 100, 1, 1000000);
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
  const SourceWeights source = read_source_weights(init);
  NamedTensors weights = source.tensors;
  result.manifest = source.manifest;
  result.hash = source.hash;
  models::LoadOptions options;
  if (source.task.empty() && frozen && models::is_torchvision_coco(weights)) options.frozen_bn_eps = 0;
  const bool body_only = detector && weights.count("conv1.weight") > 0;
  if (body_only) {
    weights = body_of(weights);
    options.skip = {"backbone.fpn.", "head."};
  } else {
    options.skip = detector ? Strings{} : Strings{"fc."};
    for (const std::string& s : recipe.words("init_skip", {})) options.skip.push_back(s);
  }
  result.summary = models::load_weights(module, weights, options, init).summary();
  module.to(compute_device());
  return result;
}

}  // namespace cawe::train
