// SPDX-License-Identifier: Apache-2.0
// An enhancement method that nothing else in the program names: recipes, their check, commands, studies and reports
// know it from its Method alone. (A program of its own: the table of keys is made once, when it is first read.)
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/enhance/enhancer.h"
#include "tensor/error.h"
#include "tensor/io/json.h"
#include "train/enhancing.h"
#include "train/recipe.h"
#include "train/schema/schema.h"

namespace cawe::train {
namespace {

class Negative : public models::Enhancer {
 public:
  explicit Negative(double strength) : strength_(strength) {}
  std::string name() const override { return "negative"; }
  std::string settings() const override {
    return json_text({{"method", "negative"}, {"strength", strength_}});
  }
  Tensor apply(const Tensor& gray) override {
    std::vector<float> v = gray.to_vector<float>();
    for (float& x : v) x = float(strength_) * (1 - x) + float(1 - strength_) * x;
    return Tensor::from(v, gray.shape());
  }

 private:
  double strength_;
};

class NewMethod : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    models::register_method({"negative",
                             "Negative",
                             [](const models::EnhancerOptions& o) {
                               return std::make_unique<Negative>(o.values.number("negative.strength"));
                             },
                             {},
                             {models::number_key("negative.strength", 1, 0, 1, "share of the negative")}});
  }
  static std::vector<float> enhanced(const std::string& text) {
    Recipe recipe = Recipe::parse("enhance.method = \"negative\"\n" + text, "r.toml", "retinanet");
    return chain_from(recipe).enhancer->apply(Tensor::full({1, 1, 1, 1}, 0.25)).to_vector<float>();
  }
};

TEST_F(NewMethod, ItsKeysAreReadAndHaveTheirDefaults) {
  EXPECT_EQ(enhanced(""), std::vector<float>{0.75f});
  EXPECT_EQ(enhanced("negative.strength = 0.5\n"), std::vector<float>{0.5f});
  ASSERT_NE(find_key("negative.strength"), nullptr);
  EXPECT_EQ(find_key("negative.strength")->help, "share of the negative");
  EXPECT_THROW(enhanced("negative.strength = 2\n"), Error) << "its bounds are checked";
}

TEST_F(NewMethod, IsAWordWhereMethodsAre) {
  const Recipe study =
      Recipe::parse("rows = [\"none\", \"negative\"]\ncontrols = [\"negative\"]\n", "s.toml", "study");
  EXPECT_EQ(study.words("rows"), (Strings{"none", "negative"}));
  EXPECT_EQ(models::enhancer_label("negative"), "Negative");
  const Strings names = models::enhancer_names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::count(names.begin(), names.end(), "negative"), 1);
}

TEST_F(NewMethod, IsRefusedTwice) {
  EXPECT_THROW(models::register_method({"negative", "", {}, {}, {}}), Error);
  EXPECT_THROW(models::register_method({"afda", "", {}, {}, {}}), Error);
}

}  // namespace
}  // namespace cawe::train
