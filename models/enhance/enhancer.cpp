// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/enhancer.h"

#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "models/enhance/color.h"
#include "models/enhance/controls.h"
#include "models/enhance/fusion.h"
#include "tensor/io/json.h"
#include "tensor/primitives/resize.h"
#include "tensor/text.h"

namespace cawe::models {

void check_gray(const Tensor& gray) {
  CAWE_CHECK(gray.rank() == 4 && gray.dim(1) == 1 && gray.dtype() == DType::f32, Code::shape,
             "enhance: an image of shape ", gray.shape(), " ", name(gray.dtype()),
             " (expected [N, 1, H, W] f32)");
}

namespace {

class None : public Enhancer {
 public:
  std::string name() const override { return "none"; }
  std::string settings() const override { return json_text({{"method", "none"}}); }
  Tensor apply(const Tensor& gray) override {
    check_gray(gray);
    return gray;
  }
};

class Clahe : public Enhancer {
 public:
  explicit Clahe(const ClaheSettings& settings) : settings_(settings) {}
  std::string name() const override { return "clahe"; }
  std::string settings() const override {
    return json_text({{"method", "clahe"},
                      {"tiles_x", settings_.tiles_x},
                      {"tiles_y", settings_.tiles_y},
                      {"clip_limit", settings_.clip_limit}});
  }
  Tensor apply(const Tensor& gray) override {
    check_gray(gray);
    return clahe(gray, settings_);
  }

 private:
  ClaheSettings settings_;
};

class Afda : public Enhancer {
 public:
  explicit Afda(const AfdaSettings& settings) : settings_(settings) {}
  std::string name() const override { return "afda"; }
  std::string settings() const override {
    return json_text({{"method", "afda"},
                      {"vmax", settings_.v_max},
                      {"mask", settings_.object_mask ? "otsu" : "none"},
                      {"range", settings_.stretch ? "minmax" : "clip"}});
  }
  Tensor apply(const Tensor& gray) override {
    check_gray(gray);
    return afda(gray, settings_);
  }

 private:
  AfdaSettings settings_;
};

class Medga : public Enhancer {
 public:
  Medga(const MedgaSettings& settings, uint64_t seed) : settings_(settings), seed_(seed) {}
  std::string name() const override { return "medga"; }
  std::string settings() const override {
    const bool article = settings_.form == MedgaSettings::Form::article;
    return json_text({{"method", "medga"},
                      {"form", article ? "article" : "reference"},
                      {"mut", settings_.mutation == MedgaSettings::Mutation::uniform ? "uniform" : "side"},
                      {"population", settings_.population},
                      {"generations", settings_.generations},
                      {"tournament", settings_.tournament},
                      {"crossover", settings_.crossover_rate},
                      {"mutation", settings_.mutation_rate},
                      {"seed", seed_}});
  }
  Tensor apply(const Tensor& gray) override {
    check_gray(gray);
    return medga(gray, seed_, settings_);
  }

 private:
  MedgaSettings settings_;
  uint64_t seed_;
};

struct Method {
  EnhancerFactory make;
  EnhancerNeeds needs;
};

std::mutex registry_mutex;
std::map<std::string, Method>& registry() {
  static std::map<std::string, Method> all{
      {"none", {[](const EnhancerOptions&) { return std::make_unique<None>(); }, {}}},
      {"clahe",
       {[](const EnhancerOptions& o) { return std::make_unique<Clahe>(o.clahe); },
        {false, false, {"clahe"}}}},
      {"afda",
       {[](const EnhancerOptions& o) { return std::make_unique<Afda>(o.afda); }, {false, false, {"afda"}}}},
      {"medga",
       {[](const EnhancerOptions& o) { return std::make_unique<Medga>(o.medga, o.seed); },
        {false, false, {"medga"}}}},
      {"cawe",
       {[](const EnhancerOptions& o) { return std::make_unique<CaweEnhancer>(o); },
        {true, false, {"cam", "fuse"}}}},
      {"uniform", {make_uniform, {true, false, {"cam", "fuse"}}}},
      {"centre", {make_centre, {false, false, {"centre", "fuse"}}}},
      {"colormap", {make_colormap, {false, false, {"colormap"}}}},
      {"color",
       {[](const EnhancerOptions& o) { return std::make_unique<ColorEnhancer>(o); },
        {false, true, {"color"}}}},
      {"color+cawe",
       {[](const EnhancerOptions& o) { return std::make_unique<ColorCaweEnhancer>(o); },
        {true, true, {"cam", "fuse", "color"}}}},
  };
  return all;
}

}  // namespace

Tensor Enhancer::map(const Tensor&) { return {}; }

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

void register_enhancer(const std::string& name, EnhancerFactory factory, EnhancerNeeds needs) {
  const std::lock_guard<std::mutex> lock(registry_mutex);
  CAWE_CHECK(registry().emplace(name, Method{std::move(factory), std::move(needs)}).second, Code::internal,
             "enhancer \"", name, "\" is registered twice");
}

EnhancerNeeds enhancer_needs(const std::string& name) {
  const std::lock_guard<std::mutex> lock(registry_mutex);
  const auto found = registry().find(name);
  return found == registry().end() ? EnhancerNeeds{} : found->second.needs;
}

std::vector<std::string> enhancer_names() {
  const std::lock_guard<std::mutex> lock(registry_mutex);
  std::vector<std::string> names;
  for (const auto& entry : registry()) names.push_back(entry.first);
  return names;
}

std::unique_ptr<Enhancer> make_enhancer(const std::string& name, const EnhancerOptions& options) {
  const std::vector<std::string> names = enhancer_names();
  EnhancerFactory factory;
  {
    const std::lock_guard<std::mutex> lock(registry_mutex);
    const auto found = registry().find(name);
    if (found != registry().end()) factory = found->second.make;
  }
  if (factory) return factory(options);
  const std::string nearest = nearest_name(name, names);
  fail(Code::usage, "enhance: no method \"", name, "\"",
       nearest.empty() ? std::string() : ". Did you mean \"" + nearest + "\"?");
}

}  // namespace cawe::models
