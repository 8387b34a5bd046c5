// SPDX-License-Identifier: Apache-2.0
// The enhancement chain of a detector: method, settings and the models it needs, from a recipe or from a
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

/// A trained classifier with its labels, patients and checkpoint.
struct LoadedClassifier {
  std::shared_ptr<models::Classifier> net;
  std::vector<std::string> labels;
  int64_t image_size = 224;
  data::TrainedPatients patients;
  std::string bytes;  ///< its checkpoint, to be embedded in a detector's
};
LoadedClassifier load_classifier(const std::string& run_or_file);
LoadedClassifier parse_classifier(const std::string& bytes, const std::string& source);

/// A method with its models.
struct Chain {
  std::shared_ptr<models::Enhancer> enhancer;  ///< never null: "none" does nothing
  std::string method = "none";
  LoadedClassifier classifier;                 ///< net is null where the method needs none
  LoadedColorizer colorizer;                   ///< likewise
  std::vector<data::TrainedPatients> trained;  ///< of every model of the chain
};

/// Whether a method needs a trained classifier (for its maps), or a trained colorizer.
bool needs_classifier(const std::string& method);
bool needs_colorizer(const std::string& method);

/// Keys enhance.*, fuse.*, cam.*, color.* (the colorizer's own where not given: they are filled in), and
/// those of clahe, afda, medga, centre and colormap (docs/recipes.md). `embedded` (a checkpoint's chain) is
/// used instead of files. Throws where films are read in colour (image.color), which no method takes, and where the
/// keys leave no label of the classifier that a map may show.
Chain chain_from(Recipe& recipe, const std::map<std::string, std::string>& embedded = {});

/// Everything that decides the chain's result for a film: method, settings, hashes of weights.
std::string chain_identity(const Chain& chain);

/// The loader's callback that enhances a fitted picture; empty for "none".
std::function<void(data::FloatImage&, const data::Sample&)> enhance_callback(const Chain& chain);

/// The chain that films go through while a network learns from them, where its method has another one for that
/// (models::Enhancer::in_training); else the chain itself. Every task that enhances films has to ask for it.
Chain in_training(const Chain& chain, uint64_t seed);

/// A picture (1 or 3 channels) as [1, C, H, W], and back.
Tensor to_tensor(const data::FloatImage& image);
data::FloatImage to_image(const Tensor& tensor, int64_t n = 0);

}  // namespace cawe::train
