// SPDX-License-Identifier: Apache-2.0
// Networks from a recipe's [model] section, and weights into them.
#pragma once

#include <memory>
#include <string>

#include "models/classifier.h"
#include "models/weights.h"
#include "tensor/tensor_budget.h"
#include "train/recipe.h"

namespace cawe::train {

/// Keys model.depth, model.width, model.output_stride, model.dilate, model.norm = "batch" | "frozen".
models::ResNetConfig backbone_from(const Recipe& recipe);
models::ClassifierConfig classifier_from(const Recipe& recipe, int64_t labels);

/// Throws usage where live batch norm would see a single film, or part of a batch, whose last map has one pixel: the
/// first step would fail.
void check_batch_norm(const Recipe& recipe);

/// Memory for a network with these tensors, whichever types they have there, and little more.
TensorBudget budget_of(const NamedTensors& weights, const std::string& source);
/// What `make` builds from a checkpoint's recipe, with the checkpoint's weights in it. A network of more values
/// than the file holds is refused (data) before its memory is taken; then every shape is compared.
template <class Make>
auto with_weights(const NamedTensors& weights, const std::string& source, const Make& make) {
  auto net = [&] {
    const TensorBudget limit = budget_of(weights, source);
    return make();
  }();
  models::load_weights(*net, weights, {}, source);
  return net;
}

/// Key init = "random", a weights file (.safetensors, .pth), or a run. Everything is drawn from `seed` first.
/// A classifier's body goes into a detector's ("backbone.body."); its last layer stays behind. Names that
/// begin with one of key init_skip may be missing or not fit. Returns one line on what was loaded, "" for
/// random. Frozen norms without weights are an error.
struct InitResult {
  std::string summary, manifest, hash;
};
InitResult initialise(nn::Module& module, const Recipe& recipe, uint64_t seed, bool detector);

}  // namespace cawe::train
