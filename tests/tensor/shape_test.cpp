// SPDX-License-Identifier: Apache-2.0
#include "tensor/shape.h"

#include <gtest/gtest.h>

#include <functional>
#include <sstream>

#include "tensor/tensor.h"

namespace cawe {
namespace {

Code code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Code::internal;
}

TEST(Shape, CountsAndCompares) {
  const Shape s{2, 3, 4};
  EXPECT_EQ(s.rank(), 3);
  EXPECT_EQ(s.numel(), 24);
  EXPECT_EQ(s.at(-1), 4);
  EXPECT_EQ(s.at(0), 2);
  EXPECT_EQ(Shape().numel(), 1) << "a scalar has one element";
  EXPECT_EQ((Shape{2, 0, 4}.numel()), 0);
  EXPECT_EQ(s, Shape(std::vector<int64_t>{2, 3, 4}));
  EXPECT_NE(s, (Shape{2, 3}));
  EXPECT_NE((Shape{2, 3}), (Shape{2, 3, 1}));
  EXPECT_NE(s, (Shape{2, 3, 5}));
  std::ostringstream text;
  text << s << Shape();
  EXPECT_EQ(text.str(), "[2, 3, 4][]");
}

TEST(Shape, HasAtMostSixDimensions) {
  Shape s{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(s.numel(), 720);
  EXPECT_EQ(code_of([&] { s.push_back(7); }), Code::shape);
  EXPECT_EQ(s.rank(), 6);
}

TEST(Shape, BroadcastsByNumPysRule) {
  const auto both = [](const Shape& a, const Shape& b, const Shape& want) {
    EXPECT_EQ(broadcast_shapes("add", a, b), want) << a << b;
    EXPECT_EQ(broadcast_shapes("add", b, a), want) << b << a;
  };
  both({4, 5}, {5}, {4, 5});
  both({4, 1}, {2, 1, 3}, {2, 4, 3});
  both({}, {2, 3}, {2, 3});
  both({1}, {0, 3}, {0, 3});
  both({0, 1}, {1, 3}, {0, 3});
  both({7}, {7}, {7});
  EXPECT_EQ(code_of([] { broadcast_shapes("add", {3}, {4}); }), Code::shape);
  EXPECT_EQ(code_of([] { broadcast_shapes("add", {2, 3}, {2}); }), Code::shape);
  EXPECT_EQ(code_of([] { broadcast_shapes("add", {0}, {2}); }), Code::shape);
  try {
    broadcast_shapes("mul", {2, 3}, {4, 3});
  } catch (const Error& e) {
    const std::string text = e.what();
    for (const char* part : {"mul", "[2, 3]", "[4, 3]"})
      EXPECT_NE(text.find(part), std::string::npos) << text;
  }
}

TEST(Strides, OfBothLayouts) {
  EXPECT_EQ(strides_of({2, 3, 4, 5}, Layout::contiguous), (Shape{60, 20, 5, 1}));
  EXPECT_EQ(strides_of({2, 3, 4, 5}, Layout::channels_last), (Shape{60, 1, 15, 3}));
  EXPECT_EQ(strides_of({}, Layout::contiguous), Shape());
  EXPECT_EQ(code_of([] { strides_of({2, 3, 4}, Layout::channels_last); }), Code::shape);
}

}  // namespace
}  // namespace cawe
