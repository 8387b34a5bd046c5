// SPDX-License-Identifier: Apache-2.0
// Writes JSON text in one pass, for results and for the report's script; needs no library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cawe::data {

/// Calls mirror the document: object(), key(), value()…, end(). Numbers that are not finite become null.
/// Strings are escaped so that they may stand inside an HTML script element ("<" as \u003c).
class JsonWriter {
 public:
  JsonWriter& object() { return open('{'); }
  JsonWriter& array() { return open('['); }
  JsonWriter& end();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(double number);
  JsonWriter& value(int64_t number);
  JsonWriter& value(int number) { return value(int64_t{number}); }
  JsonWriter& value(bool flag);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& null();
  template <class T>
  JsonWriter& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  /// A number with at most `digits` significant digits: pictures need no more, and pages stay small.
  JsonWriter& rounded(double number, int digits);
  const std::string& text() const { return out_; }

 private:
  JsonWriter& open(char bracket);
  void comma();
  void quote(std::string_view text);
  std::string out_;
  std::vector<char> open_;
  bool first_ = true, after_key_ = false;
};

/// The shortest decimal text that reads back as the same double; "inf", "-inf" or "nan" otherwise.
std::string shortest(double number);

}  // namespace cawe::data
