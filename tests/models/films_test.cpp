// SPDX-License-Identifier: Apache-2.0
// Films to a network's input: the formula's bits in f32, whatever the channels, their order in memory and the type.
#include <gtest/gtest.h>

#include "models/classifier.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::models {
namespace {

constexpr float kMean[3] = {0.485f, 0.456f, 0.406f}, kStddev[3] = {0.229f, 0.224f, 0.225f};

Tensor films(const Shape& shape, Layout layout = Layout::channels_last) {
  Tensor x = Tensor::empty(shape, DType::f32, layout);
  const Random random(4, "films");
  for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = random.uniform(uint64_t(i));
  return x;
}

/// How many numbers of y are not those of x by the formula; both in NCHW order.
int64_t wrong(const Tensor& x, const Tensor& y) {
  const std::vector<float> from = x.to_vector<float>(), to = y.to_vector<float>();
  const auto plane = size_t(x.dim(2) * x.dim(3));
  int64_t count = 0;
  for (size_t i = 0; i < to.size(); ++i) {
    const size_t n = i / (3 * plane), c = i / plane % 3, cell = i % plane;
    const float value = x.dim(1) == 1 ? from[n * plane + cell] : from[i];
    count += to[i] != (value - kMean[c]) / kStddev[c];
  }
  return count;
}

TEST(NormalisedFilms, AreTheFormulasBitsAndChannelsLast) {
  for (const int64_t channels : {1, 3})
    for (const Layout layout : {Layout::contiguous, Layout::channels_last}) {
      const Tensor x = films({3, channels, 17, 13}, layout), y = normalised_films(x);
      ASSERT_EQ(y.shape(), (Shape{3, 3, 17, 13}));
      EXPECT_TRUE(y.is_channels_last());
      EXPECT_EQ(wrong(x, y), 0) << channels << " channels";
      EXPECT_EQ(wrong(x.slice(0, 1, 3), normalised_films(x.slice(0, 1, 3))), 0);
    }
}

// A batch of gray films in which one is RGB has three channels: the gray ones are none the worse.
TEST(NormalisedFilms, AreTheSameOfGrayAndOfThreeEqualChannels) {
  const Tensor x = films({2, 1, 9, 11});
  const Tensor three = x.expand({2, 3, 9, 11}).contiguous();
  EXPECT_EQ(normalised_films(x).to_vector<float>(), normalised_films(three).to_vector<float>());
}

TEST(NormalisedFilms, In16BitsAreTheF32OnesRounded) {
  const Tensor x = films({2, 1, 9, 11});
  for (const DType dtype : {DType::bf16, DType::f16}) {
    const Tensor y = normalised_films(x, dtype);
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_TRUE(y.is_channels_last());
    EXPECT_EQ(y.to(DType::f32).to_vector<float>(),
              normalised_films(x).to(dtype).to(DType::f32).to_vector<float>());
  }
}

TEST(NormalisedFilms, OtherShapesAndTypesAreRefused) {
  EXPECT_THROW(normalised_films(films({2, 2, 4, 4})), Error);
  EXPECT_THROW(normalised_films(films({2, 4, 4})), Error);
  EXPECT_THROW(normalised_films(films({2, 1, 4, 4}).to(DType::f64)), Error);
}

}  // namespace
}  // namespace cawe::models
