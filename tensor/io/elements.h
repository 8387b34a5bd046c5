// SPDX-License-Identifier: Apache-2.0
// How the elements of files become tensors: sizes that cannot overflow, values that are checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"
#include "tensor/text.h"

namespace cawe {

/// A name from a file as a message shows it: printable(), at most 100 bytes.
inline std::string shown(std::string_view name) { return printable(name, 100); }

/// An element type as a file knows it. Where `size` is less than the dtype's own, the file holds signed
/// integers of 1 or 2 bytes, which are widened (there is no such dtype).
struct FileType {
  DType dtype = DType::f32;
  size_t size = 4;
};

/// Whether it is such a type, and what those are called outside: "int8", "int16".
inline bool is_widened(const FileType& type) { return type.size < size_of(type.dtype); }
inline const char* stored_name(const FileType& type) {
  return !is_widened(type) ? name(type.dtype) : type.size == 1 ? "int8" : "int16";
}

/// Bytes that the elements of a shape take; -1 where shape or strides would not fit 62 bits.
int64_t bytes_of(const std::vector<int64_t>& shape, size_t element_size);

/// Copies `count` elements out of a file. Throws data ("WHERE: …") for a boolean that is neither 0 nor 1.
void put_elements(const FileType& type, const char* from, int64_t count, void* to, const std::string& where);

}  // namespace cawe
