// SPDX-License-Identifier: Apache-2.0
// Keys for what the paper leaves open do what they say.
#include <gtest/gtest.h>

#include <cmath>

#include "models/classifier.h"
#include "models/faster_rcnn.h"
#include "models/weights.h"
#include "tensor/io/safetensors.h"
#include "train/classifier_task.h"
#include "train/detector_recipe.h"
#include "train/model_recipe.h"

namespace cawe::train {
namespace {

Recipe recipe_of(const std::string& text, const std::string& task = "retinanet") {
  return Recipe::parse(text, "choices.toml", task);
}

eval::FrocOptions rule_of(const std::string& text) { return froc_from(recipe_of(text)); }

std::string refusal_of(const std::string& text) {
  try {
    rule_of(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::usage);
    return error.what();
  }
  return "";
}

TEST(FrocKeys, SayTheRule) {
  EXPECT_EQ(eval::describe(rule_of("")), "IoU >= 0.5, duplicates ignored, step");
  EXPECT_EQ(eval::describe(rule_of("froc.iou = 0.2\nfroc.duplicates = \"fp\"\nfroc.interp = \"linear\"")),
            "IoU >= 0.2, duplicates count as false, linear");
  EXPECT_EQ(eval::describe(rule_of("froc.rule = \"centre\"")),
            "centre in the lesion box, duplicates ignored, step");
  EXPECT_EQ(eval::describe(rule_of("froc.rule = \"deeplesion\"")),
            "DeepLesion (IoU+1px >= 0.5), interpolated");
  EXPECT_EQ(eval::describe(rule_of("froc.rule = \"overlap_or_centre\"\nfroc.iou = 0.7")),
            "IoU >= 0.2 or centre in the lesion box, duplicates ignored, step");
  EXPECT_NE(refusal_of("froc.rule = \"deeplesion\"\nfroc.interp = \"step\"").find("deeplesion"),
            std::string::npos);
  EXPECT_NE(refusal_of("froc.iou = 0.0").find("froc.iou"), std::string::npos);
  EXPECT_NE(refusal_of("froc.rule = \"iuo\"").find("iou"), std::string::npos);
}

TEST(FrocKeys, AreWrittenAsTheyAreRead) {
  for (const char* text :
       {"", "froc.iou = 0.35\nfroc.duplicates = \"fp\"\nfroc.interp = \"linear\"", "froc.rule = \"iobb\"",
        "froc.rule = \"deeplesion\"", "froc.rule = \"overlap_or_centre\""}) {
    Recipe written = recipe_of("");
    put_froc(rule_of(text), &written);
    EXPECT_EQ(eval::describe(froc_from(written)), eval::describe(rule_of(text))) << text;
  }
}

double spread(const Tensor& t) {
  double sum = 0;
  for (const float v : t.to_vector<float>()) sum += double(v) * double(v);
  return std::sqrt(sum / double(t.numel()));
}

/// Root mean square of a parameter's initial values.
double start_of(const std::string& text, const std::string& name) {
  Recipe recipe = recipe_of(
      "task = \"faster_rcnn\"\nmodel.depth = 18\nmodel.width = 8\nmodel.channels = 16\n"
      "roi.hidden = 64\n" +
      text);
  models::FasterRcnn net(faster_rcnn_from(recipe, 1));
  net.initialise(3);
  for (const auto& [key, t] : net.state())
    if (key == "roi_heads." + name) return spread(t);
  ADD_FAILURE() << name;
  return 0;
}

TEST(HeadInit, IsTorchvisionsOrDetectron2s) {
  const double fan_in = 16 * 7 * 7;  // of fc6
  EXPECT_NEAR(start_of("", "box_head.fc6.weight"), 1 / std::sqrt(3 * fan_in), 2e-4);
  EXPECT_GT(start_of("", "box_predictor.cls_score.bias"), 0);
  const std::string detectron2 = "roi.head_init = \"detectron2\"\n";
  EXPECT_NEAR(start_of(detectron2, "box_head.fc6.weight"), 1 / std::sqrt(fan_in), 4e-4);
  EXPECT_NEAR(start_of(detectron2, "box_predictor.cls_score.weight"), 0.01, 1.5e-3);
  EXPECT_NEAR(start_of(detectron2, "box_predictor.bbox_pred.weight"), 0.001, 1.5e-4);
  EXPECT_EQ(start_of(detectron2, "box_predictor.cls_score.bias"), 0);
}

TEST(SmoothL1Beta, ReachesBothDetectors) {
  const std::string given = "model.smooth_l1_beta = 0.25";
  EXPECT_EQ(retinanet_from(recipe_of(""), 1).box_beta, 0);
  EXPECT_EQ(faster_rcnn_from(recipe_of("", "faster_rcnn"), 1).roi.beta, 1.0 / 9);
  EXPECT_EQ(retinanet_from(recipe_of(given), 1).box_beta, 0.25);
  const models::FasterRcnnConfig two_stages = faster_rcnn_from(recipe_of(given, "faster_rcnn"), 1);
  EXPECT_EQ(two_stages.roi.beta, 0.25);
  EXPECT_EQ(two_stages.rpn.beta, 0.25);
}

/// Loads a detector of 16 channels a level into one of 8, as the recipe says.
InitResult narrowed(const std::string& more) {
  const std::string narrow = "model.depth = 18\nmodel.width = 4\nmodel.head_convs = 1\nmodel.channels = ";
  models::RetinaNet wide(retinanet_from(recipe_of(narrow + "16"), 1));
  wide.initialise(1);
  Safetensors file;
  file.tensors = models::state_of(wide);
  const std::string path = ::testing::TempDir() + "cawe_init_skip.safetensors";
  save_safetensors(path, file);
  models::RetinaNet net(retinanet_from(recipe_of(narrow + "8"), 1));
  return initialise(net, recipe_of(narrow + "8\ninit = \"" + path + "\"\n" + more), 2, true);
}

TEST(InitSkip, LetsNamesGoThatDoNotFit) {
  try {
    narrowed("");
    FAIL() << "16 channels went into 8";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("Name in init_skip"), std::string::npos) << e.what();
  }
  EXPECT_THROW(narrowed("init_skip = [\"head.\"]"), Error);  // the pyramid does not fit either
  EXPECT_NE(narrowed("init_skip = [\"head.\", \"backbone.fpn.\"]").summary.find("skipped"),
            std::string::npos);
}

class WeightedClassifier : public ::testing::Test {
 protected:
  WeightedClassifier() : net_(config()) {
    net_.initialise(5);
    dataset_.label_names = {"a", "b"};
    batch_.images = Tensor::full({3, 3, 32, 32}, 0.5);
    batch_.labels = Tensor::from(std::vector<float>{1, 0, NAN, 1, 0, 1}, {3, 2});
  }
  static models::ClassifierConfig config() {
    models::ClassifierConfig c;
    c.backbone.depth = 18;
    c.backbone.width = 4;
    c.labels = 2;
    return c;
  }
  double loss(const std::vector<double>& weights) {
    ClassifierGoal goal;
    goal.pos_weight = weights;
    ClassifierTask task(net_, dataset_, {}, {}, goal);
    return task.loss(task.inputs(batch_)).total.value().item();
  }
  /// The loss by the formula of PyTorch's BCEWithLogitsLoss, over the five known labels.
  double expected(double wa, double wb) {
    const nn::EvalMode same_statistics(net_);
    const Variable films(models::normalised_films(batch_.images));
    const std::vector<float> x = net_.forward(films).logits.value().to_vector<float>();
    const auto softplus = [](double v) { return std::log1p(std::exp(v)); };
    const double sum = wa * softplus(-double(x[0])) + softplus(double(x[1])) + wb * softplus(-double(x[3])) +
                       softplus(double(x[4])) + wb * softplus(-double(x[5]));
    return sum / 5;
  }
  models::Classifier net_;
  data::Dataset dataset_;
  data::Batch batch_;
};

TEST_F(WeightedClassifier, PositivesCountSoMuchMore) {
  const nn::EvalMode same_statistics(net_);
  EXPECT_NEAR(loss({}), expected(1, 1), 1e-5);
  EXPECT_NEAR(loss({3}), expected(3, 3), 1e-5);
  EXPECT_NEAR(loss({2, 0.5}), expected(2, 0.5), 1e-5);
}

}  // namespace
}  // namespace cawe::train
