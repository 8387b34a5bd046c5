// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/elements.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace cawe {
namespace {

template <class T>
void widen(const char* from, int64_t count, int32_t* to) {
  for (int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, from + size_t(i) * sizeof(T), sizeof(T));
    to[i] = value;
  }
}

}  // namespace

int64_t bytes_of(const std::vector<int64_t>& shape, size_t element_size) {
  // Sizes of 0 count as 1 here: the strides of an empty tensor are products of its other sizes.
  int64_t bytes = int64_t(element_size);
  bool empty = false;
  for (const int64_t d : shape) {
    if (d < 0) return -1;
    if (d == 0) empty = true;
    if (d > 1 && bytes > (int64_t(1) << 62) / d) return -1;
    bytes *= std::max<int64_t>(d, 1);
  }
  return empty ? 0 : bytes;
}

void put_elements(const FileType& type, const char* from, int64_t count, void* to, const std::string& where) {
  if (count == 0) return;
  if (type.size < size_of(type.dtype)) {
    if (type.size == 1) return widen<int8_t>(from, count, static_cast<int32_t*>(to));
    return widen<int16_t>(from, count, static_cast<int32_t*>(to));
  }
  if (type.dtype == DType::boolean)
    for (int64_t i = 0; i < count; ++i)
      CAWE_CHECK(static_cast<unsigned char>(from[i]) <= 1, Code::data, where, ": element ", i, " is ",
                 int(static_cast<unsigned char>(from[i])), " (expected a boolean, 0 or 1)");
  std::memcpy(to, from, size_t(count) * type.size);
}

std::string printable(const std::string& text) {
  constexpr size_t kMax = 100;
  std::string out;
  for (const char c : text.substr(0, kMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      out += c;
      continue;
    }
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\x%02x", unsigned(byte));
    out += escape;
  }
  return text.size() > kMax ? out + "…" : out;
}

bool is_utf8(const std::string& text) {
  const size_t n = text.size();
  for (size_t i = 0; i < n;) {
    const auto first = static_cast<unsigned char>(text[i++]);
    if (first < 0x80) continue;
    const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    if (first < 0xC2 || first > 0xF4 || n - i < size_t(more)) return false;
    unsigned code = first & (0x3Fu >> more);
    for (int k = 0; k < more; ++k) {
      const auto next = static_cast<unsigned char>(text[i++]);
      if ((next & 0xC0) != 0x80) return false;
      code = code << 6 | (next & 0x3F);
    }
    if (more == 2 && (code < 0x800 || (code >= 0xD800 && code < 0xE000))) return false;
    if (more == 3 && (code < 0x10000 || code > 0x10FFFF)) return false;
  }
  return true;
}

}  // namespace cawe
