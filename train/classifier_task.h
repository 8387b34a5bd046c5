// SPDX-License-Identifier: Apache-2.0
// Training the multi-label classifier whose attention enhances films.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/loader.h"
#include "models/classifier.h"
#include "train/trainer.h"

namespace cawe::train {

/// Logits of every sample at `indices`, by label: [labels][samples]; the network evaluates.
std::vector<std::vector<double>> classifier_scores(models::Classifier& net, const data::Dataset& dataset,
                                                   const std::vector<int64_t>& indices,
                                                   data::LoaderOptions options);

/// What a classifier's loss and its choice of a checkpoint depend on.
struct ClassifierGoal {
  std::string select = "auroc";    ///< what chooses the best checkpoint: "auroc" (mean), "loss", or "last"
  std::vector<double> pos_weight;  ///< weight of each label's positives in the loss; one for all; empty: 1
  double weight_of(size_t label) const {
    return pos_weight.empty() ? 1 : pos_weight[pos_weight.size() == 1 ? 0 : label];
  }
};

/// The classifier's loss and validation.
class ClassifierTask : public Task {
 public:
  /// `validation` may be empty: then there is no score.
  ClassifierTask(models::Classifier& net, const data::Dataset& dataset, std::vector<int64_t> validation,
                 const data::LoaderOptions& loader, ClassifierGoal goal = {});
  nn::Module& module() override { return net_; }
  std::vector<Tensor> inputs(const data::Batch& batch) override;  ///< images, targets, mask, scale, weights
  Loss loss(const std::vector<Tensor>& inputs) override;
  bool capturable() const override { return !loader_.enhance; }  // an enhancement may use the device too
  LogLine validate() override;

 private:
  models::Classifier& net_;
  const data::Dataset& dataset_;
  std::vector<int64_t> validation_;
  data::LoaderOptions loader_;
  ClassifierGoal goal_;
};

/// How a training is run: where it writes, and with what.
struct RunRequest {
  std::string out;
  std::string cache_dir;  ///< where enhanced pictures are kept for other runs; "": nowhere
  std::string command_line;
  bool resume = false, quiet = false;
  bool check_only = false;  ///< reads recipe and data, throws as training would, and writes nothing
  int ranks = 1, threads = 1;
};
/// Trains a classifier from a recipe into request.out. Returns the run's summary as JSON.
std::string train_classifier(Recipe& recipe, const RunRequest& request);

}  // namespace cawe::train
