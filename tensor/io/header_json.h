// SPDX-License-Identifier: Apache-2.0
// The part of JSON that a safetensors header is made of: objects, strings, arrays of whole numbers. Our own,
// because checkpoints must work in a build without any library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cawe {

/// Reads one token after another; every error is Code::data and names the file and the byte.
class HeaderReader {
 public:
  HeaderReader(const char* data, size_t bytes, std::string source)
      : p_(data), begin_(data), end_(data + bytes), source_(std::move(source)) {}

  void expect(char c);
  /// Consumes c if it comes next.
  bool take(char c);
  std::string string();
  /// 0 ... 2^53, without sign, fraction or exponent.
  int64_t whole();
  std::vector<int64_t> wholes(size_t max);
  /// Nothing but spaces may be left.
  void end();
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  void skip_space();
  unsigned hex4();
  const char *p_, *begin_, *end_;
  std::string source_;
};

/// A JSON string with its quotes.
std::string quoted(const std::string& text);

}  // namespace cawe
