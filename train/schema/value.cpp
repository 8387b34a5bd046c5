// SPDX-License-Identifier: Apache-2.0
#include "train/schema/value.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tensor/io/format.h"
#include "tensor/io/json.h"

namespace cawe::train {
namespace {

std::string number_text(double v) {
  // Not shortest(): recipes say 100000.0 and 0.0001, not 1e+05 and 1e-04.
  std::string out;
  for (int digits = 1; digits <= 17; ++digits) {
    out = rounded(v, digits);
    if (std::strtod(out.c_str(), nullptr) == v) break;  // stod throws for tiny and rounded-up numbers
  }
  return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
}

/// A basic string of TOML has JSON's quotes and escapes.
std::string quoted(const std::string& text) { return json_text(text); }

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
