// SPDX-License-Identifier: Apache-2.0
// The loader: order as a pure function, workers and ranks that change nothing, resuming, errors, the cache.
#include "data/loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::data {
namespace {

constexpr float kMasked = std::numeric_limits<float>::quiet_NaN();

/// n samples of 40 x 20 px; decode gives a picture full of index / 100 with a bright box.
Dataset made_up(int n) {
  Dataset data;
  data.label_names = {"a", "b"};
  data.class_names = {"x", "y"};
  for (int i = 0; i < n; ++i) {
    Sample sample;
    sample.image_id = sample.patient_id = std::to_string(i);
    sample.path = sample.image_id + ".png";
    sample.width = 40;
    sample.height = 20;
    sample.labels = {float(i % 2), i % 3 ? 0.f : kMasked};
    if (i % 4) {
      sample.boxes = {{8, 4, 24, 16}};
      sample.box_classes = {i % 2};
    }
    data.samples.push_back(sample);
  }
  return data;
}

FloatImage decode(const Sample& sample) {
  FloatImage image(40, 20, 1);
  for (float& v : image.pixels) v = std::stof(sample.image_id) / 100;
  for (const Box& box : sample.boxes)
    for (int y = int(box.y1); y < int(box.y2); ++y)
      for (int x = int(box.x1); x < int(box.x2); ++x) image.at(x, y) = 1;
  return image;
}

std::vector<int64_t> all(const Dataset& data) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < data.samples.size(); ++i) out.push_back(int64_t(i));
  return out;
}

LoaderOptions options() {
  LoaderOptions o;
  o.batch = 4;
  o.width = 20;
  o.height = 10;
  o.seed = 11;
  o.workers = 0;
  o.augment = true;
  o.decode = decode;
  return o;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  const std::vector<float> x = a.to_vector<float>(), y = b.to_vector<float>();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
}

void expect_same(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_TRUE(same_bytes(a.images, b.images)) << "step " << a.step;
  EXPECT_TRUE(same_bytes(a.labels, b.labels));
  ASSERT_EQ(a.boxes.size(), b.boxes.size());
  for (size_t i = 0; i < a.boxes.size(); ++i) {
    ASSERT_EQ(a.boxes[i].size(), b.boxes[i].size());
    EXPECT_EQ(a.box_classes[i], b.box_classes[i]);
    for (size_t k = 0; k < a.boxes[i].size(); ++k) EXPECT_EQ(a.boxes[i][k].x1, b.boxes[i][k].x1);
  }
}

TEST(Loader, FullBatchesAndEveryImageOnceAnEpoch) {
  const Dataset data = made_up(10);
  const Loader loader(data, all(data), options());
  EXPECT_EQ(loader.steps_per_epoch(), 3);
  std::vector<int64_t> stream;
  for (int64_t step = 0; step < 15; ++step) {
    const std::vector<int64_t> part = loader.order(step);
    ASSERT_EQ(part.size(), 4u);
    stream.insert(stream.end(), part.begin(), part.end());
  }
  std::set<std::vector<int64_t>> epochs;
  for (size_t epoch = 0; epoch < 6; ++epoch) {
    const std::vector<int64_t> part(stream.begin() + int64_t(epoch) * 10,
                                    stream.begin() + int64_t(epoch + 1) * 10);
    EXPECT_EQ(std::set<int64_t>(part.begin(), part.end()).size(), 10u);
    epochs.insert(part);
  }
  EXPECT_EQ(epochs.size(), 6u) << "each epoch has its own order";
  EXPECT_EQ(loader.order(3), loader.order(3)) << "going back gives the same";
}

// Another order would be as good, but a run that is resumed, perhaps by a later version, has to go on in this one.
TEST(Loader, AnEpochIsThePermutationOfItsSeedAndNumber) {
  const Dataset data = made_up(20);
  const std::vector<int64_t> chosen = {2, 3, 5, 7, 11, 13, 17};
  const Loader loader(data, chosen, options());
  for (int64_t position = 0; position < 28; ++position) {
    const std::vector<int64_t> order = Random(11, "order", uint64_t(position / 7)).permutation(7);
    EXPECT_EQ(loader.order(position / 4)[size_t(position % 4)], chosen[size_t(order[size_t(position % 7)])])
        << position;
  }
}

TEST(Loader, WhatABatchHolds) {
  const Dataset data = made_up(10);
  LoaderOptions o = options();
  o.shuffle = o.augment = false;
  Loader loader(data, {5, 4, 3}, o);
  const Batch batch = loader.next();
  EXPECT_EQ(batch.samples, (std::vector<int64_t>{5, 4, 3}));
  EXPECT_EQ(batch.images.shape(), (Shape{3, 1, 10, 20}));
  EXPECT_TRUE(batch.images.is_channels_last());
  const std::vector<float> pixels = batch.images.to_vector<float>();
  EXPECT_FLOAT_EQ(pixels[0], 0.05f) << "top left of sample 5";
  EXPECT_FLOAT_EQ(pixels[5 * 20 + 8], 1.f);
  EXPECT_FLOAT_EQ(pixels[200], 0.04f);
  const std::vector<float> labels = batch.labels.to_vector<float>();
  EXPECT_EQ(labels[0], 1.f);
  EXPECT_EQ(labels[1], 0.f);
  EXPECT_TRUE(std::isnan(labels[5])) << "sample 3 is masked";
  ASSERT_EQ(batch.boxes[0].size(), 1u);
  EXPECT_EQ(batch.boxes[0][0].x2, 12.f) << "boxes are in the network's pixels";
  EXPECT_TRUE(batch.boxes[1].empty()) << "an image without boxes";
  EXPECT_EQ(batch.geometry[0].to_original(batch.boxes[0][0]).x2, 24.f);
  EXPECT_THROW(loader.next(), Error) << "the end of an evaluation";
}

TEST(Loader, GrayFilmsBesideColourOnesHaveThreeChannels) {
  const Dataset data = made_up(6);
  LoaderOptions o = options();
  o.shuffle = o.augment = false;
  o.batch = 2;
  o.enhance = [](FloatImage& image, const Sample& sample) {
    if (sample.image_id != "3") return;
    FloatImage color(image.width, image.height, 3);
    for (size_t i = 0; i < image.pixels.size(); ++i) color.pixels[3 * i + 1] = image.pixels[i];
    image = color;
  };
  Loader loader(data, {1, 2, 4, 3}, o);
  const Batch gray = loader.next(), mixed = loader.next();
  EXPECT_EQ(gray.images.shape(), (Shape{2, 1, 10, 20}));
  ASSERT_EQ(mixed.images.shape(), (Shape{2, 3, 10, 20}));
  EXPECT_TRUE(mixed.images.is_channels_last());
  const std::vector<float> pixels = mixed.images.to_vector<float>();
  for (size_t i = 0; i < 600; ++i) EXPECT_FLOAT_EQ(pixels[i], 0.04f);
  EXPECT_EQ(pixels[600], 0.f);
  EXPECT_FLOAT_EQ(pixels[800], 0.03f);
  EXPECT_EQ(pixels[1000], 0.f);
}

// The middle 20 columns of 40 are kept: a box at the edge is cut, one beside it is gone, one of which a
// sliver is seen becomes an ignored region.
TEST(Loader, BoxesThatACropCutsAreCounted) {
  Dataset data = made_up(2);
  data.class_names = {"a", "b", "c", "d"};
  for (Sample& sample : data.samples) {
    sample.boxes = {{0, 2, 20, 10}, {0, 2, 9, 10}, {9, 4, 10.5f, 18}, {12, 2, 14, 4}};
    sample.box_classes = {0, 1, 2, 3};
    sample.ignored = {{20, 0, 40, 20}, {0, 0, 5, 5}};
  }
  LoaderOptions o = options();
  o.shuffle = o.augment = false;
  o.width = o.height = 20;
  o.fit = Fit::crop;
  const Batch batch = Loader(data, all(data), o).next();
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(batch.boxes[i].size(), 2u);
    EXPECT_EQ(batch.boxes[i][0].x1, 0.f);
    EXPECT_EQ(batch.boxes[i][0].x2, 10.f);
    EXPECT_EQ(batch.boxes[i][1].x1, 2.f);
    EXPECT_EQ(batch.box_classes[i], (std::vector<int>{0, 3}));
    ASSERT_EQ(batch.ignored[i].size(), 2u);
    EXPECT_EQ(batch.ignored[i][0].x2, 20.f) << "what was ignored before, clipped";
    EXPECT_EQ(batch.ignored[i][1].x2, 0.5f) << "the sliver";
  }
  EXPECT_EQ(batch.boxes_cut, 2);
  EXPECT_EQ(batch.boxes_dropped, 4);
}

TEST(Loader, SmallLesionsStayAndCountsAddUpOverRanks) {
  Dataset data = made_up(8);
  for (Sample& sample : data.samples) {
    sample.boxes = {{19, 9, 19.7f, 10}, {0, 0, 6, 20}};  // under 2 % of the side; at the edge
    sample.box_classes = {0, 1};
  }
  LoaderOptions o = options();
  o.augmentation.shift = 0.6;
  int64_t cut = 0, dropped = 0, ranks_cut = 0, ranks_dropped = 0;
  const Loader one(data, all(data), o);
  for (int64_t step = 0; step < 8; ++step) {
    const Batch batch = one.at(step);
    cut += batch.boxes_cut;
    dropped += batch.boxes_dropped;
    for (const auto& classes : batch.box_classes)
      EXPECT_TRUE(!classes.empty() && classes[0] == 0) << "a whole box was lost at step " << step;
    for (int rank = 0; rank < 2; ++rank) {
      LoaderOptions part = o;
      part.rank = rank;
      part.ranks = 2;
      const Batch mine = Loader(data, all(data), part).at(step);
      ranks_cut += mine.boxes_cut;
      ranks_dropped += mine.boxes_dropped;
    }
  }
  EXPECT_GT(cut, 0);
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(ranks_cut, cut);
  EXPECT_EQ(ranks_dropped, dropped);
}

TEST(Loader, WorkersAndCacheChangeNothing) {
  const Dataset data = made_up(13);
  LoaderOptions o = options();
  Loader plain(data, all(data), o);
  for (const auto& [workers, cache] :
       {std::pair(1, size_t(0)), std::pair(3, size_t(1) << 20), std::pair(2, size_t(2000))}) {
    o.workers = workers;
    o.cache_bytes = cache;
    Loader loader(data, all(data), o);
    for (int64_t step = 0; step < 12; ++step) expect_same(loader.next(), plain.at(step));
  }
}

TEST(Loader, ResumesAnywhere) {
  const Dataset data = made_up(13);
  LoaderOptions o = options();
  o.workers = 2;
  Loader first(data, all(data), o), second(data, all(data), o);
  std::vector<Batch> batches;
  for (int i = 0; i < 9; ++i) batches.push_back(first.next());
  for (const int64_t step : {7, 2, 5}) {
    second.seek(step);
    expect_same(second.next(), batches[size_t(step)]);
    expect_same(second.next(), batches[size_t(step) + 1]);
  }
}

TEST(Loader, RanksTakeTheirPartOfTheSameBatch) {
  const Dataset data = made_up(13);
  LoaderOptions o = options();
  const Loader whole(data, all(data), o);
  o.ranks = 2;
  const Loader left(data, all(data), o);
  o.rank = 1;
  const Loader right(data, all(data), o);
  for (int64_t step = 0; step < 5; ++step) {
    const Batch all_of_it = whole.at(step), a = left.at(step), b = right.at(step);
    EXPECT_TRUE(same_bytes(all_of_it.images.slice(0, 0, 2), a.images));
    EXPECT_TRUE(same_bytes(all_of_it.images.slice(0, 2, 4), b.images));
    EXPECT_EQ(all_of_it.samples[2], b.samples[0]);
  }
  o.batch = 5;
  EXPECT_THROW(Loader(data, all(data), o), Error);
}

TEST(Loader, EnhancedOncePerImageBeforeAugmenting) {
  const Dataset data = made_up(6);
  std::atomic<int> calls{0};
  LoaderOptions o = options();
  o.augment = false;
  o.enhance = [&calls](FloatImage& image, const Sample& sample) {
    ++calls;
    FloatImage color(image.width, image.height, 3);
    for (size_t i = 0; i < image.pixels.size(); ++i) {
      color.pixels[3 * i] = image.pixels[i] / 2;
      color.pixels[3 * i + 2] = std::stof(sample.image_id) / 10;
    }
    image = color;
  };
  Loader loader(data, all(data), o);
  for (int i = 0; i < 6; ++i) {
    const Batch batch = loader.next();
    const std::vector<float> pixels = batch.images.to_vector<float>();
    EXPECT_FLOAT_EQ(pixels[0], float(batch.samples[0]) / 200);
    EXPECT_FLOAT_EQ(pixels[200], 0.f);
    EXPECT_FLOAT_EQ(pixels[400], float(batch.samples[0]) / 10);
  }
  EXPECT_EQ(calls, 6);
  o.enhance = [](FloatImage& image, const Sample&) { image = FloatImage(3, 3, 1); };
  Loader wrong(data, all(data), o);
  EXPECT_THROW(wrong.next(), Error);
}

TEST(Loader, ErrorsOfWorkersReachTheCaller) {
  const Dataset data = made_up(12);
  LoaderOptions o = options();
  o.shuffle = o.augment = false;
  o.workers = 2;
  o.decode = [](const Sample& sample) {
    if (sample.image_id == "6") fail(Code::data, sample.path, ": truncated");
    return decode(sample);
  };
  Loader loader(data, all(data), o);
  EXPECT_EQ(loader.next().samples[0], 0);
  for (int again = 0; again < 2; ++again) {
    try {
      loader.next();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "6.png: truncated");
    }
  }
  loader.seek(2);
  EXPECT_EQ(loader.next().samples[0], 8) << "after the bad batch";
}

TEST(Loader, AWrongSizeIsNoticed) {
  Dataset data = made_up(4);
  data.samples[2].width = 41;
  LoaderOptions o = options();
  Loader loader(data, all(data), o);
  EXPECT_THROW(loader.next(), Error);
  EXPECT_THROW(Loader(data, {}, o), Error);
}

}  // namespace
}  // namespace cawe::data
