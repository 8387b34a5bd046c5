// SPDX-License-Identifier: Apache-2.0
// What the tests of enhancers share: random films, and a small classifier whose attention is used.
#pragma once

#include <memory>
#include <vector>

#include "models/enhance/enhancer.h"
#include "tensor/random.h"

namespace cawe::models::testing {

/// Uniform in [0, 1), a stream for each purpose.
inline Tensor uniform(const Shape& shape, const char* purpose) {
  Random random(11, purpose);
  std::vector<float> v(static_cast<size_t>(shape.numel()));
  for (float& x : v) x = random.next_uniform();
  return Tensor::from(v, shape);
}

/// Options with a classifier of three labels and random weights, which sees films at `cam_input` pixels.
inline EnhancerOptions with_classifier(int64_t cam_input = 64) {
  EnhancerOptions options;
  ClassifierConfig small;
  small.backbone.depth = 18;
  small.backbone.width = 4;
  small.labels = 3;
  options.classifier = std::make_shared<Classifier>(small);
  options.classifier->initialise(4);
  options.cam_input = cam_input;
  return options;
}

}  // namespace cawe::models::testing
