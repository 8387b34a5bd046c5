// SPDX-License-Identifier: Apache-2.0
// Prefetched batches: worker threads decode, enhance and augment, in an order that is a pure function of seed
// and step.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "data/float_image.h"
#include "data/sample.h"
#include "data/transforms.h"
#include "tensor/tensor.h"

namespace cawe::data {

/// How batches are formed and images fitted.
struct LoaderOptions {
  int64_t batch = 8;  ///< of all ranks together
  int width = 128, height = 128;
  uint64_t seed = 0;
  /// true: training. The order is one endless sequence of epochs, each a permutation keyed by (seed, epoch);
  /// batch s holds positions [s * batch, (s + 1) * batch), so batches are always full and every epoch has
  /// every image. false: evaluation. Samples in order, once; the last batch may be short.
  bool shuffle = true;
  bool augment = false;
  AugmentOptions augmentation;
  BoxRules box_rules;  ///< of boxes that an augmentation or Fit::crop cuts
  Fit fit = Fit::stretch;
  Filter filter = Filter::triangle;

  int workers = 2;                       ///< worker threads; 0: next() does everything itself
  int64_t ahead = 4;                     ///< batches that are prefetched at most
  size_t cache_bytes = size_t(1) << 30;  ///< for fitted and enhanced images, before augmenting; 0: no cache
  int64_t rank = 0, ranks = 1;           ///< this rank gets its contiguous part of every batch

  /// Reads a sample's picture in [0, 1]. Default: decode_gray().
  std::function<FloatImage(const Sample&)> decode;
  /// Changes the fitted picture in [0, 1] before it is cached and augmented; may turn gray into RGB. Its
  /// result must depend on its arguments alone; it is called from several threads at once, each limited to
  /// one lane thread.
  std::function<void(FloatImage&, const Sample&)> enhance;
};

/// One batch, or one rank's part of it: B images with their labels and boxes.
struct Batch {
  int64_t step = 0;
  /// f32 [B, channels, height, width] in [0, 1], channels-last in memory; 3 channels where a picture is RGB, else 1. A
  /// network's input is made of them on its device (models::normalised_films): they get there by themselves, in a third
  /// of the bytes where all are gray.
  Tensor images;
  Tensor gray;    ///< f32 [B, 1, height, width], the images' luma, where a course has added it
  Tensor labels;  ///< f32 [B, labels], NaN = masked; undefined where the data set has no labels
  std::vector<std::vector<Box>> boxes;        ///< pixels of the network's image
  std::vector<std::vector<int>> box_classes;  ///< index into Dataset::class_names
  /// Regions that are neither lesion nor background: Sample::ignored, and boxes of which too little is seen.
  std::vector<std::vector<Box>> ignored;
  int64_t boxes_cut = 0, boxes_dropped = 0;  ///< of these items, see PlacedBoxes; 0 in a part_of()
  std::vector<int64_t> samples;              ///< positions in Dataset::samples
  std::vector<Geometry> geometry;            ///< from original to network pixels, before augmenting
};

/// Items [begin, end) of a batch; the tensors share its storage.
Batch part_of(const Batch& batch, int64_t begin, int64_t end);

/// Batches of a data set in order, prefetched by worker threads.
class Loader {
 public:
  /// `dataset` must outlive the loader. `indices` choose the samples. Throws data for an empty choice.
  Loader(const Dataset& dataset, std::vector<int64_t> indices, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Evaluation: the number of batches. Training: the number of batches that begin in one epoch, rounded up.
  int64_t steps_per_epoch() const;
  /// Positions in Dataset::samples of the whole batch at a step, over all ranks; a pure function.
  std::vector<int64_t> order(int64_t step) const;
  /// This rank's part of the batch at a step, computed by the caller; pure and thread-safe.
  Batch at(int64_t step) const;

  /// The batch at the current step; moves to the next step. Throws what a worker threw for it. In evaluation,
  /// Code::internal after the last batch.
  Batch next();
  /// Whether next() returns, or throws, without waiting for a worker thread.
  bool ready() const;
  /// Goes to a step, e.g. when a run is resumed.
  void seek(int64_t step);

  /// A sample's picture as a batch would have it, but not augmented; from the cache if it is there.
  FloatImage picture(int64_t sample, Geometry* geometry = nullptr) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cawe::data
