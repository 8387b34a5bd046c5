// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/elements.h"

#include <algorithm>
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
  if (is_widened(type)) {
    if (type.size == 1) return widen<int8_t>(from, count, static_cast<int32_t*>(to));
    return widen<int16_t>(from, count, static_cast<int32_t*>(to));
  }
  if (type.dtype == DType::boolean)
    for (int64_t i = 0; i < count; ++i)
      CAWE_CHECK(static_cast<unsigned char>(from[i]) <= 1, Code::data, where, ": element ", i, " is ",
                 int(static_cast<unsigned char>(from[i])), " (expected a boolean, 0 or 1)");
  std::memcpy(to, from, size_t(count) * type.size);
}

}  // namespace cawe
