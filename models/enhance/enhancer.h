// SPDX-License-Identifier: Apache-2.0
// Enhancer: what turns a gray film into the detector's picture; and the list of those that this build knows.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/cawe.h"
#include "models/colorizer/colorize.h"
#include "models/enhance/afda.h"
#include "models/enhance/clahe.h"
#include "models/enhance/medga.h"

namespace cawe::models {

class Enhancer {
 public:
  virtual ~Enhancer() = default;
  virtual std::string name() const = 0;
  /// Everything that decides the result, as one canonical JSON object: for manifests and cache keys. Weights
  /// are named by whoever loaded them.
  virtual std::string settings() const = 0;
  /// gray [N, 1, H, W] in [0, 1] (f32) to [N, 1 or 3, H, W] in [0, 1]. May be called from several threads.
  virtual Tensor apply(const Tensor& gray) = 0;
  /// The map [N, 1, H, W] in [0, 1] that apply() fuses gray with; undefined for methods without one. Does not
  /// count for constant_maps().
  virtual Tensor map(const Tensor& gray);
  /// How many maps so far said nothing (spec 1.4); 0 for methods without a map.
  virtual int64_t constant_maps() const { return 0; }
};

struct EnhancerOptions {
  std::shared_ptr<Classifier> classifier;  ///< cawe: trained, on the device that will run it
  CaweSettings cam;
  std::shared_ptr<Generator> colorizer;  ///< color, color+cawe: trained, on the device that will run it
  ColorSettings color;
  int64_t cam_input = 512;  ///< the classifier sees the film at this side; 0: at its own size
  double alpha = 0.5;       ///< fuse.alpha
  ClaheSettings clahe;
  AfdaSettings afda;
  MedgaSettings medga;
  uint64_t seed = 0;               ///< medga's search
  double centre_sigma = 0.25;      ///< the centre control's Gaussian, as a share of each side
  double colormap_saturation = 1;  ///< the colormap control: 0 stays gray
};

/// CAWE apart from fusion: the maps that a film gets, and Eq. 7 with maps from elsewhere (a control study
/// shuffles them).
class CaweEnhancer : public Enhancer {
 public:
  explicit CaweEnhancer(const EnhancerOptions& options);
  ~CaweEnhancer() override;
  std::string name() const override { return "cawe"; }
  std::string settings() const override;
  Tensor apply(const Tensor& gray) override;
  int64_t constant_maps() const override;
  Tensor map(const Tensor& film) override;
  /// Maps [N, 1, H, W] of gray [N, 1, H, W], with their classes and ranges.
  AttentionMaps maps(const Tensor& film);
  /// What the classifier sees of pictures [N, 1 or 3, H, W] in [0, 1]: at its own size, normalised, 3
  /// channels.
  Tensor network_input(const Tensor& picture) const;

 private:
  AttentionMaps uncounted_maps(const Tensor& film) const;
  EnhancerOptions options_;
  struct State;
  std::unique_ptr<State> state_;
};

/// Throws Code::shape where gray is not [N, 1, H, W] f32.
void check_gray(const Tensor& gray);
/// The shortest decimal that reads back as the same number, for settings().
std::string decimal(double value);

/// What a method asks for.
struct EnhancerNeeds {
  bool classifier = false;            ///< a trained one, whose attention it looks at
  bool colorizer = false;             ///< a trained one
  std::vector<std::string> sections;  ///< of a recipe, whose keys it reads: "cam", "fuse"
};

using EnhancerFactory = std::function<std::unique_ptr<Enhancer>(const EnhancerOptions&)>;
/// Adds a method under a name of its own. Throws Code::internal where the name is taken.
void register_enhancer(const std::string& name, EnhancerFactory factory, EnhancerNeeds needs = {});
/// Nothing for a name that is not in the list.
EnhancerNeeds enhancer_needs(const std::string& name);
/// "none", "cawe", "color", "color+cawe", "afda", "medga", "clahe", the controls "uniform", "centre" and
/// "colormap", and what was registered; sorted.
std::vector<std::string> enhancer_names();
/// Throws Code::usage for an unknown name (with the nearest one) or for options that the method misses.
std::unique_ptr<Enhancer> make_enhancer(const std::string& name, const EnhancerOptions& options);

}  // namespace cawe::models
