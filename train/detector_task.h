// SPDX-License-Identifier: Apache-2.0
// Training a detector on films as its enhancement chain shows them.
#pragma once

#include <memory>
#include <string>

#include "eval/evaluate.h"
#include "models/detection_model.h"
#include "train/classifier_task.h"
#include "train/detector.h"

namespace cawe::train {

/// How a detector is judged.
struct DetectorGoal {
  /// The best checkpoint: by the mean of Sens@1..4, by "map50", or the "last" one.
  std::string select = "mean_sens";
  eval::FrocOptions froc;
};

class DetectorTask : public Task {
 public:
  /// There is no score where `validation` is empty.
  DetectorTask(std::shared_ptr<models::DetectionModel> net, const data::Dataset& dataset,
               std::vector<int64_t> validation, Chain chain, const data::LoaderOptions& loader,
               DetectorGoal goal = {});
  nn::Module& module() override { return *net_; }
  std::vector<Tensor> inputs(const data::Batch& batch) override;  ///< images, and the network's targets
  Loss loss(const std::vector<Tensor>& inputs) override;
  bool capturable() const override { return net_->capturable() && !shares_device_; }
  LogLine validate() override;

 private:
  std::shared_ptr<models::DetectionModel> net_;
  const data::Dataset& dataset_;
  uint64_t seed_;
  std::vector<int64_t> validation_;
  bool shares_device_;
  DetectorGoal goal_;
  Detector detector_;
};

/// Without the films that nobody looked for boxes on: they can neither train nor test a detector.
std::vector<int64_t> box_annotated(const data::Dataset& dataset, std::vector<int64_t> indices);
/// Truth of the samples at `indices`, in their order; every box is one label.
std::vector<eval::TruthImage> truth_of(const data::Dataset& dataset, const std::vector<int64_t>& indices);
std::vector<eval::Detection> detections_of(const std::vector<std::vector<FoundBox>>& found);

/// Trains as the recipe says into request.out; then detects and evaluates on the folds of data.test_folds:
/// detections.csv and results.json there. Returns the summary as JSON.
std::string train_detector(Recipe& recipe, const RunRequest& request);

/// One detector, trained: what a study does for a row.
struct DetectorJob {
  const data::Dataset* dataset = nullptr;
  std::vector<int64_t> train, validation;
  Chain chain;
  data::LoaderOptions loader;  ///< its enhance: the chain's, or a control's
  Schedule schedule;
  OptimizerOptions optimizer;
  TrainerOptions trainer;
  DetectorGoal goal;
  uint64_t seed = 0;
  int ranks = 1, threads = 1;
};
/// Trains into `run` and returns the network, the best one where validations chose. `recipe` builds it;
/// `first` is carried by its checkpoints.
std::shared_ptr<models::DetectionModel> run_detector_job(const Recipe& recipe, const DetectorJob& job,
                                                         RunFolder* run, const Checkpoint& first,
                                                         TrainResult* result);

}  // namespace cawe::train
