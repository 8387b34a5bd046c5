// SPDX-License-Identifier: Apache-2.0
// What a key of a recipe holds, and how TOML writes it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace cawe::train {

using Strings = std::vector<std::string>;
using Numbers = std::vector<double>;
using Value = std::variant<bool, int64_t, double, std::string, Strings, Numbers>;

/// The value as a recipe writes it. A number has the fewest digits that read back as the same double, and a
/// point, an exponent, or both, so that it stays a number.
std::string toml_text(const Value& value);

/// "a, b, c"
std::string joined(const Strings& words);

}  // namespace cawe::train
