// SPDX-License-Identifier: Apache-2.0
#include "train/batch_feed.h"

#include <utility>

#include "tensor/backend.h"

namespace cawe::train {

BatchFeed::BatchFeed(data::Loader& loader, Place place) : loader_(loader), place_(place) {}

void BatchFeed::place_pictures(data::Batch* batch) { batch->images = batch->images.to(compute_device()); }

data::Batch BatchFeed::fetch() {
  data::Batch batch = loader_.next();
  if (place_ != kOnHost) place_(&batch);
  return batch;
}

data::Batch BatchFeed::next() {
  if (problem_) std::rethrow_exception(std::exchange(problem_, nullptr));
  if (!ahead_) return fetch();
  data::Batch batch = std::move(*ahead_);
  ahead_.reset();
  return batch;
}

void BatchFeed::fetch_ahead() {
  if (place_ == kOnHost || compute_device() == Device::cpu || ahead_ || problem_ || !loader_.ready()) return;
  try {
    ahead_ = fetch();
  } catch (...) {
    // The present step is none the worse: it ends, and is logged and saved where that is due.
    problem_ = std::current_exception();
  }
}

void BatchFeed::seek(int64_t step) {
  ahead_.reset();
  problem_ = nullptr;
  loader_.seek(step);
}

}  // namespace cawe::train
