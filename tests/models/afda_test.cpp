// SPDX-License-Identifier: Apache-2.0
// AFDA: numbers by hand, a second computation written straight from the formulas, and what holds for any
// film.
#include "models/enhance/afda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe::models {
namespace {

using Gray = std::vector<uint8_t>;

/// The second computation: the 5 x 5 mask as a table of text, every sum a loop over it in long double, Otsu's
/// threshold by trying all 255 cuts from scratch.
class Naive {
 public:
  Naive(const Gray& gray, int rows, int columns, const AfdaSettings& s)
      : gray_(gray), rows_(rows), columns_(columns), settings_(s) {}

  Gray run() const {
    std::vector<double> all, inside;
    double object = 0;
    if (settings_.object_mask) object = otsu(std::vector<double>(gray_.begin(), gray_.end()));
    for (int y = 0; y < rows_; ++y)
      for (int x = 0; x < columns_; ++x) {
        all.push_back(gradient(y, x));
        if (!settings_.object_mask || pixel(y, x) >= object) inside.push_back(all.back());
      }
    const double t = otsu(inside);
    std::vector<double> edge, rest;
    for (const double m : inside) (m >= t ? edge : rest).push_back(m);
    if (edge.empty() || rest.empty()) return gray_;
    const double q = mean(inside), me = mean(edge), mx = mean(rest);
    if (me <= 1e-12 || q <= 1e-12 || t <= 1e-12) return gray_;
    const double v1 = (me - q) / me, v2 = (q - mx) / q;
    std::vector<long double> result;
    for (int y = 0; y < rows_; ++y)
      for (int x = 0; x < columns_; ++x) {
        const double m = all[size_t(y * columns_ + x)];
        double v = 0;
        if (m >= t) v = std::max(v1, (m - t) / m);
        if (m > 2 && m < t) v = std::min(v2, m / t);
        result.push_back(masked(y, x, std::min(std::max(v, 0.0), settings_.v_max)));
      }
    return rounded(result);
  }

 private:
  double pixel(int y, int x) const {
    y = std::min(std::max(y, 0), rows_ - 1);
    x = std::min(std::max(x, 0), columns_ - 1);
    return gray_[size_t(y * columns_ + x)];
  }

  double gradient(int y, int x) const {
    double sum = 0;
    for (int dy : {-1, 0, 1})
      for (int dx : {-1, 0, 1}) sum += pixel(y, x) - pixel(y + dy, x + dx);
    return std::fabs(sum) / 8;
  }

  static double mean(const std::vector<double>& v) {
    long double sum = 0;
    for (const double x : v) sum += x;
    return double(sum / (long double)(v.size()));
  }

  static double otsu(const std::vector<double>& v) {
    if (v.empty()) return 0;
    const double low = *std::min_element(v.begin(), v.end()), high = *std::max_element(v.begin(), v.end());
    if (low == high) return low;
    const double width = (high - low) / 256;
    double best = -1, threshold = 0;
    for (int cut = 1; cut < 256; ++cut) {
      std::vector<double> below, above;  // bin numbers
      for (const double x : v) {
        const double bin = std::min(255.0, std::floor((x - low) / width));
        (bin < cut ? below : above).push_back(bin);
      }
      if (below.empty() || above.empty()) continue;
      const double share = double(below.size()) / double(v.size()), d = mean(below) - mean(above);
      const double between = share * (1 - share) * d * d;
      if (between > best * (1 + 1e-9)) {  // cuts inside a gap are equally good: the first counts
        best = between;
        threshold = low + width * cut;
      }
    }
    return threshold;
  }

  long double masked(int y, int x, double v) const {
    static const char* kCells[5] = {"f.f.f", ".nnn.", "fncnf", ".nnn.", "f.f.f"};
    const std::map<char, long double> weight{{'c', 8}, {'n', -v}, {'f', (v * v - v) / 2}, {'.', 0}};
    long double sum = 0, whole = 0;
    for (int dy = -2; dy <= 2; ++dy)
      for (int dx = -2; dx <= 2; ++dx) {
        const long double w = weight.at(kCells[dy + 2][dx + 2]);
        sum += w * pixel(y + dy, x + dx);
        whole += w;
      }
    return sum / whole;
  }

  Gray rounded(const std::vector<long double>& result) const {
    long double low = 0, high = 255;
    if (settings_.stretch) {
      low = *std::min_element(result.begin(), result.end());
      high = *std::max_element(result.begin(), result.end());
    }
    Gray out;
    for (const long double r : result) {
      const long double level = std::floor((r - low) * 255 / (high - low) + 0.5L);
      out.push_back(uint8_t(std::min(std::max(level, 0.0L), 255.0L)));
    }
    return out;
  }

  const Gray& gray_;
  int rows_, columns_;
  AfdaSettings settings_;
};

/// A ramp with blocks, an edge and noise of the given height.
Gray film(int rows, int columns, uint64_t number, int noise) {
  const Random random(3, "afda film", number);
  Gray gray;
  for (int i = 0; i < rows * columns; ++i) {
    const int x = i % columns, y = i / columns;
    const int level = 40 + 3 * x + (y > rows / 2 ? 60 : 0) + (x % 7 == 3 ? 25 : 0);
    gray.push_back(uint8_t(std::min(255, level + int(random.bits(uint64_t(i)) % uint32_t(noise)))));
  }
  return gray;
}

TEST(Afda, GoldenMaskOfTheSpec) {
  const AfdaMask half = afda_mask(0.5);
  EXPECT_NEAR(half.centre, 2.666667, 1e-6);
  EXPECT_NEAR(half.near, -0.166667, 1e-6);
  EXPECT_NEAR(half.far, -0.041667, 1e-6);
  // Flat 100 with a centre of 130.
  EXPECT_NEAR(130 * half.centre + 8 * 100 * (half.near + half.far), 180, 1e-9);
  for (double v = 0; v < 0.95; v += 0.05) {
    const AfdaMask m = afda_mask(v);
    EXPECT_NEAR(m.centre + 8 * m.near + 8 * m.far, 1, 1e-12) << v;
  }
  EXPECT_EQ(afda_mask(0).centre, 1) << "order 0 is the identity";
}

TEST(Afda, OnePointByHand) {
  // 9 x 9 of 100 with 130 in the middle. M: 30 there, 30/8 = 3.75 at its neighbours, 0 elsewhere. 81 pixels:
  // Q = (30 + 8 * 3.75) / 81 = 60/81. The between-class variance of {30} against the rest is larger than that
  // of {30, 3.75 ..}: t is the first edge above 3.75, whose bin of width 30/256 is 32, so t = 33 * 30/256.
  Gray gray(81, 100);
  gray[40] = 130;
  AfdaOrders orders;
  AfdaSettings settings;
  settings.v_max = 0.5;
  const Gray out = afda_u8(gray, 9, 9, settings, &orders);
  const double q = 60.0 / 81, mx = 30.0 / 80;
  EXPECT_NEAR(orders.threshold, 33 * 30.0 / 256, 1e-12);
  EXPECT_NEAR(orders.v1, (30 - q) / 30, 1e-12);
  EXPECT_NEAR(orders.v2, (q - mx) / q, 1e-12);
  EXPECT_EQ(out[40], 180) << "its order is v1 = 0.975, clamped to 0.5: the golden number";
  // A neighbour: order min(v2, 3.75 / t) = v2 = 0.49375. All its cells are 100 but one near cell of 130.
  const AfdaMask m = afda_mask((q - mx) / q);
  EXPECT_EQ(out[41], uint8_t(std::floor(100 + 30 * m.near + 0.5)));
  // Two steps away the gradient is 0: smooth, kept, whatever the mask would make of 130.
  EXPECT_EQ(out[42], 100);
}

TEST(Afda, EqualsASecondComputation) {
  int changed = 0;
  for (uint64_t number = 0; number < 24; ++number) {
    const int rows = 3 + int(number * 5 % 23), columns = 2 + int(number * 7 % 29);
    const Gray gray = film(rows, columns, number, number % 3 == 0 ? 200 : 12);
    for (const bool mask : {false, true})
      for (const bool stretch : {false, true}) {
        AfdaSettings s;
        s.object_mask = mask;
        s.stretch = stretch;
        s.v_max = number % 2 == 0 ? 0.9 : 0.3;
        const Gray ours = afda_u8(gray, rows, columns, s);
        EXPECT_EQ(ours, Naive(gray, rows, columns, s).run())
            << rows << " x " << columns << ", film " << number << (mask ? ", mask" : "")
            << (stretch ? ", minmax" : "");
        changed += ours != gray;
      }
  }
  EXPECT_GT(changed, 80) << "the comparison says nothing where films come back as they are";
}

TEST(Afda, AGradientOfExactlyTheThresholdIsAnEdge) {
  // Gradients are eighths. Where they reach over exactly 32 levels, Otsu's bins are an eighth wide, so that one may
  // lie exactly on the threshold; films on which one does are looked for among random ones.
  int found = 0;
  for (uint64_t number = 0; number < 4000 && found < 5; ++number) {
    const Random random(5, "afda edge", number);
    const int side = 24;
    Gray gray;
    for (int i = 0; i < side * side; ++i) gray.push_back(uint8_t(100 + random.bits(uint64_t(i)) % 45));
    const auto at = [&](int y, int x) {
      return int(gray[size_t(std::clamp(y, 0, side - 1) * side + std::clamp(x, 0, side - 1))]);
    };
    AfdaOrders orders;
    const Gray ours = afda_u8(gray, side, side, {}, &orders);
    bool exact = false;
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        int ring = -at(y, x);
        for (int dy = -1; dy <= 1; ++dy)
          for (int dx = -1; dx <= 1; ++dx) ring += at(y + dy, x + dx);
        exact |= std::abs(8 * at(y, x) - ring) / 8.0 == orders.threshold;
      }
    if (!exact) continue;
    ++found;
    EXPECT_EQ(ours, Naive(gray, side, side, {}).run()) << "film " << number;
  }
  EXPECT_EQ(found, 5) << "the comparison says nothing without such films";
}

TEST(Afda, ConstantFilmsStay) {
  for (const uint8_t level : {0, 1, 100, 255})
    for (const bool mask : {false, true})
      for (const bool stretch : {false, true}) {
        AfdaSettings s;
        s.object_mask = mask;
        s.stretch = stretch;
        const Gray flat(7 * 5, level);
        EXPECT_EQ(afda_u8(flat, 7, 5, s), flat) << int(level);
      }
  EXPECT_EQ(afda_u8({7}, 1, 1), Gray{7});
}

TEST(Afda, OrdersStayBelowTheirBound) {
  // v_max = 0: every mask is the identity, whatever the film.
  AfdaSettings s;
  s.v_max = 0;
  const Gray gray = film(40, 30, 5, 200);
  EXPECT_EQ(afda_u8(gray, 40, 30, s), gray);
  s.v_max = 1;
  EXPECT_THROW(afda_u8(gray, 40, 30, s), Error);
  EXPECT_THROW(afda_u8(gray, 40, 31), Error);
}

TEST(Afda, MinMaxReachesBothEnds) {
  AfdaSettings s;
  s.stretch = true;
  const Gray out = afda_u8(film(40, 30, 1, 12), 40, 30, s);
  EXPECT_EQ(*std::min_element(out.begin(), out.end()), 0);
  EXPECT_EQ(*std::max_element(out.begin(), out.end()), 255);
}

TEST(Afda, ThreadsDoNotMatter) {
  const Gray gray = film(200, 150, 2, 90);
  const int before = num_threads();
  set_num_threads(1);
  const Gray one = afda_u8(gray, 200, 150);
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    EXPECT_EQ(afda_u8(gray, 200, 150), one) << threads;
  }
  set_num_threads(before);
}

TEST(Afda, FloatsGoThroughEightBits) {
  const Gray gray = film(20, 16, 4, 100);
  std::vector<float> values;
  for (const uint8_t g : gray) values.push_back(float(g) / 255 + 0.001f);  // rounds back to g
  const std::vector<float> out = afda(Tensor::from(values, {1, 1, 20, 16})).to_vector<float>();
  const Gray levels = afda_u8(gray, 20, 16);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], float(levels[i]) / 255.0f) << i;
}

}  // namespace
}  // namespace cawe::models
