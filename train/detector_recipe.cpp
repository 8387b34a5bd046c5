// SPDX-License-Identifier: Apache-2.0
#include "train/detector_recipe.h"

#include <algorithm>

#include "train/model_recipe.h"

namespace cawe::train {
namespace {

int trainable_stages(Recipe& recipe) { return int(recipe.whole("model.trainable_stages", 5, 0, 5)); }

void read_postprocess(Recipe& recipe, models::PostprocessSettings* s) {
  s->score_threshold = recipe.real("detect.score_threshold", 0.001, 0, 1);
  s->nms_iou = recipe.real("detect.nms_iou", 0.5, 0, 1);
  s->max_detections = recipe.whole("detect.max_detections", 100, 1, 1000000);
}

/// Names of eval::FrocRule, in its order.
const Strings& froc_rules() {
  static const Strings rules{"iou", "centre", "iobb", "deeplesion"};
  return rules;
}

}  // namespace

const Strings& detector_tasks() {
  static const Strings tasks{"faster_rcnn", "retinanet"};
  return tasks;
}

bool is_detector(const std::string& task) {
  return std::count(detector_tasks().begin(), detector_tasks().end(), task) > 0;
}

std::string detector_title(const std::string& task) {
  return task == "faster_rcnn" ? "Faster R-CNN" : "RetinaNet";
}

std::shared_ptr<models::DetectionModel> detector_from(Recipe& recipe, int64_t classes) {
  if (recipe.choice("task", "retinanet", detector_tasks()) == "faster_rcnn")
    return std::make_shared<models::FasterRcnn>(faster_rcnn_from(recipe, classes));
  return std::make_shared<models::RetinaNet>(retinanet_from(recipe, classes));
}

eval::FrocOptions froc_from(Recipe& recipe) {
  const std::string rule = recipe.choice("froc.rule", "iou", froc_rules());
  eval::FrocOptions o = eval::froc_preset(rule);
  o.threshold = recipe.real("froc.iou", o.threshold, 0, 1);
  CAWE_CHECK(o.threshold > 0, Code::usage, recipe.where("froc.iou"),
             " is 0 (expected above 0: every box overlaps so much)");
  o.duplicates = eval::parse_duplicates(recipe.choice("froc.duplicates", "ignore", {"ignore", "fp"}));
  eval::set_interpolation(&o, recipe.choice("froc.interp", "auto", {"auto", "step", "linear"}));
  return o;
}

void put_froc(const eval::FrocOptions& options, Recipe* recipe) {
  recipe->put("froc.rule", froc_rules()[size_t(options.rule)]);
  recipe->put("froc.iou", options.threshold);
  recipe->put("froc.duplicates", std::string(options.duplicates == eval::Duplicates::fp ? "fp" : "ignore"));
  recipe->put("froc.interp", std::string(options.mode == eval::SensMode::linear ? "linear" : "auto"));
}

models::RetinaNetConfig retinanet_from(Recipe& recipe, int64_t classes) {
  models::RetinaNetConfig c;
  c.backbone = backbone_from(recipe);
  c.classes = classes;
  c.trainable_stages = trainable_stages(recipe);
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
  c.box_beta = recipe.real("model.smooth_l1_beta", c.box_beta, 0, 10);
  c.match.high = recipe.real("match.high", 0.5, 0, 1);
  c.match.low = recipe.real("match.low", 0.4, 0, 1);
  c.postprocess.top_k_per_level = recipe.whole("detect.top_k", 1000, 1, 1000000);
  read_postprocess(recipe, &c.postprocess);
  return c;
}

models::FasterRcnnConfig faster_rcnn_from(Recipe& recipe, int64_t classes) {
  models::FasterRcnnConfig c;
  c.backbone = backbone_from(recipe);
  c.classes = classes;
  c.trainable_stages = trainable_stages(recipe);
  c.channels = recipe.whole("model.channels", 256, 1, 4096);
  const Numbers sizes = recipe.reals("rpn.anchor_sizes", {32, 64, 128, 256, 512});
  c.rpn.anchors.sizes.clear();
  for (const double side : sizes) c.rpn.anchors.sizes.push_back({side});
  c.rpn.anchors.ratios = recipe.reals("rpn.anchor_ratios", {0.5, 1, 2});
  c.rpn.match.high = recipe.real("rpn.high", 0.7, 0, 1);
  c.rpn.match.low = recipe.real("rpn.low", 0.3, 0, 1);
  c.rpn.sampling.count = recipe.whole("rpn.batch", 256, 1, 1000000);
  c.rpn.sampling.positive = recipe.real("rpn.positive", 0.5, 0, 1);
  c.rpn.train.before_nms = recipe.whole("rpn.before_nms", 2000, 1, 1000000);
  c.rpn.train.after_nms = recipe.whole("rpn.after_nms", 2000, 1, 1000000);
  c.rpn.test.before_nms = recipe.whole("rpn.before_nms_test", 1000, 1, 1000000);
  c.rpn.test.after_nms = recipe.whole("rpn.after_nms_test", 1000, 1, 1000000);
  c.rpn.nms_iou = recipe.real("rpn.nms_iou", 0.7, 0, 1);
  c.roi.sampling.count = recipe.whole("roi.batch", 128, 1, 1000000);
  c.roi.sampling.positive = recipe.real("roi.positive", 0.25, 0, 1);
  c.roi.match.high = c.roi.match.low = recipe.real("roi.match", 0.5, 0, 1);
  c.roi.hidden = recipe.whole("roi.hidden", 1024, 1, 1000000);
  c.roi.sampling_ratio = recipe.whole("roi.sampling_ratio", 2, 0, 64);
  c.roi.aligned = recipe.flag("roi.aligned", false);
  c.roi.canonical_size = recipe.real("roi.canonical_size", 224, 1, 16384);
  c.roi.canonical_level = int(recipe.whole("roi.canonical_level", 4, 2, 5));
  if (recipe.choice("roi.head_init", "torchvision", {"torchvision", "detectron2"}) == "detectron2")
    c.roi.init = models::HeadInit::detectron2;
  c.rpn.beta = c.roi.beta = recipe.real("model.smooth_l1_beta", c.roi.beta, 0, 10);
  read_postprocess(recipe, &c.postprocess);
  return c;
}

}  // namespace cawe::train
