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
  uint64_t seed = 0;  ///< medga's search
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
  /// Maps [N, 1, H, W] of gray [N, 1, H, W], with their classes and ranges.
  AttentionMaps maps(const Tensor& film);

 private:
  Tensor network_input(const Tensor& gray) const;
  EnhancerOptions options_;
  struct State;
  std::unique_ptr<State> state_;
};

using EnhancerFactory = std::function<std::unique_ptr<Enhancer>(const EnhancerOptions&)>;
/// Adds a method under a name of its own.
void register_enhancer(const std::string& name, EnhancerFactory factory);
/// "none", "cawe", "clahe", "afda", "medga", "color", "color+cawe" and what was registered; sorted.
std::vector<std::string> enhancer_names();
/// Throws Code::usage for an unknown name (with the nearest one) or for options that the method misses.
std::unique_ptr<Enhancer> make_enhancer(const std::string& name, const EnhancerOptions& options);

}  // namespace cawe::models
