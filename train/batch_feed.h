// SPDX-License-Identifier: Apache-2.0
// The batches of a training's steps: on a device each is uploaded while the step before it is computed, unless a step takes
// it in parts.
#pragma once

#include <exception>
#include <optional>

#include "data/loader.h"

namespace cawe::train {

/// Batches of a loader in order, with their pictures on compute_device(), or left where the loader made them.
class BatchFeed {
 public:
  /// Brings a batch's pictures to compute_device(), asking for no value from there. None: they stay on the host.
  using Place = void (*)(data::Batch* batch);
  static constexpr Place kOnHost = nullptr;
  /// `loader` must outlive the feed.
  explicit BatchFeed(data::Loader& loader, Place place = place_pictures);
  static void place_pictures(data::Batch* batch);

  /// The next batch. Throws what the loader throws.
  data::Batch next();
  /// For when a step's work is queued and nothing has waited for it: where computing is not the host's, takes the batch
  /// after that of next(), if the loader has it, and queues its upload. What goes wrong is thrown by next(). Nothing is done
  /// where pictures stay on the host: the loader itself works ahead.
  void fetch_ahead();
  /// Goes to a step of the loader; what was fetched ahead is forgotten.
  void seek(int64_t step);

 private:
  data::Batch fetch();
  data::Loader& loader_;
  Place place_;
  std::optional<data::Batch> ahead_;
  std::exception_ptr problem_;
};

}  // namespace cawe::train
