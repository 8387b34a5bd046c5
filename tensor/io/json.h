// SPDX-License-Identifier: Apache-2.0
// JSON as this program writes it: values of nlohmann-json, printed by json_text() alone. Reading:
// strict_json.h. Include <nlohmann/json.hpp> only in .cpp files.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace cawe {

/// A value whose objects keep the order in which their keys were added.
using Json = nlohmann::ordered_json;

enum class JsonLayout {
  compact,   ///< one line without spaces
  indented,  ///< a member a line, one space for each level
  lines,     ///< compact, but elements of the document's list, or of a list that is its member, begin lines
  script     ///< compact, and "<" as \u003c: may stand inside an HTML script element
};

/// The one place where JSON becomes text, without a line end behind it. The rules:
/// - A number that is not finite (NaN, infinity) is written as null: JSON has no such numbers. Any other double
///   is its shortest() text, so 100.0 is 100; json_rounded() and json_fixed() have fewer digits.
/// - Text that is not UTF-8, such as a file's name in another encoding, has U+FFFD for each bad byte: what comes
///   out is always JSON. Control characters and marks that turn the direction of writing (is_control()) are \uxxxx.
/// nlohmann's own dump() writes 100.0 for 100 and \n for a line end, and the files of one recipe must keep their
/// bytes from version to version: hence a printer of our own.
std::string json_text(const Json& value, JsonLayout layout = JsonLayout::compact);

/// A number with at most `digits` significant digits; null where it is not finite.
Json json_rounded(double number, int digits);
/// A number with `decimals` digits behind the point; null where it is not finite.
Json json_fixed(double number, int decimals);
/// A document that json_text() made, as a value inside another one. It is not checked.
Json json_ready(const std::string& text);

}  // namespace cawe
