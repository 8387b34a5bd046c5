// SPDX-License-Identifier: Apache-2.0
// Full-size Faster R-CNN R50-FPN against torchvision (scripts/goldens/faster_rcnn.py): outputs, losses,
// gradients and detections, to 1e-7 in f64, and in f32 by their distance from that truth beside torchvision's
// own.
#include "models/faster_rcnn.h"
#include "models/weights.h"
#include "tests/models/parity.h"

namespace cawe::models {
namespace {

using testing::GoldenFile;

FasterRcnnConfig config_of(int64_t proposals, int64_t hidden) {
  FasterRcnnConfig c;
  c.backbone.norm.kind = nn::NormKind::frozen;
  c.trainable_stages = 3;
  c.classes = 2;
  c.rpn.train = c.rpn.test = {300, proposals};
  c.rpn.sampling.count = 1000000;
  c.roi.sampling = {proposals + 8, 1.0};
  c.roi.hidden = hidden;
  return c;
}

// Boxes are f32 whatever the network computes in, torchvision's are f64 here: what comes behind RoIAlign, and
// what its gradient reaches, sees coordinates that differ by 1e-7 of the image.
const std::vector<std::string> kProposalNetwork{"rpn.head.conv.0.0.weight", "rpn.head.cls_logits.weight",
                                                "rpn.head.bbox_pred.weight"};
const std::vector<std::string> kBehindBoxes{"backbone.body.layer2.0.conv1.weight",
                                            "backbone.body.layer4.2.conv3.weight",
                                            "backbone.fpn.inner_blocks.0.0.weight",
                                            "backbone.fpn.layer_blocks.2.0.bias",
                                            "roi_heads.box_head.fc6.weight",
                                            "roi_heads.box_head.fc7.weight",
                                            "roi_heads.box_predictor.cls_score.weight",
                                            "roi_heads.box_predictor.bbox_pred.weight"};

// Without a kink between them and the loss.
const std::vector<std::string> kSmooth{"rpn.head.cls_logits.weight", "rpn.head.bbox_pred.weight",
                                       "roi_heads.box_predictor.cls_score.weight",
                                       "roi_heads.box_predictor.bbox_pred.weight"};

class FasterRcnnParity : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(, FasterRcnnParity, ::testing::Values(DType::f32, DType::f64),
                         [](const auto& i) { return std::string(name(i.param)); });

TEST_P(FasterRcnnParity, R50Fpn) {
  const DType dtype = GetParam();
  const bool exact = dtype == DType::f64;
  const std::string key = exact ? "faster_rcnn_small" : "faster_rcnn";
  GoldenFile golden("tests/goldens/faster_rcnn.txt");
  FasterRcnn net(exact ? config_of(40, 24) : config_of(120, 1024));
  load_weights(net, testing::parity_weights(net), {}, "philox");
  net.to(dtype);
  const Shape shape = exact ? Shape{2, 3, 96, 128} : Shape{2, 3, 224, 256};
  const Tensor x = testing::parity_picture(key + ".input", shape).to(dtype);
  const std::vector<Box> boxes =
      exact ? std::vector<Box>{{20.5f, 30.25f, 60, 90.5f}, {30, 10, 120, 80}, {5, 50, 40, 90}}
            : std::vector<Box>{{20.5f, 30.25f, 90, 120.5f}, {100, 40, 230, 200}, {5, 150, 40, 190}};
  const DetectionModel::Losses losses = net.loss(Variable(x), {{boxes, {0, 1, 0}}, {}});
  const std::vector<std::string> names{"objectness", "proposal", "class", "box"};
  const double behind_boxes = 2e-6;
  for (size_t i = 0; i < names.size(); ++i)
    golden.compare_number(key + ".losses", i, losses.part(names[i]), dtype,
                          i == 0 ? testing::kF64Tolerance : behind_boxes);
  backward(losses.total);
  testing::compare_gradients(golden, key, net, kProposalNetwork, kSmooth);
  testing::compare_gradients(golden, key, net, kBehindBoxes, kSmooth, behind_boxes);
  const NoGrad no_history;
  net.train(false);
  const FasterRcnn::Features f = net.forward(Variable(x));
  golden.compare(key + ".rpn_logits", f.rpn.logits.value(), testing::kF64Tolerance);
  golden.compare(key + ".rpn_deltas", f.rpn.deltas.value(), testing::kF64Tolerance);
  if (!exact) testing::compare_detections(golden, key, 20, net.detect(x));
}

}  // namespace
}  // namespace cawe::models
