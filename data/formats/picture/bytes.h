// SPDX-License-Identifier: Apache-2.0
// Numbers out of a file's bytes. The caller has checked that they are there.
#pragma once

#include <cstdint>
#include <string_view>

namespace cawe::data {

inline unsigned byte_at(std::string_view b, size_t i) { return static_cast<unsigned char>(b[i]); }
inline unsigned little_16(std::string_view b, size_t i) { return byte_at(b, i) | byte_at(b, i + 1) << 8; }
inline uint32_t little_32(std::string_view b, size_t i) {
  return uint32_t(little_16(b, i)) | uint32_t(little_16(b, i + 2)) << 16;
}
inline unsigned big_16(std::string_view b, size_t i) { return byte_at(b, i) << 8 | byte_at(b, i + 1); }
inline uint32_t big_32(std::string_view b, size_t i) {
  return uint32_t(big_16(b, i)) << 16 | uint32_t(big_16(b, i + 2));
}

/// How often it stands there, not counting overlaps.
inline size_t occurrences(std::string_view bytes, std::string_view what) {
  size_t n = 0;
  for (size_t at = bytes.find(what); at != bytes.npos; at = bytes.find(what, at + what.size())) ++n;
  return n;
}

}  // namespace cawe::data
