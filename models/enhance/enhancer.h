// SPDX-License-Identifier: Apache-2.0
// Enhancer: what turns a gray film into the detector's input picture; and how one is made by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/cawe.h"
#include "models/colorizer/colorize.h"
#include "models/enhance/method.h"

namespace cawe::models {

/// An enhancement method with its settings and models.
class Enhancer {
 public:
  virtual ~Enhancer() = default;
  virtual std::string name() const = 0;
  /// Everything that decides the result, as one canonical JSON object, for manifests and cache keys. Weights
  /// are not in it; whoever loaded them names them beside it.
  virtual std::string settings() const = 0;
  /// gray [N, 1, H, W] in [0, 1] (f32) to [N, 1 or 3, H, W] in [0, 1]. May be called from several threads.
  virtual Tensor apply(const Tensor& gray) = 0;
  /// The map [N, 1, H, W] in [0, 1] that apply() fuses the film with; undefined for methods without one. Not
  /// counted by constant_maps().
  virtual Tensor map(const Tensor& gray);
  /// What apply() would give had the film this map [N, 1, H, W] in [0, 1] instead of its own: controls are made so.
  /// Throws Code::usage for methods without a map.
  virtual Tensor with_map(const Tensor& gray, const Tensor& map);
  /// What films go through while a detector learns from them, where that is something else (a method that draws for
  /// each film, from `seed`); null: apply().
  virtual std::shared_ptr<Enhancer> in_training(uint64_t seed) const;
  /// How many maps of apply() so far were constant or not finite (cawe.h); 0 for methods without a map.
  virtual int64_t constant_maps() const { return 0; }
};

/// What the methods can be given; each uses its own part.
struct EnhancerOptions {
  std::shared_ptr<Classifier> classifier;  ///< cawe: trained, on the device that will run it
  CaweSettings cam;
  std::shared_ptr<Generator> colorizer;  ///< color, color+cawe: trained, on the device that will run it
  ColorSettings color;
  int64_t cam_input = 512;  ///< side in pixels at which the classifier sees the film; 0: the film's own
  double alpha = 0.5;       ///< fuse.alpha
  MethodValues values;      ///< of the methods' own keys; those not set have their defaults
};

/// The CAWE method; other forms of giving a detector the same map (enhance/forms.cpp) derive from it. Its maps can also
/// be had without fusion, since a control study fuses films with the maps of other films.
class CaweEnhancer : public Enhancer {
 public:
  explicit CaweEnhancer(const EnhancerOptions& options);
  ~CaweEnhancer() override;
  std::string name() const override { return "cawe"; }
  std::string settings() const override;
  Tensor apply(const Tensor& gray) override;
  int64_t constant_maps() const override;
  Tensor map(const Tensor& film) override;
  Tensor with_map(const Tensor& film, const Tensor& map) override;
  /// Maps [N, 1, H, W] of gray [N, 1, H, W], with their classes and ranges.
  AttentionMaps maps(const Tensor& film);
  const CaweSettings& cam() const { return options_.cam; }
  /// Pictures [N, 1 or 3, H, W] in [0, 1] as the classifier's input: resized, three channels, normalised.
  Tensor network_input(const Tensor& picture) const;

 protected:
  const EnhancerOptions& options() const { return options_; }

 private:
  AttentionMaps uncounted_maps(const Tensor& film) const;
  EnhancerOptions options_;
  struct State;
  std::unique_ptr<State> state_;
};

/// Throws Code::shape where gray is not [N, 1, H, W] f32.
void check_gray(const Tensor& gray);

/// Needs of a method, with the section of its own keys. Nothing for a name that is not in the list.
EnhancerNeeds enhancer_needs(const std::string& name);
/// Names of methods(), sorted.
std::vector<std::string> enhancer_names();
/// "AFDA" of "afda"; the name itself for one that is not in the list.
std::string enhancer_label(const std::string& name);
/// Throws Code::usage for an unknown name (with the nearest one) or for missing options (a classifier, say).
std::unique_ptr<Enhancer> make_enhancer(const std::string& name, const EnhancerOptions& options);

}  // namespace cawe::models
