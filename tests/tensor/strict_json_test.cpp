// SPDX-License-Identifier: Apache-2.0
// Strict JSON.
#include "tensor/io/strict_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using cawe::testing::expect_error;

void refuses_json(const std::string& text, const std::vector<std::string>& parts,
                  const JsonLimits& limits = {}) {
  expect_error(Code::data, parts, [&] { parse_json(text, "t.json", limits); });
}

TEST(JsonStrict, RefusesWhatAPlainParserTakes) {
  refuses_json("{\"a\":1,\"b\":{\"a\":1},\"a\":2}", {"t.json", "'a' appears twice"});
  refuses_json("{\"a\":[{},{\"b\":1,\"b\":1}]}", {"'b' appears twice"});
  refuses_json(std::string(100, '['), {"deeper than 64"});
  refuses_json("[1,2,3,4]", {"more than 3 values"}, {100, 8, 3});
  refuses_json("[1,2,3,4]", {"9 bytes"}, {8, 8, 10});
  for (const char* text :
       {"", "{", "[1,]", "{\"a\":}", "nul", "[1] x", "[NaN]", "[1e999]", "\"\xff\"", "[\"\n\"]"})
    refuses_json(text, {"t.json: byte", "not JSON"});
  refuses_json("[\"\xe2\x80\xae", {"not JSON near", "\\u202e"});
  refuses_json("{\"\\u001b\":1,\"\\u001b\":2}", {"key '\\x1b' appears twice"});
}

TEST(JsonStrict, KeepsValues) {
  const auto value = parse_json("{\"a\":[1,-2,2.5,true,null,\"x\\u00e9\"],\"b\":{\"c\":{}}}", "t.json");
  EXPECT_EQ(value.dump(), "{\"a\":[1,-2,2.5,true,null,\"x\u00e9\"],\"b\":{\"c\":{}}}");
  EXPECT_EQ(parse_json("3", "t.json").get<int>(), 3);
  const auto wide = parse_json("{\"i\":18446744073709551615,\"f\":1.0,\"s\":\"x\"}", "t.json");
  expect_error(Code::data, {"w.i", "expected an integer"}, [&] { json_integer(wide, "i", "w"); });
  expect_error(Code::data, {"w.f", "expected an integer"}, [&] { json_integer(wide, "f", "w"); });
  expect_error(Code::data, {"w.s", "expected a number"}, [&] { json_number(wide, "s", "w"); });
  expect_error(Code::data, {"w: has no 'q'"}, [&] { json_string(wide, "q", "w"); });
}

}  // namespace
}  // namespace cawe::data
