// SPDX-License-Identifier: Apache-2.0
// What a failing kernel case says besides its error: what differs most, where, and both values.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cuda/lab/cases/run.h"

namespace cawe::on_emulator {
namespace {

/// The complaint about the error of a case that computes nothing but this.
template <class Run>
std::string complaint_of(Run run) {
  Case made_up;
  made_up.name = made_up.shape = "made up";
  made_up.run = [&](CaseContext&) { return run(); };
  for (const std::string& complaint : run_case(made_up, 0, simt::Level::check).complaints)
    if (complaint.rfind("error ", 0) == 0) return complaint;
  return "";
}

Tensor square(std::vector<float> values) { return Tensor::from(values, {2, 2}); }

TEST(Worst, IsTheFarthestNumberOfTensors) {
  const std::string text = complaint_of([] {
    return relative_error(square({1, 2, 3, 4}), square({1, 2.5f, 3, 8}), "y");
  });
  EXPECT_EQ(
      text.find(
          "error 0.5 against the reference (allowed 0), the worst: y: got 4, expected 8 at [1, 1] of [2, "
          "2] (worst_test.cpp:"),
      0u)
      << text;
}

TEST(Worst, IsTheFirstNumberThatIsNotFinite) {
  for (const bool of_result : {true, false}) {
    const std::string text = complaint_of([&] {
      Tensor a = square({1, 2, NAN, 400}), b = square({1, 2, 3, 4});
      return of_result ? relative_error(a, b) : relative_error(b, a);
    });
    EXPECT_NE(text.find(of_result ? "got nan, expected 3 at [1, 0]" : "got 3, expected nan at [1, 0]"),
              std::string::npos)
        << text;
  }
}

TEST(Worst, IsTheFirstOfTheNumbersThatDiffer) {
  const std::string text = complaint_of([] {
    return different<int64_t>({1, 2, 3, 4}, {1, 7, 3, 5}, "kept");
  });
  EXPECT_NE(text.find("error 2 against the reference (allowed 0), the worst: kept: got 2, expected 7 at 1 ("),
            std::string::npos)
      << text;
}

TEST(Worst, TellsAllDigits) {
  const std::string text = complaint_of([] {
    return different<double>({0.1}, {std::nextafter(0.1, 1)}) +
           different<float>({0.1f}, {std::nextafterf(0.1f, 1)});
  });
  EXPECT_NE(text.find("got 0.10000000000000001, expected 0.10000000000000002"), std::string::npos) << text;
}

TEST(Worst, OfBitsAndNaN) {
  EXPECT_EQ(different_bits<float>({-0.f, NAN}, {-0.f, NAN}), 0);
  EXPECT_EQ(different_bits<float>({0.f}, {-0.f}), 1);
  EXPECT_EQ(different_or_nan<float>({0.f, NAN}, {-0.f, NAN}), 0);
  const std::string text = complaint_of([] { return different_or_nan<float>({NAN}, {2}); });
  EXPECT_NE(text.find("got nan, expected 2 at 0 ("), std::string::npos) << text;
}

TEST(Worst, OfOtherSizesIsTheSize) {
  std::string text = complaint_of([] { return different<int32_t>({1, 2, 3}, {1}, "rows"); });
  EXPECT_NE(text.find("error 3 against the reference (allowed 0), the worst: rows size: got 3, expected 1"),
            std::string::npos)
      << text;
  text = complaint_of([] { return relative_error(square({1, 2, 3, 4}), Tensor::zeros({2})); });
  EXPECT_NE(text.find("numbers: got 4, expected 2"), std::string::npos) << text;
}

TEST(Worst, IsOneOfSeveralComparisonsAndOfThisRun) {
  const auto run = [](float off) {
    return std::max(relative_error(square({1, 2, 3, 4 + off}), square({1, 2, 3, 4}), "first"),
                    relative_error(square({1, 2, 3, 4}), square({1, 3, 3, 4}), "second"));
  };
  EXPECT_NE(complaint_of([&] { return run(8); }).find("the worst: first"), std::string::npos);
  EXPECT_NE(complaint_of([&] { return run(0); }).find("the worst: second"), std::string::npos);
  EXPECT_EQ(complaint_of([] { return 1.0; }), "error 1 against the reference (allowed 0)");
}

}  // namespace
}  // namespace cawe::on_emulator
