// SPDX-License-Identifier: Apache-2.0
#include "train/detector_recipe.h"

#include <algorithm>

#include "models/matcher.h"
#include "train/model_recipe.h"

namespace cawe::train {
namespace {

int trainable_stages(const Recipe& recipe) { return int(recipe.whole("model.trainable_stages")); }

void read_postprocess(const Recipe& recipe, models::PostprocessSettings* s) {
  s->score_threshold = recipe.number("detect.score_threshold");
  s->nms_iou = recipe.number("detect.nms_iou");
  s->max_detections = recipe.whole("detect.max_detections");
}

}  // namespace

const Strings& detector_tasks() {
  static const Strings tasks{"faster_rcnn", "retinanet"};
  return tasks;
}

const Strings& froc_rules() {
  static const Strings rules{"iou", "centre", "iobb", "deeplesion", "overlap_or_centre"};
  return rules;
}

bool is_detector(const std::string& task) {
  return std::count(detector_tasks().begin(), detector_tasks().end(), task) > 0;
}

std::string detector_title(const std::string& task) {
  return task == "faster_rcnn" ? "Faster R-CNN" : "RetinaNet";
}

std::shared_ptr<models::DetectionModel> detector_from(const Recipe& recipe, int64_t classes) {
  if (recipe.task() == "faster_rcnn")
    return std::make_shared<models::FasterRcnn>(faster_rcnn_from(recipe, classes));
  return std::make_shared<models::RetinaNet>(retinanet_from(recipe, classes));
}

eval::FrocOptions froc_from(const Recipe& recipe) {
  eval::FrocOptions o = eval::froc_preset(recipe.word("froc.rule"));
  if (eval::takes_threshold(o.rule)) o.threshold = recipe.number("froc.iou");
  o.duplicates = eval::parse_duplicates(recipe.word("froc.duplicates"));
  eval::set_interpolation(&o, recipe.word("froc.interp"));
  return o;
}

void put_froc(const eval::FrocOptions& options, Recipe* recipe) {
  recipe->put("froc.rule", froc_rules()[size_t(options.rule)]);
  if (eval::takes_threshold(options.rule)) recipe->put("froc.iou", options.threshold);
  recipe->put("froc.duplicates", std::string(options.duplicates == eval::Duplicates::fp ? "fp" : "ignore"));
  recipe->put("froc.interp", std::string(options.mode == eval::SensMode::linear ? "linear" : "auto"));
}

models::RetinaNetConfig retinanet_from(const Recipe& recipe, int64_t classes) {
  models::RetinaNetConfig c;
  c.backbone = backbone_from(recipe);
  c.classes = classes;
  c.trainable_stages = trainable_stages(recipe);
  c.channels = recipe.whole("model.channels");
  c.head_convs = int(recipe.whole("model.head_convs"));
  const double base = recipe.number("model.anchor_base");
  const Numbers scales = recipe.numbers("model.anchor_scales");
  c.anchors = models::anchor_pyramid(3 + c.extra_levels, base, scales, recipe.flag("model.anchor_whole"));
  c.anchors.ratios = recipe.numbers("model.anchor_ratios");
  c.p6_from = recipe.word("model.p6_from") == "c5" ? models::P6From::c5 : models::P6From::p5;
  c.focal_alpha = recipe.number("model.focal_alpha");
  c.focal_gamma = recipe.number("model.focal_gamma");
  c.box_beta = recipe.number("model.smooth_l1_beta");
  c.match.high = recipe.number("match.high");
  c.match.low = recipe.number("match.low");
  c.postprocess.top_k_per_level = recipe.whole("detect.top_k");
  read_postprocess(recipe, &c.postprocess);
  return c;
}

models::FasterRcnnConfig faster_rcnn_from(const Recipe& recipe, int64_t classes) {
  models::FasterRcnnConfig c;
  c.backbone = backbone_from(recipe);
  c.classes = classes;
  c.trainable_stages = trainable_stages(recipe);
  c.channels = recipe.whole("model.channels");
  const Numbers sizes = recipe.numbers("rpn.anchor_sizes");
  c.rpn.anchors.sizes.clear();
  for (const double side : sizes) c.rpn.anchors.sizes.push_back({side});
  c.rpn.anchors.ratios = recipe.numbers("rpn.anchor_ratios");
  c.rpn.match.high = recipe.number("rpn.high");
  c.rpn.match.low = recipe.number("rpn.low");
  if (recipe.word("rpn.cross_boundary") == "ignore") c.rpn.cross_boundary = models::CrossBoundary::ignore;
  c.rpn.sampling.count = recipe.whole("rpn.batch");
  c.rpn.sampling.positive = recipe.number("rpn.positive");
  c.rpn.train.before_nms = recipe.whole("rpn.before_nms");
  c.rpn.train.after_nms = recipe.whole("rpn.after_nms");
  c.rpn.test.before_nms = recipe.whole("rpn.before_nms_test");
  c.rpn.test.after_nms = recipe.whole("rpn.after_nms_test");
  c.rpn.nms_iou = recipe.number("rpn.nms_iou");
  c.roi.sampling.count = recipe.whole("roi.batch");
  c.roi.sampling.positive = recipe.number("roi.positive");
  c.roi.match.high = c.roi.match.low = recipe.number("roi.match");
  c.roi.hidden = recipe.whole("roi.hidden");
  c.roi.sampling_ratio = recipe.whole("roi.sampling_ratio");
  c.roi.aligned = recipe.flag("roi.aligned");
  c.roi.canonical_size = recipe.number("roi.canonical_size");
  c.roi.canonical_level = int(recipe.whole("roi.canonical_level"));
  if (recipe.word("roi.head_init") == "detectron2") c.roi.init = models::HeadInit::detectron2;
  c.rpn.beta = c.roi.beta = recipe.number("model.smooth_l1_beta");
  read_postprocess(recipe, &c.postprocess);
  return c;
}

namespace {

/// Throws usage where rpn.cross_boundary leaves no anchor to train.
void check_some_anchor_inside(const Recipe& recipe, const models::RpnConfig& rpn) {
  const int64_t height = recipe.whole("image.height"), width = recipe.whole("image.width");
  const Tensor anchors = models::make_anchors(rpn.anchors, height, width,
                                              models::pyramid_grids(height, width, {4, 8, 16, 32}, 1));
  CAWE_CHECK(models::any_takes_part(anchors, rpn.match_on(height, width)), Code::usage,
             recipe.where("rpn.cross_boundary"), " leaves no anchor: all ", anchors.dim(0),
             " reach over the edge of pictures of ", width, " x ", height,
             " (expected smaller rpn.anchor_sizes, or \"keep\")");
}

}  // namespace

void check_detector(const Recipe& recipe) {
  constexpr int64_t kLeast = 32;  // a cell of the coarsest map of the body
  for (const char* side : {"image.width", "image.height"})
    CAWE_CHECK(recipe.whole(side) >= kLeast, Code::usage,
               recipe.where(recipe.has(side) ? side : "image.size"), " is ", recipe.whole(side),
               " (expected ", kLeast, " or more for a detector)");
  const std::string of = recipe.task() == "faster_rcnn" ? "rpn." : "match.";
  const double low = recipe.number(of + "low"), high = recipe.number(of + "high");
  CAWE_CHECK(low <= high, Code::usage, recipe.where(of + "low"), " is ", low, " (expected at most ", of,
             "high, ", high, ": an anchor is either background or foreground)");
  if (recipe.task() == "faster_rcnn")
    check_some_anchor_inside(recipe, faster_rcnn_from(recipe, 1).rpn);
  else
    retinanet_from(recipe, 1);
}

}  // namespace cawe::train
