// SPDX-License-Identifier: Apache-2.0
// The loader: a pure function from step to batch, a bounded cache, and worker threads that prefetch.
#include "data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "data/decode.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe::data {
namespace {

/// Cache of fitted pictures by sample. It fills up and then keeps what it has: over random permutations that
/// hits as often as any replacement rule, without bookkeeping.
class PictureCache {
 public:
  explicit PictureCache(size_t bytes) : room_(bytes) {}

  bool get(int64_t sample, FloatImage* image, Geometry* geometry) const {
    std::shared_ptr<const Entry> entry;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = entries_.find(sample);
      if (found == entries_.end()) return false;
      entry = found->second;
    }
    *image = entry->image;
    *geometry = entry->geometry;
    return true;
  }

  void put(int64_t sample, const FloatImage& image, const Geometry& geometry) {
    const size_t bytes = image.pixels.size() * sizeof(float);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (bytes > room_ || entries_.count(sample)) return;
    room_ -= bytes;
    entries_[sample] = std::make_shared<const Entry>(Entry{image, geometry});
  }

 private:
  struct Entry {
    FloatImage image;
    Geometry geometry;
  };
  mutable std::mutex mutex_;
  size_t room_;
  std::unordered_map<int64_t, std::shared_ptr<const Entry>> entries_;
};

/// The permutations of the last few epochs.
class EpochOrder {
 public:
  EpochOrder(uint64_t seed, int64_t n) : seed_(seed), n_(n) {}

  int64_t at(int64_t position) {
    const int64_t epoch = position / n_;
    const std::lock_guard<std::mutex> lock(mutex_);
    auto found = permutations_.find(epoch);
    if (found == permutations_.end()) {
      if (permutations_.size() >= 4) permutations_.erase(permutations_.begin());
      found = permutations_.emplace(epoch, Random(seed_, "order", uint64_t(epoch)).permutation(n_)).first;
    }
    return found->second[size_t(position % n_)];
  }

 private:
  uint64_t seed_;
  int64_t n_;
  std::mutex mutex_;
  std::map<int64_t, std::vector<int64_t>> permutations_;
};

}  // namespace

class Loader::Impl {
 public:
  Impl(const Dataset& dataset, std::vector<int64_t> indices, LoaderOptions options)
      : dataset_(dataset),
        indices_(std::move(indices)),
        options_(std::move(options)),
        order_(options_.seed, int64_t(indices_.size())),
        cache_(options_.cache_bytes) {
    check_options();
    if (!options_.decode) options_.decode = decode_gray;
    for (int i = 0; i < options_.workers; ++i) threads_.emplace_back([this] { work(); });
  }

  ~Impl() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  int64_t count() const { return int64_t(indices_.size()); }
  int64_t steps_per_epoch() const { return (count() + options_.batch - 1) / options_.batch; }

  std::vector<int64_t> order(int64_t step) {
    CAWE_CHECK(step >= 0 && (options_.shuffle || step < steps_per_epoch()), Code::internal, "loader: step ",
               step, " of ", steps_per_epoch());
    const int64_t begin = step * options_.batch;
    const int64_t end = options_.shuffle ? begin + options_.batch : std::min(count(), begin + options_.batch);
    std::vector<int64_t> samples;
    for (int64_t p = begin; p < end; ++p)
      samples.push_back(indices_[size_t(options_.shuffle ? order_.at(p) : p)]);
    return samples;
  }

  Batch at(int64_t step) {
    const std::vector<int64_t> all = order(step);
    const int64_t n = int64_t(all.size());
    const int64_t begin = n * options_.rank / options_.ranks, end = n * (options_.rank + 1) / options_.ranks;
    Batch batch;
    batch.step = step;
    batch.samples.assign(all.begin() + begin, all.begin() + end);
    const int64_t size = end - begin, labels = int64_t(dataset_.label_names.size());
    if (labels > 0) batch.labels = Tensor::empty({size, labels});
    std::vector<FloatImage> pictures;
    for (int64_t i = 0; i < size; ++i) pictures.push_back(fill(step * options_.batch + begin + i, i, &batch));
    batch.images = joined(pictures);
    return batch;
  }

  FloatImage picture(int64_t index, Geometry* geometry) {
    FloatImage image;
    if (cache_.get(index, &image, geometry)) return image;
    const Sample& sample = dataset_.samples[size_t(index)];
    image = options_.decode(sample);
    CAWE_CHECK(sample.width == 0 || (sample.width == image.width && sample.height == image.height),
               Code::data, sample.path, ": is ", image.width, " x ", image.height, " px (its labels are for ",
               sample.width, " x ", sample.height, ")");
    image = fit_image(image, options_.width, options_.height, options_.fit, options_.filter, geometry);
    if (options_.enhance) enhance(&image, sample);
    cache_.put(index, image, *geometry);
    return image;
  }

  Batch next() {
    const int64_t wanted = step_;
    if (threads_.empty()) {
      Batch batch = at(wanted);
      ++step_;
      return batch;
    }
    CAWE_CHECK(options_.shuffle || wanted < steps_per_epoch(), Code::internal,
               "loader: next() behind the last of ", steps_per_epoch(), " batches");
    std::unique_lock<std::mutex> lock(mutex_);
    ready_.wait(lock, [&] { return results_.count(wanted) > 0; });
    Result result = std::move(results_.at(wanted));
    results_.erase(wanted);
    if (result.error) {
      results_[wanted].error = result.error;  // a second call throws the same error instead of waiting
      std::rethrow_exception(result.error);
    }
    ++step_;
    lock.unlock();
    room_.notify_all();
    return std::move(result.batch);
  }

  bool ready() const {
    if (threads_.empty()) return true;
    const std::lock_guard<std::mutex> lock(mutex_);
    return results_.count(step_) > 0;
  }

  void seek(int64_t step) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++generation_;  // results that workers still compute for the old position are discarded
      step_ = next_ = step;
      results_.clear();
    }
    room_.notify_all();
  }

 private:
  struct Result {
    Batch batch;
    std::exception_ptr error;
  };

  void check_options() const {
    const LoaderOptions& o = options_;
    CAWE_CHECK(!indices_.empty(), Code::data, "loader: no images (expected at least one)");
    for (const int64_t i : indices_)
      CAWE_CHECK(i >= 0 && i < int64_t(dataset_.samples.size()), Code::internal, "loader: index ", i, " of ",
                 dataset_.samples.size(), " samples");
    CAWE_CHECK(o.batch >= 1 && o.width >= 1 && o.height >= 1, Code::usage, "loader: batch ", o.batch,
               ", size ", o.width, " x ", o.height, " (expected at least 1)");
    CAWE_CHECK(o.ranks >= 1 && o.rank >= 0 && o.rank < o.ranks, Code::internal, "loader: rank ", o.rank,
               " of ", o.ranks);
    CAWE_CHECK(!o.shuffle || o.batch % o.ranks == 0, Code::usage, "loader: a batch of ", o.batch,
               " does not divide among ", o.ranks, " ranks");
    CAWE_CHECK(o.workers >= 0 && o.ahead >= 1, Code::usage, "loader: ", o.workers, " workers, ", o.ahead,
               " batches ahead (expected at least 0 and 1)");
  }

  void enhance(FloatImage* image, const Sample& sample) const {
    options_.enhance(*image, sample);
    CAWE_CHECK(image->width == options_.width && image->height == options_.height, Code::internal,
               sample.path, ": the enhancer gave ", image->width, " x ", image->height, " px (expected ",
               options_.width, " x ", options_.height, ")");
  }

  /// Item i of the batch from position `position` of the order; returns its picture.
  FloatImage fill(int64_t position, int64_t i, Batch* batch) {
    const int64_t index = batch->samples[size_t(i)];
    const Sample& sample = dataset_.samples[size_t(index)];
    Geometry geometry;
    FloatImage image = picture(index, &geometry);
    std::optional<Augmentation> draw;
    if (options_.augment) {
      draw = draw_augmentation(options_.augmentation, options_.seed, position / count(), index);
      image = augment_image(image, *draw);
    }
    add_boxes(sample, geometry, draw ? &*draw : nullptr, batch);
    if (batch->labels) {
      CAWE_CHECK(int64_t(sample.labels.size()) == batch->labels.dim(1), Code::internal, sample.path, ": has ",
                 sample.labels.size(), " labels (expected ", batch->labels.dim(1), ")");
      std::copy(sample.labels.begin(), sample.labels.end(),
                batch->labels.data<float>() + i * batch->labels.dim(1));
    }
    batch->geometry.push_back(geometry);
    return image;
  }

  /// Boxes and ignored regions of an item, where its picture has them.
  void add_boxes(const Sample& sample, const Geometry& geometry, const Augmentation* draw,
                 Batch* batch) const {
    const auto place = [&](const std::vector<Box>& boxes, const BoxRules& rules) {
      return place_boxes(to_network(boxes, geometry), draw, options_.width, options_.height, rules);
    };
    PlacedBoxes lesions = place(sample.boxes, options_.box_rules);
    std::vector<Box> ignored = place(sample.ignored, {0, 0}).boxes;
    ignored.insert(ignored.end(), lesions.unclear.begin(), lesions.unclear.end());
    std::vector<int> classes;
    for (const size_t k : lesions.kept) classes.push_back(sample.box_classes[k]);
    batch->boxes_cut += lesions.cut;
    batch->boxes_dropped += lesions.dropped;
    batch->boxes.push_back(std::move(lesions.boxes));
    batch->box_classes.push_back(std::move(classes));
    batch->ignored.push_back(std::move(ignored));
  }

  static std::vector<Box> to_network(const std::vector<Box>& boxes, const Geometry& geometry) {
    std::vector<Box> out;
    for (const Box& box : boxes) out.push_back(geometry.to_network(box));
    return out;
  }

  /// Pictures one after the other, gray ones in three channels where another is RGB.
  Tensor joined(const std::vector<FloatImage>& pictures) const {
    int channels = 1;
    for (const FloatImage& p : pictures) {
      CAWE_CHECK(p.channels == 1 || p.channels == 3, Code::shape, "loader: a picture of ", p.channels,
                 " channels (expected gray or RGB)");
      channels = std::max(channels, p.channels);
    }
    Tensor all = Tensor::empty({int64_t(pictures.size()), channels, options_.height, options_.width},
                               DType::f32, Layout::channels_last);
    float* to = all.data<float>();
    for (const FloatImage& p : pictures)
      for (const float value : p.pixels)
        for (int copies = channels / p.channels; copies > 0; --copies) *to++ = value;
    return all;
  }

  /// A worker thread: takes the next free step, computes its batch, stores it.
  void work() {
    set_num_threads(1);
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      room_.wait(lock, [this] { return stop_ || may_start(); });
      if (stop_) return;
      const int64_t step = next_++, generation = generation_;
      lock.unlock();
      Result result;
      try {
        result.batch = at(step);
      } catch (...) {  // handed to the caller of next()
        result.error = std::current_exception();
      }
      lock.lock();
      if (generation != generation_) continue;
      results_[step] = std::move(result);
      ready_.notify_all();
    }
  }

  bool may_start() const {
    return next_ < step_ + options_.ahead && (options_.shuffle || next_ < steps_per_epoch());
  }

  const Dataset& dataset_;
  const std::vector<int64_t> indices_;
  LoaderOptions options_;
  EpochOrder order_;
  PictureCache cache_;

  mutable std::mutex mutex_;  // guards everything below, except step_, which only the caller's thread uses
  std::condition_variable room_, ready_;
  std::map<int64_t, Result> results_;
  int64_t step_ = 0, next_ = 0, generation_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

Loader::Loader(const Dataset& dataset, std::vector<int64_t> indices, LoaderOptions options)
    : impl_(std::make_unique<Impl>(dataset, std::move(indices), std::move(options))) {}
Loader::~Loader() = default;
int64_t Loader::steps_per_epoch() const { return impl_->steps_per_epoch(); }
std::vector<int64_t> Loader::order(int64_t step) const { return impl_->order(step); }
Batch Loader::at(int64_t step) const { return impl_->at(step); }
Batch Loader::next() { return impl_->next(); }
bool Loader::ready() const { return impl_->ready(); }
void Loader::seek(int64_t step) { impl_->seek(step); }

FloatImage Loader::picture(int64_t sample, Geometry* geometry) const {
  Geometry ignored;
  return impl_->picture(sample, geometry ? geometry : &ignored);
}

Batch part_of(const Batch& batch, int64_t begin, int64_t end) {
  const auto items = [&](const auto& all) {
    using List = std::decay_t<decltype(all)>;
    return all.empty() ? List() : List(all.begin() + begin, all.begin() + end);
  };
  Batch part;
  part.step = batch.step;
  part.images = batch.images.slice(0, begin, end);
  if (batch.gray.defined()) part.gray = batch.gray.slice(0, begin, end);
  if (batch.labels.defined()) part.labels = batch.labels.slice(0, begin, end);
  part.boxes = items(batch.boxes);
  part.box_classes = items(batch.box_classes);
  part.ignored = items(batch.ignored);
  part.samples = items(batch.samples);
  part.geometry = items(batch.geometry);
  return part;
}

}  // namespace cawe::data
