// SPDX-License-Identifier: Apache-2.0
// The enhancement chain of a detector: method, settings, and the models it needs, from a recipe or out of a
// checkpoint.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/leak.h"
#include "data/loader.h"
#include "models/enhance/enhancer.h"
#include "train/checkpoint.h"
#include "train/colorizer_recipe.h"
#include "train/recipe.h"

namespace cawe::train {

/// A trained classifier with what it needs to know about itself.
struct LoadedClassifier {
  std::shared_ptr<models::Classifier> net;
  std::vector<std::string> labels;
  int64_t image_size = 224;
  data::TrainedPatients patients;
  std::string bytes;  ///< the checkpoint, to travel with a detector
};
LoadedClassifier load_classifier(const std::string& run_or_file);
LoadedClassifier parse_classifier(const std::string& bytes, const std::string& source);

struct Chain {
  std::shared_ptr<models::Enhancer> enhancer;  ///< never null: "none" does nothing
  std::string method = "none";
  LoadedClassifier classifier;                 ///< net is null where the method needs none
  LoadedColorizer colorizer;                   ///< likewise
  std::vector<data::TrainedPatients> trained;  ///< of every model of the chain
};

/// Whether an enhancement asks for a trained classifier (its attention), or for a trained colorizer.
bool needs_classifier(const std::string& method);
bool needs_colorizer(const std::string& method);

/// Keys enhance.*, fuse.*, cam.*, color.* (the colorizer's own where not given: they are filled in), and
/// those of clahe, afda, medga, centre and colormap (docs/recipes.md). `embedded` (a checkpoint's chain) is
/// used instead of files.
Chain chain_from(Recipe& recipe, const std::map<std::string, std::string>& embedded = {});

/// Everything that decides what the chain makes of a film: method, settings, hashes of weights.
std::string chain_identity(const Chain& chain);

/// What a loader calls on each fitted picture. Empty for "none".
std::function<void(data::FloatImage&, const data::Sample&)> enhance_callback(const Chain& chain);

/// [1, C, H, W] of a picture, and back (1 or 3 channels).
Tensor to_tensor(const data::FloatImage& image);
data::FloatImage to_image(const Tensor& tensor, int64_t n = 0);

}  // namespace cawe::train
