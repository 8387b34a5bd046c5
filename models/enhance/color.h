// SPDX-License-Identifier: Apache-2.0
// Enhancers that colorize: "color", and "color+cawe", which fuses the colour picture with the map of the gray
// film.
#pragma once

#include "models/enhance/enhancer.h"

namespace cawe::models {

/// The film in the generator's colours with its own luminance.
class ColorEnhancer : public Enhancer {
 public:
  /// Throws Code::usage where options.colorizer is missing.
  explicit ColorEnhancer(const EnhancerOptions& options);
  std::string name() const override { return "color"; }
  std::string settings() const override;
  Tensor apply(const Tensor& gray) override;

 private:
  std::shared_ptr<Generator> generator_;
  ColorSettings settings_;
};

/// The paper's Eq. 7 on the colour picture in [0, 1]. The map is that of the gray film, as the classifier was
/// trained on gray films.
class ColorCaweEnhancer : public CaweEnhancer {
 public:
  explicit ColorCaweEnhancer(const EnhancerOptions& options);
  std::string name() const override { return "color+cawe"; }
  std::string settings() const override;
  Tensor apply(const Tensor& gray) override;
  Tensor with_map(const Tensor& gray, const Tensor& map) override;

 private:
  ColorEnhancer color_;
};

}  // namespace cawe::models
