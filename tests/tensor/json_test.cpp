// SPDX-License-Identifier: Apache-2.0
// JSON as it is written: order of keys, numbers, text that is not UTF-8, layouts.
#include "tensor/io/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace cawe {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN(),
             kInfinity = std::numeric_limits<double>::infinity();

TEST(JsonText, KeepsTheOrderOfKeysAndTheShortestNumbers) {
  EXPECT_EQ(json_text({{"z", 1}, {"a", true}, {"m", nullptr}, {"list", {1.5, -2, 100.0, 1e-5, 1e300}}}),
            "{\"z\":1,\"a\":true,\"m\":null,\"list\":[1.5,-2,100,1e-05,1e+300]}");
  EXPECT_EQ(json_text({{"seed", std::numeric_limits<uint64_t>::max()}}), "{\"seed\":18446744073709551615}");
  EXPECT_EQ(json_text(Json::object()) + json_text(Json::array()) + json_text("x"), "{}[]\"x\"");
}

TEST(JsonText, WhatIsNotFiniteIsNull) {
  EXPECT_EQ(
      json_text({kNan, kInfinity, -kInfinity, float(kNan), json_rounded(kNan, 3), json_fixed(kInfinity, 2)}),
      "[null,null,null,null,null,null]");
}

TEST(JsonText, NumbersMayHaveFewerDigits) {
  EXPECT_EQ(json_text({json_rounded(1.0 / 3, 4), json_rounded(100000, 9), json_fixed(12.5, 2),
                       json_fixed(-0.001, 2)}),
            "[0.3333,100000,12.50,-0.00]");
}

TEST(JsonText, AnyBytesBecomeJson) {
  EXPECT_EQ(json_text("r\"q\\\n\t\x01\x7f größe"), "\"r\\\"q\\\\\\u000a\\u0009\\u0001\\u007f größe\"");
  // What turns writing, cannot be seen or is a control of 8 bits; other characters stand as they are.
  EXPECT_EQ(json_text("\u202e\u0085\u2066\ufeff \u20ac\U0001F600"),
            "\"\\u202e\\u0085\\u2066\\ufeff \u20ac\U0001F600\"");
  EXPECT_EQ(json_text({{"k\"\n", "\xe4.png"}}), "{\"k\\\"\\u000a\":\"\xEF\xBF\xBD.png\"}");
  std::string all;
  for (int c = 0; c < 256; ++c) all += char(c);
  EXPECT_TRUE(Json::accept(json_text({{all, all}})));
  EXPECT_EQ(Json::parse(json_text(all.substr(0, 128))).get<std::string>(), all.substr(0, 128));
}

TEST(JsonText, Layouts) {
  const Json rows{{"rows", {{{"a", 1}}, {{"b", {1, 2}}}}}, {"use", "x"}};
  EXPECT_EQ(json_text(rows, JsonLayout::lines), "{\"rows\":[\n{\"a\":1},\n{\"b\":[1,2]}],\"use\":\"x\"}");
  EXPECT_EQ(json_text(rows["rows"], JsonLayout::lines), "[\n{\"a\":1},\n{\"b\":[1,2]}\n]");
  EXPECT_EQ(json_text({{"a", "x"}, {"b", {{"c", {1}}}}}, JsonLayout::indented),
            "{\n \"a\": \"x\",\n \"b\": {\n  \"c\": [\n   1\n  ]\n }\n}");
  EXPECT_EQ(json_text("</script><b>", JsonLayout::script), "\"\\u003c/script>\\u003cb>\"");
  EXPECT_EQ(json_text("</script>"), "\"</script>\"");
}

TEST(JsonText, ADocumentMayStandInsideAnother) {
  EXPECT_EQ(json_text({{"inner", json_ready(json_text({{"a", 1}}))}}), "{\"inner\":{\"a\":1}}");
}

}  // namespace
}  // namespace cawe
