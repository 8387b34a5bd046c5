// SPDX-License-Identifier: Apache-2.0
// A pickle machine that builds plain values and descriptions of tensors. It knows the few globals that
// torch.save writes for a state dictionary. Any other becomes an inert value that keeps its name and swallows what
// it is called and filled with; those that can only be meant to run something are refused by name. Nothing is ever
// imported, called or executed, whatever a file says.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tensor/io/elements.h"

namespace cawe::pickle {

struct StorageRef {
  std::string key;
  FileType type;
  int64_t elements = 0;
};

/// Where a tensor's numbers are, offset and strides in elements. Sizes are as the file says: unchecked.
struct TensorRef {
  const StorageRef* storage = nullptr;  ///< in Document::storages
  int64_t offset = 0;
  std::vector<int64_t> shape, strides;
};

struct Global;  // an entry of the white list

struct Value {
  enum class Kind : uint8_t {
    none,
    yes,
    other,
    integer,
    text,
    big,
    tuple,
    list,
    dict,
    global,
    storage,
    tensor,
    skipped,
    mark
  };
  Kind kind = Kind::none;
  int64_t integer = 0;
  std::string text;            ///< text; little-endian bytes of a big integer; skipped: the global's name
  bool holds_numbers = false;  ///< a storage or a tensor lies in it or among what it was made from
  std::vector<Value*> items;   ///< tuple, list; dict: key, value, key, value …
  const Global* global = nullptr;
  std::unique_ptr<TensorRef> tensor;  ///< tensor; of a storage only its `storage`
};

/// Owns the values (a pickle may hold cycles, so they cannot own each other).
struct Document {
  std::deque<Value> values;
  const Value* root = nullptr;
  std::map<std::string, StorageRef> storages;  ///< every storage that was named, by key
};

/// Reads one pickle from data[*at...] and moves `at` behind it. Throws Code::data.
Document read(const char* data, size_t bytes, size_t* at, const std::string& source);

}  // namespace cawe::pickle
