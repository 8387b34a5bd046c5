// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, with padding): bytes inside a page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cawe::report {

inline std::string base64(std::string_view bytes) {
  static const char* const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto byte = [&](size_t i) { return i < bytes.size() ? uint32_t(uint8_t(bytes[i])) : 0; };
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t word = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    text += letters[word >> 18];
    text += letters[word >> 12 & 63];
    text += i + 1 < bytes.size() ? letters[word >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? letters[word & 63] : '=';
  }
  return text;
}

}  // namespace cawe::report
