// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/color.h"

#include "models/enhance/fusion.h"

namespace cawe::models {

ColorEnhancer::ColorEnhancer(const EnhancerOptions& options)
    : generator_(options.colorizer), settings_(options.color) {
  CAWE_CHECK(generator_ != nullptr, Code::usage,
             "enhance: this method needs a trained colorizer. Name its run or file (enhance.colorizer)");
  generator_->train(false);
}

std::string ColorEnhancer::settings() const {
  return detail::concat("{\"method\":\"color\",\"render_factor\":", settings_.render_factor,
                        ",\"keep_luma\":", settings_.keep_luma ? "true" : "false", ",\"space\":\"",
                        models::name(settings_.space), "\",\"saturation\":", settings_.saturation, "}");
}

Tensor ColorEnhancer::apply(const Tensor& gray) {
  check_unit_range("image", gray);
  return colorize(*generator_, gray, settings_);
}

ColorCaweEnhancer::ColorCaweEnhancer(const EnhancerOptions& options)
    : CaweEnhancer(options), color_(options), alpha_(options.alpha) {}

std::string ColorCaweEnhancer::settings() const {
  return detail::concat("{\"method\":\"color+cawe\",\"color\":", color_.settings(),
                        ",\"cawe\":", CaweEnhancer::settings(), "}");
}

Tensor ColorCaweEnhancer::apply(const Tensor& gray) {
  return fuse(color_.apply(gray), maps(gray).map, alpha_);
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
