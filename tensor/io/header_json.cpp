// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/header_json.h"

#include <cstdio>

#include "tensor/error.h"
#include "tensor/io/elements.h"

namespace cawe {
namespace {

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += char(code);
  } else if (code < 0x800) {
    out += char(0xC0 | (code >> 6));
    out += char(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += char(0xE0 | (code >> 12));
    out += char(0x80 | ((code >> 6) & 0x3F));
    out += char(0x80 | (code & 0x3F));
  } else {
    out += char(0xF0 | (code >> 18));
    out += char(0x80 | ((code >> 12) & 0x3F));
    out += char(0x80 | ((code >> 6) & 0x3F));
    out += char(0x80 | (code & 0x3F));
  }
}

}  // namespace

void HeaderReader::refuse(const std::string& what) const {
  fail(Code::data, source_, ": header byte ", p_ - begin_, ": ", what);
}

void HeaderReader::skip_space() {
  while (p_ != end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\n' || *p_ == '\r')) ++p_;
}

bool HeaderReader::take(char c) {
  skip_space();
  if (p_ == end_ || *p_ != c) return false;
  ++p_;
  return true;
}

void HeaderReader::expect(char c) {
  if (!take(c)) refuse(std::string("expected '") + c + "'");
}

unsigned HeaderReader::hex4() {
  unsigned value = 0;
  for (int i = 0; i < 4; ++i) {
    if (p_ == end_) refuse("the text ends inside \\u");
    const char c = *p_++;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) refuse("\\u without four hexadecimal digits");
    value = value * 16 + unsigned(digit);
  }
  return value;
}

std::string HeaderReader::string() {
  expect('"');
  std::string out;
  for (;;) {
    if (p_ == end_) refuse("a string without its end");
    const char c = *p_++;
    if (c == '"') {
      if (!is_utf8(out)) refuse("a string that is not UTF-8");
      return out;
    }
    if (static_cast<unsigned char>(c) < 0x20) refuse("a control character in a string");
    if (c != '\\') {
      out += c;
      continue;
    }
    if (p_ == end_) refuse("a string without its end");
    const char escape = *p_++;
    static const std::string kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    const size_t at = kFrom.find(escape);
    if (at != std::string::npos) {
      out += kTo[at];
      continue;
    }
    if (escape != 'u') refuse("an unknown escape in a string");
    unsigned code = hex4();
    if (code >= 0xD800 && code < 0xDC00) {
      if (end_ - p_ < 2 || p_[0] != '\\' || p_[1] != 'u') refuse("half a surrogate pair");
      p_ += 2;
      const unsigned low = hex4();
      if (low < 0xDC00 || low > 0xDFFF) refuse("half a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
      refuse("half a surrogate pair");
    }
    append_utf8(out, code);
  }
}

int64_t HeaderReader::whole() {
  skip_space();
  if (p_ == end_ || *p_ < '0' || *p_ > '9') refuse("expected a whole number");
  const char* start = p_;
  int64_t value = 0;
  while (p_ != end_ && *p_ >= '0' && *p_ <= '9') {
    value = value * 10 + (*p_++ - '0');
    if (value > (int64_t(1) << 53)) refuse("a number above 2^53");
  }
  if (*start == '0' && p_ - start > 1) refuse("a number with leading zeros");
  return value;
}

std::vector<int64_t> HeaderReader::wholes(size_t max) {
  expect('[');
  std::vector<int64_t> values;
  if (take(']')) return values;
  do {
    if (values.size() == max) refuse("more than " + std::to_string(max) + " numbers in a list");
    values.push_back(whole());
  } while (take(','));
  expect(']');
  return values;
}

void HeaderReader::end() {
  skip_space();
  if (p_ != end_) refuse("text behind the end");
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", unsigned(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace cawe
