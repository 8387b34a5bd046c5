// SPDX-License-Identifier: Apache-2.0
#include "train/schema/value.h"

#include <cstdio>
#include <cstdlib>

#include "tensor/io/header_json.h"

namespace cawe::train {
namespace {

std::string number_text(double v) {
  char text[40];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, v);
    if (std::strtod(text, nullptr) == v) break;  // stod throws for tiny and rounded-up numbers
  }
  const std::string out(text);
  return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
}

struct ToToml {
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return number_text(v); }
  std::string operator()(const std::string& v) const { return quoted(v); }
  std::string operator()(const Strings& v) const {
    std::string out;
    for (const std::string& s : v) out += (out.empty() ? "" : ", ") + quoted(s);
    return "[" + out + "]";
  }
  std::string operator()(const Numbers& v) const {
    std::string out;
    for (const double x : v) out += (out.empty() ? "" : ", ") + number_text(x);
    return "[" + out + "]";
  }
};

}  // namespace

std::string toml_text(const Value& value) { return std::visit(ToToml(), value); }

std::string joined(const Strings& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

}  // namespace cawe::train
