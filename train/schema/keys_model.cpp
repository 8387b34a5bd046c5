// SPDX-License-Identifier: Apache-2.0
// Keys of the networks and of what detectors look for.
#include "eval/froc.h"
#include "train/detector_recipe.h"
#include "train/schema/table.h"

namespace cawe::train {
namespace {

void body_keys(Table& t) {
  t.group("Networks");
  t.whole("model.depth")
      .on(kClassifier | kDetectors, 50)
      .one_of({"18", "34", "50"})
      .on(kColorizer, 34)
      .one_of({"18", "34"})
      .unit("layers")
      .paper("ResNet-50")
      .help("depth of the ResNet; of a colorizer's encoder");
  t.whole("model.width")
      .on(kClassifier | kDetectors, 64)
      .from(1, 1024)
      .on(kColorizer, 64)
      .from(8, 1024)
      .unit("channels")
      .help("width of its first layer; a colorizer's decoder follows it");
  t.whole("model.output_stride")
      .on(kClassifier, 32)
      .one_of({"8", "16", "32"})
      .on(kDetectors, 32)
      .one_of({"32"})
      .unit("px")
      .open("resolution of the map")
      .help(
          "side of a cell of the last stage, in pixels of the input; 16 and 8 give the classifier a finer "
          "map");
  t.flag("model.dilate")
      .on(kClassifier | kDetectors, true)
      .except("model.output_stride", {"32"})
      .help("stages that keep their resolution are dilated, so that loaded weights still fit");
  t.word("model.norm")
      .on(kClassifier | kDetectors, "batch")
      .one_of({"batch", "frozen"})
      .open("frozen norms")
      .help("`frozen`: loaded statistics stay; needs loaded weights");
}

void retinanet_keys(Table& t) {
  const models::RetinaNetConfig usual;
  t.whole("model.head_convs").on(kRetinaNet, 4).from(0, 16).help("convolutions of each tower");
  t.number("model.anchor_base")
      .on(kRetinaNet, 32)
      .from(1, 4096)
      .unit("px")
      .open("anchors")
      .help("side of the finest level's anchors; it doubles with each level");
  t.numbers("model.anchor_scales")
      .on(kRetinaNet, Numbers{1, 1.2599210498948732, 1.5874010519681994})
      .from(0.001, 1000)
      .items(1, 32)
      .open("anchors")
      .help("sides on each level, times the base");
  t.flag("model.anchor_whole")
      .on(kRetinaNet, true)
      .help("anchors' sides are cut to whole pixels, as torchvision does; false for small images");
  t.numbers("model.anchor_ratios")
      .on(kRetinaNet, Numbers{0.5, 1, 2})
      .from(0.001, 1000)
      .items(1, 32)
      .open("anchors")
      .help("height over width");
  t.word("model.p6_from")
      .on(kRetinaNet, "p5")
      .one_of({"p5", "c5"})
      .open("RetinaNet's P6")
      .help("what the extra levels are made from");
  t.number("model.focal_alpha")
      .on(kRetinaNet, 0.25)
      .from(0, 1)
      .open("focal loss")
      .help("weight of lesions in the focal loss");
  t.number("model.focal_gamma")
      .on(kRetinaNet, 2)
      .from(0, 10)
      .open("focal loss")
      .help("exponent of the focal loss");
  t.number("match.high")
      .on(kRetinaNet, 0.5)
      .from(0, 1)
      .open("overlaps")
      .help("an anchor is foreground from this overlap on");
  t.number("match.low")
      .on(kRetinaNet, 0.4)
      .from(0, 1)
      .open("overlaps")
      .help("an anchor is background below this overlap");
}

void rpn_keys(Table& t) {
  const auto share = [&](const char* name, double otherwise, const char* open, const char* help) {
    t.number(name).on(kFasterRcnn, otherwise).from(0, 1).open(open).help(help);
  };
  const auto count = [&](const char* name, int64_t otherwise, const char* unit, const char* help) {
    t.whole(name).on(kFasterRcnn, otherwise).from(1, 1e6).unit(unit).open("proposals").help(help);
  };
  t.numbers("rpn.anchor_sizes")
      .on(kFasterRcnn, Numbers{32, 64, 128, 256, 512})
      .above(0, 1e5)
      .items(5, 5)
      .unit("px")
      .open("anchors")
      .help("sides of the anchors, one a level, P2 to P6");
  t.numbers("rpn.anchor_ratios")
      .on(kFasterRcnn, Numbers{0.5, 1, 2})
      .from(0.001, 1000)
      .items(1, 32)
      .open("anchors")
      .help("height over width");
  share("rpn.high", 0.7, "overlaps", "an anchor is foreground from this overlap on");
  share("rpn.low", 0.3, "overlaps", "an anchor is background below this overlap");
  t.word("rpn.cross_boundary")
      .on(kFasterRcnn, "keep")
      .one_of({"keep", "ignore"})
      .open("anchors over the picture's edge")
      .help(
          "anchors that reach over the picture's edge: `keep`: they train as the others do, as torchvision; "
          "`ignore`: they train nothing, as Ren et al. 2015; they make proposals either way");
  count("rpn.batch", 256, "anchors", "anchors that are sampled of an image for the loss");
  share("rpn.positive", 0.5, "proposals", "at most this share of them is foreground");
  count("rpn.before_nms", 2000, "proposals", "proposals of each level before NMS, in training");
  count("rpn.after_nms", 2000, "proposals", "proposals of an image after NMS, in training");
  count("rpn.before_nms_test", 1000, "proposals", "proposals of each level before NMS");
  count("rpn.after_nms_test", 1000, "proposals", "proposals of an image after NMS");
  share("rpn.nms_iou", 0.7, "proposals", "overlap above which the weaker of two proposals goes");
}

void roi_keys(Table& t) {
  t.whole("roi.batch")
      .on(kFasterRcnn, 128)
      .from(1, 1e6)
      .unit("proposals")
      .paper("128")
      .help("proposals that are sampled of an image for the box head's loss");
  t.number("roi.positive")
      .on(kFasterRcnn, 0.25)
      .from(0, 1)
      .open("proposals")
      .help("at most this share of them is foreground");
  t.number("roi.match")
      .on(kFasterRcnn, 0.5)
      .from(0, 1)
      .open("overlaps")
      .help("overlap from which on a proposal is foreground");
  t.whole("roi.hidden")
      .on(kFasterRcnn, 1024)
      .from(1, 1e6)
      .unit("features")
      .help("width of the head's two layers");
  t.whole("roi.sampling_ratio")
      .on(kFasterRcnn, 2)
      .from(0, 64)
      .open("RoIAlign")
      .help("points a side of a RoIAlign cell; 0: as many as the region needs, as detectron2");
  t.flag("roi.aligned")
      .on(kFasterRcnn, false)
      .open("RoIAlign")
      .help("cells are shifted by half a pixel, as detectron2; false: as torchvision");
  t.number("roi.canonical_size")
      .on(kFasterRcnn, 224)
      .from(1, 16384)
      .unit("px")
      .help("a proposal of this side goes to the canonical level; small images need a smaller one");
  t.whole("roi.canonical_level").on(kFasterRcnn, 4).from(2, 5).help("level that it goes to, P2 to P5");
  t.word("roi.head_init")
      .on(kFasterRcnn, "torchvision")
      .one_of({"torchvision", "detectron2"})
      .open("how the box head starts")
      .help("whose random start the box head has");
}

void froc_keys(Table& t) {
  t.group("What counts as found");
  const eval::FrocOptions usual;
  t.word("froc.rule")
      .on(kDetectors | kStudy, "iou")
      .one_of(froc_rules())
      .open("FROC's rule")
      .help(
          "what finds a lesion: overlap, the box's centre, overlap over the box's own area, DeepLesion's "
          "rule, or an overlap of 0.2 or the centre, the second rule of every result");
  t.number("froc.iou")
      .on(kDetectors | kStudy, usual.threshold)
      .above(0, 1)
      .except("froc.rule", {"centre", "overlap_or_centre"})
      .open("FROC's rule")
      .help("least overlap that finds");
  t.word("froc.duplicates")
      .on(kDetectors | kStudy, "ignore")
      .one_of({"ignore", "fp"})
      .except("froc.rule", {"deeplesion"})
      .open("FROC's rule")
      .help("a second box on a lesion is ignored or false");
  t.word("froc.interp")
      .on(kDetectors | kStudy, "auto")
      .one_of({"auto", "step", "linear"})
      .open("FROC's rule")
      .help("how the curve is read: as the rule does, in steps, or `linear`");
}

}  // namespace

void model_keys(Table& t) {
  body_keys(t);
  t.group("Detectors");
  t.whole("model.channels")
      .on(kDetectors, 256)
      .from(1, 4096)
      .unit("channels")
      .help("channels of the feature pyramid");
  t.whole("model.trainable_stages")
      .on(kDetectors, 5)
      .from(0, 5)
      .open("frozen layers")
      .help("stages of the body that train, counted from its end; 3: layer2 to layer4");
  t.number("model.smooth_l1_beta")
      .on(kFasterRcnn, models::FasterRcnnConfig().roi.beta)
      .on(kRetinaNet, models::RetinaNetConfig().box_beta)
      .from(0, 10)
      .open("box losses")
      .help("where the box loss turns from a square to a line; 0: L1");
  retinanet_keys(t);
  rpn_keys(t);
  roi_keys(t);
  t.number("detect.score_threshold")
      .on(kDetectors, 0.001)
      .from(0, 1)
      .open("least score")
      .help("least score of a box; low, so that curves reach 4 false positives an image");
  t.number("detect.nms_iou")
      .on(kDetectors, 0.5)
      .from(0, 1)
      .paper("0.5")
      .help("overlap above which the weaker of two boxes goes");
  t.whole("detect.top_k")
      .on(kRetinaNet, 1000)
      .from(1, 1e6)
      .unit("boxes")
      .help("boxes of each level before NMS");
  t.whole("detect.max_detections")
      .on(kDetectors, 100)
      .from(1, 1e6)
      .unit("boxes")
      .open("boxes an image")
      .help("boxes of an image at most");
  froc_keys(t);
}

}  // namespace cawe::train
