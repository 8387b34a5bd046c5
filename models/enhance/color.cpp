// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/color.h"

#include <nlohmann/json.hpp>

#include "models/enhance/fusion.h"
#include "tensor/io/json.h"

namespace cawe::models {

ColorEnhancer::ColorEnhancer(const EnhancerOptions& options)
    : generator_(options.colorizer), settings_(options.color) {
  CAWE_CHECK(generator_ != nullptr, Code::usage,
             "enhance: this method needs a trained colorizer. Name its run or file (enhance.colorizer)");
  generator_->train(false);
}

std::string ColorEnhancer::settings() const {
  return json_text({{"method", "color"},
                    {"render_factor", settings_.render_factor},
                    {"keep_luma", settings_.keep_luma},
                    {"space", models::name(settings_.space)},
                    {"saturation", json_rounded(settings_.saturation, 6)}});
}

Tensor ColorEnhancer::apply(const Tensor& gray) {
  check_unit_range("image", gray);
  return colorize(*generator_, gray, settings_);
}

ColorCaweEnhancer::ColorCaweEnhancer(const EnhancerOptions& options)
    : CaweEnhancer(options), color_(options) {}

std::string ColorCaweEnhancer::settings() const {
  return json_text({{"method", "color+cawe"},
                    {"color", json_ready(color_.settings())},
                    {"cawe", json_ready(CaweEnhancer::settings())}});
}

Tensor ColorCaweEnhancer::apply(const Tensor& gray) { return with_map(gray, maps(gray).map); }

Tensor ColorCaweEnhancer::with_map(const Tensor& gray, const Tensor& map) {
  return fuse(color_.apply(gray), map, options().alpha);
}

std::vector<Method> color_methods() {
  return {{"color",
           "Color",
           [](const EnhancerOptions& o) { return std::make_unique<ColorEnhancer>(o); },
           {false, true, {"color"}},
           {}},
          {"color+cawe",
           "Color + CAWE",
           [](const EnhancerOptions& o) { return std::make_unique<ColorCaweEnhancer>(o); },
           {true, true, {"cam", "fuse", "color"}},
           {}}};
}

}  // namespace cawe::models
