// SPDX-License-Identifier: Apache-2.0
#include "train/recipe.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tensor/error.h"
#include "train/schedule.h"

namespace cawe::train {
namespace {

const char* const kText = R"(task = "classifier"
seed = 7
[train]
lr = 1
steps = 100
warmup = 0.1
milestones = [3, 5.5]
names = ["a", "b"]
augment = false
)";

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::usage);
    return e.what();
  }
  return "nothing thrown";
}

TEST(Recipe, TypesAndDefaults) {
  Recipe r = Recipe::parse(kText, "r.toml");
  EXPECT_EQ(r.word("task", ""), "classifier");
  EXPECT_EQ(r.whole("seed", 0, 0, 10), 7);
  EXPECT_EQ(r.real("train.lr", 0, 0, 2), 1.0);  // a whole number is a number
  EXPECT_EQ(r.reals("train.milestones", {}), (Numbers{3, 5.5}));
  EXPECT_EQ(r.words("train.names", {}), (Strings{"a", "b"}));
  EXPECT_FALSE(r.flag("train.augment", true));
  EXPECT_EQ(r.word("not.there", "x"), "x");
}

TEST(Recipe, UnknownKeySaysLineAndNearest) {
  Recipe r = Recipe::parse("[train]\nstepps = 3\n", "r.toml");
  r.whole("train.steps", 1, 0, 10);
  EXPECT_EQ(message_of([&] { r.finish(); }),
            "r.toml:2: train.stepps is not a key of this recipe (did you mean train.steps?)");
}

TEST(Recipe, RefusesWrongTypesAndRanges) {
  Recipe r = Recipe::parse(kText, "r.toml");
  EXPECT_EQ(message_of([&] { r.whole("task", 0, 0, 9); }),
            "r.toml:1: task is \"classifier\" (expected a whole number)");
  EXPECT_EQ(message_of([&] { r.whole("seed", 0, 0, 6); }), "r.toml:2: seed is 7 (expected 0 to 6)");
  EXPECT_NE(message_of([&] {
              r.choice("task", "", {"classifiers", "study"});
            }).find("did you mean classifiers?"),
            std::string::npos);
  EXPECT_NE(message_of([] { Recipe::parse("a = \n", "r.toml"); }).find("r.toml:1"), std::string::npos);
}

TEST(Recipe, SetWinsAndResolvedReadsBack) {
  Recipe r = Recipe::parse(kText, "r.toml");
  r.set("seed=9");
  r.set("task=retinanet");
  r.set("train.names=[\"z\"]");
  EXPECT_EQ(r.whole("seed", 0, 0, 10), 9);
  EXPECT_EQ(r.word("task", ""), "retinanet");
  EXPECT_EQ(r.words("train.names", {}), (Strings{"z"}));
  EXPECT_EQ(r.real("train.rate", 0.1, 0, 1), 0.1);
  const std::string text = r.resolved();
  Recipe again = Recipe::parse(text, "resolved");
  EXPECT_EQ(again.whole("seed", 0, 0, 10), 9);
  EXPECT_EQ(again.word("task", ""), "retinanet");
  EXPECT_EQ(again.words("train.names", {}), (Strings{"z"}));
  EXPECT_EQ(again.real("train.rate", 0, 0, 1), 0.1);
  again.finish();
  EXPECT_EQ(again.resolved(), text);
}

// Found by fuzzing: std::stod throws for these.
TEST(Recipe, NumbersAtTheEndsOfTheRangeAreWrittenBack) {
  Recipe recipe =
      Recipe::parse("a = 4.9406564584124654e-324\nb = 1.7976931348623157e308\nc = [1e-310, 0.1]\n", "r.toml");
  recipe.real("a", 0, -1, 1);
  recipe.real("b", 0, 0, HUGE_VAL);
  recipe.reals("c", {});
  Recipe again = Recipe::parse(recipe.resolved(), "again.toml");
  EXPECT_EQ(again.real("a", 0, -1, 1), 4.9406564584124654e-324);
  EXPECT_EQ(again.real("b", 0, 0, HUGE_VAL), 1.7976931348623157e308);
  EXPECT_EQ(again.reals("c", {}), (std::vector<double>{1e-310, 0.1}));
}

TEST(Schedule, WarmsUpAndFalls) {
  Schedule s;
  s.lr = 2;
  s.steps = 100;
  s.warmup = 10;
  EXPECT_NEAR(s.at(0), 2 * 0.05, 1e-12);
  EXPECT_NEAR(s.at(9), 2 * 0.95, 1e-12);
  EXPECT_NEAR(s.at(54), 2 * 0.5 * (1 + std::cos(3.14159265358979 * 44.5 / 90)), 1e-9);
  EXPECT_LT(s.at(99), 2e-3);
  for (int64_t i = 11; i < 100; ++i) EXPECT_LT(s.at(i), s.at(i - 1));
  s.decay = Decay::steps;
  s.warmup = 0;
  s.milestones = {3, 6};
  EXPECT_EQ(s.at(2), 2.0);
  EXPECT_NEAR(s.at(3), 0.2, 1e-12);
  EXPECT_NEAR(s.at(6), 0.02, 1e-12);
}

}  // namespace
}  // namespace cawe::train
