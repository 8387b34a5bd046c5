// SPDX-License-Identifier: Apache-2.0
// Class-aware attention: films fused with the map of a classifier.
#include <atomic>
#include <nlohmann/json.hpp>

#include "models/enhance/enhancer.h"
#include "models/enhance/fusion.h"
#include "tensor/io/json.h"
#include "tensor/primitives/resize.h"

namespace cawe::models {
struct CaweEnhancer::State {
  std::atomic<int64_t> constant{0};
};

CaweEnhancer::CaweEnhancer(const EnhancerOptions& options)
    : options_(options), state_(std::make_unique<State>()) {
  CAWE_CHECK(options_.classifier != nullptr, Code::usage,
             "enhance: method \"cawe\" needs a trained classifier. Name its run or file");
  CAWE_CHECK(options_.alpha >= 0 && options_.alpha <= 1, Code::usage, "fuse.alpha = ", options_.alpha,
             " (expected 0 to 1)");
  CAWE_CHECK(options_.cam_input >= 0, Code::usage, "cam.input = ", options_.cam_input,
             " (expected 0 or more)");
  options_.classifier->train(false);
}

CaweEnhancer::~CaweEnhancer() = default;

std::string CaweEnhancer::settings() const {
  const CaweSettings& c = options_.cam;
  return json_text({{"method", "cawe"},
                    {"alpha", options_.alpha},
                    {"input", options_.cam_input},
                    {"cam", models::name(c.method)},
                    {"closed_form", c.closed_form},
                    {"act_threshold", c.act_threshold},
                    {"if_none", models::name(c.if_none)},
                    {"exclude_labels", c.exclude_labels},
                    {"targets", c.targets},
                    {"norm", models::name(c.norm)},
                    {"constant_map", models::name(c.constant)},
                    {"norm_before_resize", c.norm_before_resize}});
}

Tensor CaweEnhancer::network_input(const Tensor& picture) const {
  const int64_t side = options_.cam_input;
  Tensor seen = picture;
  if (side > 0 && (picture.dim(2) != side || picture.dim(3) != side)) {
    seen = Tensor::empty({picture.dim(0), picture.dim(1), side, side}, picture.dtype(), Layout::contiguous,
                         picture.device());
    primitives::resize_bilinear(picture, seen);
  }
  return normalise_input(seen);
}

AttentionMaps CaweEnhancer::uncounted_maps(const Tensor& film) const {
  check_gray(film);
  const Tensor gray = film.to(options_.classifier->fc().weight().device());
  AttentionMaps maps =
      attention_maps(*options_.classifier, network_input(gray), gray.dim(2), gray.dim(3), options_.cam);
  maps.raw = maps.raw.to(film.device());
  maps.map = maps.map.to(film.device());
  return maps;
}

Tensor CaweEnhancer::map(const Tensor& film) { return uncounted_maps(film).map; }

AttentionMaps CaweEnhancer::maps(const Tensor& film) {
  AttentionMaps maps = uncounted_maps(film);
  state_->constant += maps.constant_count();
  return maps;
}

Tensor CaweEnhancer::with_map(const Tensor& film, const Tensor& map) {
  return fuse(film, map, options_.alpha);
}

Tensor CaweEnhancer::apply(const Tensor& gray) {
  const Device device = options_.classifier->fc().weight().device();
  if (device == Device::cpu || !can_enhance(options_.cam)) return fuse(gray, maps(gray).map, options_.alpha);
  check_gray(gray);
  check_unit_range("image", gray);
  const Tensor there = gray.to(device);
  const EnhancedFilm film =
      enhance(*options_.classifier, there, network_input(there), options_.alpha, options_.cam);
  state_->constant += film.maps.constant_count();
  return film.image.to(gray.device());
}

int64_t CaweEnhancer::constant_maps() const { return state_->constant; }

std::vector<Method> cawe_methods() {
  return {{"cawe",
           "CAWE",
           [](const EnhancerOptions& o) { return std::make_unique<CaweEnhancer>(o); },
           {true, false, {"cam", "fuse"}},
           {}}};
}

}  // namespace cawe::models
