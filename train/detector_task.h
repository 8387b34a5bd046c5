// SPDX-License-Identifier: Apache-2.0
// Trains a detector on the films that its enhancement chain makes.
#pragma once

#include <memory>
#include <string>

#include "eval/evaluate.h"
#include "models/detection_model.h"
#include "train/classifier_task.h"
#include "train/detector.h"

namespace cawe::train {

/// How a detector is validated.
struct DetectorGoal {
  /// What chooses the best checkpoint: the mean of Sens@1..4, "map50", or "last" for the last one.
  std::string select = "mean_sens";
  eval::FrocOptions froc;
};

/// A detector's loss and validation.
class DetectorTask : public Task {
 public:
  /// Without `validation` there is no score.
  DetectorTask(std::shared_ptr<models::DetectionModel> net, const data::Dataset& dataset,
               std::vector<int64_t> validation, Chain chain, const data::LoaderOptions& loader,
               DetectorGoal goal = {});
  nn::Module& module() override { return *net_; }
  std::vector<Tensor> inputs(const data::Batch& batch) override;  ///< images, and the network's targets
  Loss loss(const std::vector<Tensor>& inputs) override;
  bool capturable() const override { return !shares_device_; }
  bool trains_boxes() const override { return true; }
  LogLine validate() override;

 private:
  std::shared_ptr<models::DetectionModel> net_;
  const data::Dataset& dataset_;
  uint64_t seed_;
  /// Rows of truth that a batch has had at most: fewer would be another shape, for which a captured step is given up.
  int64_t truth_rows_ = 0;
  std::vector<int64_t> validation_;
  bool shares_device_;
  DetectorGoal goal_;
  Detector detector_;
};

/// `indices` without films that were never searched for boxes: these can neither train nor test a detector.
std::vector<int64_t> box_annotated(const data::Dataset& dataset, std::vector<int64_t> indices);
/// True boxes of the samples at `indices`, in their order, all with one label.
std::vector<eval::TruthImage> truth_of(const data::Dataset& dataset, const std::vector<int64_t>& indices);
std::vector<eval::Detection> detections_of(const std::vector<std::vector<FoundBox>>& found);

/// Trains as the recipe says into request.out; then detects and evaluates on the folds of data.test_folds:
/// detections.csv and results.json there. Returns the summary as JSON.
std::string train_detector(Recipe& recipe, const RunRequest& request);

}  // namespace cawe::train
