// SPDX-License-Identifier: Apache-2.0
// The interface of RetinaNet and Faster R-CNN: targets, losses, detections. Training and the program know a
// detector through it alone. What decides between boxes is computed where the network is, for a whole batch at once.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/detection.h"
#include "nn/module.h"

namespace cawe::models {

/// Keys an image's random draws in a step (which anchors and proposals are sampled), so that they are the
/// same in every rank and after a resume.
struct DrawKey {
  uint64_t seed = 0, step = 0, image = 0;
};

/// A detector: how it is trained and what it finds.
class DetectionModel : public nn::Module {
 public:
  /// What loss_of() needs of a batch of height x width images: the true boxes and the draws (truths.h). An image may have
  /// no boxes. `images` are names for errors and may be empty. The first tensor has at least `least_rows` rows for each
  /// image (packed()). Throws Code::data for bad boxes, and where an image has nothing to learn from.
  virtual std::vector<Tensor> targets(int64_t height, int64_t width, const std::vector<Truth>& truths,
                                      const std::vector<DrawKey>& draws, Device device,
                                      const std::vector<std::string>& images = {}, int64_t least_rows = 0);

  struct Losses {
    Variable total;                                     ///< one element: the mean over the batch of all ranks
    std::vector<std::pair<std::string, Tensor>> parts;  ///< its terms by name, one element each
    double part(const std::string& name) const;         ///< on the host; throws Code::usage for a wrong name
  };
  /// x [N, 3, H, W], normalised. Needs no value on the host where there is one rank, so that a device may capture it.
  /// That it is finite does not say that all outputs are: offsets of background, and whatever is left out, enter no loss
  /// (but for the proposal network's outputs, which all do: region_proposals.h). Where their features or weights are not
  /// finite, gradients are not either, 0 times infinity being NaN, so whoever trains must look at their norm. An output that
  /// overflows behind finite features and weights shows in neither; it trains nothing, and find() tells of it.
  virtual Losses loss_of(const Variable& x, const std::vector<Tensor>& targets) = 0;
  /// targets() and then loss_of(); draws of image i are keyed by (0, 0, i).
  Losses loss(const Variable& x, const std::vector<Truth>& truths);

  /// Detections of each image, boxes in pixels of x; network in evaluation mode. On a device nothing waits for the host, so
  /// that it may be captured.
  virtual FoundOnDevice find(const Tensor& x) = 0;
  /// find() and then to_host().
  std::vector<Detections> detect(const Tensor& x, const std::vector<std::string>& images = {});

  virtual int64_t classes() const = 0;  ///< foreground classes
  virtual PostprocessSettings& postprocess_settings() = 0;
};

}  // namespace cawe::models
