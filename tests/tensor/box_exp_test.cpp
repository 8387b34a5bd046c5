// SPDX-License-Identifier: Apache-2.0
// e^x for boxes: within a unit in the last place of the truth, and the stated values at the ends.
#include "tensor/box_exp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tensor/random.h"

namespace cawe {
namespace {

/// The largest error in units of the result's last place, against long double.
template <class T>
long double worst_error(T low, T high, int n) {
  const Random random(3, "box_exp");
  long double worst = 0;
  for (int i = 0; i < n; ++i) {
    const T x = T(low + (high - low) * random.uniform_double(uint64_t(i))), y = box_exp(x);
    const long double unit = std::nextafter(y, std::numeric_limits<T>::infinity()) - y;
    worst = std::max(worst,
                     std::fabs(static_cast<long double>(y) - std::exp(static_cast<long double>(x))) / unit);
  }
  return worst;
}

TEST(BoxExp, IsWithinAUnitInTheLastPlace) {
  EXPECT_LT(worst_error<float>(-8, 4.2f, 200000), 1);
  EXPECT_LT(worst_error<float>(-87, 88, 200000), 1);
  EXPECT_LT(worst_error<double>(-8, 4.2, 200000), 1);
  EXPECT_LT(worst_error<double>(-708, 709, 200000), 1);
}

template <class T>
void check_ends(T lowest, T highest) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  EXPECT_EQ(box_exp(T(0)), 1);
  EXPECT_EQ(box_exp(-T(0)), 1);
  EXPECT_GT(box_exp(lowest), std::numeric_limits<T>::min()) << "a normal number";
  EXPECT_EQ(box_exp(std::nextafter(lowest, -kInfinity)), 0);
  EXPECT_EQ(box_exp(-kInfinity), 0);
  EXPECT_LT(box_exp(highest), kInfinity);
  EXPECT_EQ(box_exp(std::nextafter(highest, kInfinity)), kInfinity);
  EXPECT_EQ(box_exp(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(box_exp(std::numeric_limits<T>::quiet_NaN())));
}

TEST(BoxExp, KeepsWhatItSaysAtTheEnds) {
  check_ends<float>(-87, 88);
  check_ends<double>(-708, 709);
}

/// e = 0x1.5bf0a8b1457695..p+1 and 1/e = 0x1.78b56362cef3..p-2: these are the nearest numbers. No compiler,
/// flag or processor may change them.
TEST(BoxExp, HasTheseBits) {
  EXPECT_EQ(box_exp(1.f), 0x1.5bf0a8p+1f);
  EXPECT_EQ(box_exp(1.), 0x1.5bf0a8b145769p+1);
  EXPECT_EQ(box_exp(-1.f), 0x1.78b564p-2f);
}

}  // namespace
}  // namespace cawe
