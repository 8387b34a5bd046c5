// SPDX-License-Identifier: Apache-2.0
// RoIAlign by hand: bins of a ramp, borders, empty slots, order, and what it refuses. The table has PyTorch's
// numbers.
#include "autograd/ops/roi_align.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe {
namespace {

/// [1, C, 4, 4] with v = 4 y + x in every channel.
Variable ramp(int64_t channels = 1, DType dtype = DType::f32) {
  std::vector<float> v;
  for (int64_t i = 0; i < 16 * channels; ++i) v.push_back(float(i % 16));
  return Variable(Tensor::from(v, {1, channels, 4, 4}).to(dtype).channels_last().clone(), true);
}

Tensor boxes(const std::vector<float>& v) { return Tensor::from(v, {int64_t(v.size()) / 4, 4}); }
Tensor places(const std::vector<int32_t>& v) { return Tensor::from(v, {int64_t(v.size()) / 2, 2}); }

double only(const Variable& map, const std::vector<float>& box, const RoiAlignParams& p) {
  return roi_align({map}, boxes(box), places({0, 0}), p).value().to(DType::f64).item();
}

RoiAlignParams one_bin(bool aligned, int64_t sampling = 1, double scale = 1) {
  return {1, sampling, aligned, {scale}};
}

// The middle of the box is (1, 1), half a cell less where aligned: 4 + 1 and 2 + 0.5.
TEST(RoiAlign, SamplesARampBetweenItsCells) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    EXPECT_DOUBLE_EQ(only(ramp(1, dtype), {0, 0, 2, 2}, one_bin(false)), 5.0);
    EXPECT_DOUBLE_EQ(only(ramp(1, dtype), {0, 0, 2, 2}, one_bin(true)), 2.5);
  }
  // A quarter of the size: the same box in pixels of the image.
  EXPECT_DOUBLE_EQ(only(ramp(), {0, 0, 8, 8}, one_bin(false, 1, 0.25)), 5.0);
  // x from 0.5 to 1.5 at y = 2: bins of half a cell, centres 0.75 and 1.25; rows 1.75 and 2.25.
  const Tensor y =
      roi_align({ramp()}, boxes({0.5f, 1.5f, 1.5f, 2.5f}), places({0, 0}), {2, 1, false, {1}}).value();
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{7.75, 8.25, 9.75, 10.25}));
}

// A box of 0.2 cells: taken as one cell, centre (0.5, 0.5); left as it is where aligned, centre (-0.4, -0.4),
// which counts as 0.
TEST(RoiAlign, WidensSmallBoxesUnlessAligned) {
  EXPECT_NEAR(only(ramp(), {0, 0, 0.2f, 0.2f}, one_bin(false)), 2.5, 1e-6);
  EXPECT_NEAR(only(ramp(), {0, 0, 0.2f, 0.2f}, one_bin(true)), 0.0, 1e-6);
}

TEST(RoiAlign, BorderSamples) {
  // Centre (-0.5, 1): column 0. Centre (-1.5, 1): outside. Centre (3.5, 1): column 3. (4.5, 1): outside.
  EXPECT_DOUBLE_EQ(only(ramp(), {-1, 0.5f, 0, 1.5f}, one_bin(false)), 4.0);
  EXPECT_DOUBLE_EQ(only(ramp(), {-2, 0.5f, -1, 1.5f}, one_bin(false)), 0.0);
  EXPECT_DOUBLE_EQ(only(ramp(), {3, 0.5f, 4, 1.5f}, one_bin(false)), 7.0);
  EXPECT_DOUBLE_EQ(only(ramp(), {4, 0.5f, 5, 1.5f}, one_bin(false)), 0.0);
  // Exactly a cell before the first and after the last cell's beginning is not outside.
  EXPECT_DOUBLE_EQ(only(ramp(), {-1.5f, 0.5f, -0.5f, 1.5f}, one_bin(false)), 4.0);
  EXPECT_DOUBLE_EQ(only(ramp(), {3.5f, 0.5f, 4.5f, 1.5f}, one_bin(false)), 7.0);
  // Half of the samples outside: they are 0 and still count. Columns 3 and 4.5 at row 1: (7 + 0) / 2.
  EXPECT_DOUBLE_EQ(only(ramp(), {2.25f, 0.5f, 5.25f, 1.5f}, one_bin(false, 2)) * 2, 7.0);
}

// 3 x 2 cells, one bin: 3 x 2 samples at rows 0.5, 1.5, 2.5 and columns 0.5, 1.5; mean 4 * 1.5 + 1.
TEST(RoiAlign, AdaptiveSamplesAreAsManyAsCells) {
  EXPECT_NEAR(only(ramp(), {0, 0, 2, 3}, one_bin(false, 0)), 7.0, 1e-6);
  // 2.5 cells: three samples, 5/6 apart, at 0.41…, 1.25, 2.08…; two would be at 0.625 and 1.875. A bend in
  // the map tells them apart: column 3 is 16 higher.
  Variable bent = ramp();
  Tensor values = bent.value();
  for (int64_t y = 0; y < 4; ++y) values.data<float>()[4 * y + 3] += 16;
  const double third = 2.5 - 2.5 / 6;
  EXPECT_NEAR(only(bent, {0, 0, 2.5f, 1}, one_bin(false, 0)), 2 + 1.25 + 16 * (third - 2) / 3, 1e-5);
}

TEST(RoiAlign, EmptySlotsAreZeroAndGetNoGradient) {
  const Variable map = ramp(9);
  const Variable y =
      roi_align({map}, boxes({0, 0, 4, 4, 0, 0, 4, 4}), places({0, -1, 0, 0}), {2, 2, false, {1}});
  const std::vector<float> v = y.value().to_vector<float>();
  for (size_t i = 0; i < 36; ++i) EXPECT_EQ(v[i], 0.0f);
  EXPECT_GT(v[36], 0.0f);
  Tensor seed = Tensor::zeros(y.shape(), DType::f32, Layout::channels_last);
  seed.slice(0, 0, 1).copy_from(Tensor::full({1, 9, 2, 2}, 3.0));
  for (const float g : gradients(y, {map}, seed)[0].to_vector<float>()) EXPECT_EQ(g, 0.0f);
}

// Weights of all samples add up to 1: the gradient of a box inside the map adds up to dy's.
TEST(RoiAlign, GradientKeepsTheSum) {
  const Variable map = ramp(13);
  const Variable y = roi_align({map}, boxes({0.3f, 0.4f, 3, 2.9f}), places({0, 0}), {7, 2, false, {1}});
  const Tensor dx = gradients(y, {map})[0];
  for (int64_t c = 0; c < 13; ++c) {
    double sum = 0;
    for (const float g : dx.slice(1, c, c + 1).to_vector<float>()) sum += double(g);
    EXPECT_NEAR(sum, 49, 1e-4) << "channel " << c;
  }
}

TEST(RoiAlign, BoxesWithoutNumbersAreZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), huge = std::numeric_limits<float>::infinity();
  for (const int64_t sampling : {0, 2})
    for (const std::vector<float>& box : {std::vector<float>{nan, nan, nan, nan}, {-huge, -huge, huge, huge}})
      EXPECT_EQ(only(ramp(), box, one_bin(true, sampling)), 0.0);
  EXPECT_TRUE(std::isfinite(only(ramp(), {0, 0, 1e30f, 1}, one_bin(false, 0)))) << "and it ends";
}

/// Images of a pyramid with 40 channels, regions of all sizes.
struct Pyramid {
  explicit Pyramid(int64_t images) {
    const Random random(5, "pyramid");
    for (int64_t size : {24, 12, 6}) {
      std::vector<float> v;
      for (int64_t i = 0; i < images * 40 * size * size; ++i) v.push_back(float(random.normal(uint64_t(i))));
      levels.emplace_back(Tensor::from(v, {images, 40, size, size}).channels_last().clone(), true);
    }
    std::vector<float> sides;
    std::vector<int32_t> where;
    for (int64_t r = 0; r < 16 * images; ++r) {
      const auto u = [&](int64_t k) { return float(96 * random.uniform_double(uint64_t(4 * r + k))); };
      const float x = u(0), y = u(1);
      for (const float side : {x, y, x + u(2), y + u(3)}) sides.push_back(side);
      where.insert(where.end(), {int32_t(r / 16), int32_t(r % 4) - 1});
    }
    rois = boxes(sides);
    place = places(where);
  }
  RoiAlignParams p{7, 2, false, {0.25, 0.125, 0.0625}};
  std::vector<Variable> levels;
  Tensor rois, place;
};

std::vector<std::vector<float>> all_numbers(const Pyramid& t) {
  const Variable y = roi_align(t.levels, t.rois, t.place, t.p);
  std::vector<std::vector<float>> all{y.value().to_vector<float>()};
  for (const Tensor& g : gradients(y, t.levels, y.value())) all.push_back(g.to_vector<float>());
  return all;
}

// One image on two threads has the bits of one thread; and an image in a batch those of the image alone.
TEST(RoiAlign, BitsHangNeitherOnThreadsNorOnTheBatch) {
  const int before = num_threads();
  set_num_threads(1);
  const auto alone = all_numbers(Pyramid(1)), three = all_numbers(Pyramid(3));
  set_num_threads(2);
  EXPECT_EQ(all_numbers(Pyramid(1)), alone);
  EXPECT_EQ(all_numbers(Pyramid(3)), three);
  set_num_threads(before);
  for (size_t i = 0; i < alone.size(); ++i)
    EXPECT_TRUE(std::equal(alone[i].begin(), alone[i].end(), three[i].begin())) << "tensor " << i;
}

Code refused(const std::vector<Variable>& levels, const Tensor& rois, const Tensor& place,
             const RoiAlignParams& p) {
  try {
    roi_align(levels, rois, place, p);
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("roi_align"), std::string::npos) << e.what();
    return e.code();
  }
  ADD_FAILURE() << "accepted";
  return Code::internal;
}

TEST(RoiAlign, RefusesWhatDoesNotFit) {
  const RoiAlignParams p{7, 2, false, {1}};
  const Tensor box = boxes({0, 0, 2, 2});
  EXPECT_EQ(refused({}, box, places({0, 0}), p), Code::shape);
  EXPECT_EQ(refused({ramp(), ramp()}, box, places({0, 0}), p), Code::shape) << "a scale is missing";
  EXPECT_EQ(refused({ramp(1), ramp(2)}, box, places({0, 0}), {7, 2, false, {1, 1}}), Code::shape);
  EXPECT_EQ(refused({ramp(1), ramp(1, DType::f64)}, box, places({0, 0}), {7, 2, false, {1, 1}}), Code::dtype);
  EXPECT_EQ(refused({ramp()}, box, places({0, 0}), {0, 2, false, {1}}), Code::usage);
  EXPECT_EQ(refused({ramp()}, box, places({0, 0}), {7, -1, false, {1}}), Code::usage);
  EXPECT_EQ(refused({ramp()}, box, places({0, 0, 0, 0}), p), Code::shape);
  EXPECT_EQ(refused({ramp()}, box.to(DType::f64), places({0, 0}), p), Code::dtype);
  EXPECT_EQ(refused({ramp()}, box, places({0, 1}), p), Code::shape) << "no such level";
  EXPECT_EQ(refused({ramp()}, box, places({0, -2}), p), Code::shape) << "no such level";
  const Pyramid two(2);
  EXPECT_EQ(refused(two.levels, two.rois.slice(0, 0, 31), two.place.slice(0, 0, 31), two.p), Code::shape)
      << "no equal numbers";
  Tensor mixed = two.place.clone();
  std::swap(mixed.data<int32_t>()[0], mixed.data<int32_t>()[62]);
  EXPECT_EQ(refused(two.levels, two.rois, mixed, two.p), Code::shape) << "images out of order";
}

TEST(RoiAlign, NoRegions) {
  const Variable map = ramp(3);
  const Variable y =
      roi_align({map}, Tensor::empty({0, 4}), Tensor::empty({0, 2}, DType::i32), {7, 2, false, {1}});
  EXPECT_EQ(y.shape(), Shape({0, 3, 7, 7}));
  for (const float g : gradients(y, {map})[0].to_vector<float>()) EXPECT_EQ(g, 0.0f);
}

}  // namespace
}  // namespace cawe
