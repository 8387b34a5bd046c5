// SPDX-License-Identifier: Apache-2.0
// JSON text.
#include "data/formats/json/writer.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "tensor/error.h"

namespace cawe::data {

std::string shortest(double number) {
  if (!std::isfinite(number)) return number > 0 ? "inf" : number < 0 ? "-inf" : "nan";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number);
  return std::string(buffer, end.ptr);
}

void JsonWriter::comma() {
  if (!first_ && !after_key_) out_ += ',';
  first_ = after_key_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  comma();
  out_ += bracket;
  open_.push_back(bracket);
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end() {
  CAWE_CHECK(!open_.empty(), Code::internal, "JsonWriter: end() without a beginning");
  out_ += open_.back() == '{' ? '}' : ']';
  open_.pop_back();
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  comma();
  quote(name);
  out_ += ':';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  comma();
  out_ += shortest(number);
  return *this;
}

JsonWriter& JsonWriter::rounded(double number, int digits) {
  if (!std::isfinite(number)) return null();
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.*g", digits, number);
  comma();
  out_ += buffer;
  return *this;
}

JsonWriter& JsonWriter::value(int64_t number) {
  comma();
  out_ += std::to_string(number);
  return *this;
}

JsonWriter& JsonWriter::value(bool flag) {
  comma();
  out_ += flag ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  comma();
  quote(text);
  return *this;
}

JsonWriter& JsonWriter::null() {
  comma();
  out_ += "null";
  return *this;
}

void JsonWriter::quote(std::string_view text) {
  out_ += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (c == '<' || static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", unsigned(c));
      out_ += escaped;
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

}  // namespace cawe::data
