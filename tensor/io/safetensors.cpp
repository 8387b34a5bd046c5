// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/safetensors.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tensor/io/atomic_file.h"
#include "tensor/io/elements.h"
#include "tensor/io/header_json.h"

namespace cawe {
namespace {

constexpr size_t kMaxHeader = 100000000;  // the format's own limit

const std::pair<const char*, FileType> kTypes[] = {{"F32", {DType::f32, 4}}, {"F64", {DType::f64, 8}},
                                                   {"F16", {DType::f16, 2}}, {"BF16", {DType::bf16, 2}},
                                                   {"I32", {DType::i32, 4}}, {"I64", {DType::i64, 8}},
                                                   {"I16", {DType::i32, 2}}, {"I8", {DType::i32, 1}},
                                                   {"U8", {DType::u8, 1}},   {"BOOL", {DType::boolean, 1}}};

const char* tag_of(DType dtype) {
  for (const auto& [tag, type] : kTypes)
    if (type.dtype == dtype && type.size == size_of(dtype)) return tag;
  fail(Code::internal, "safetensors: dtype without a tag");
}

uint64_t little_endian_64(const char* p) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = (value << 8) | static_cast<unsigned char>(p[i]);
  return value;
}

struct Entry {
  std::string name;
  FileType type;
  std::vector<int64_t> shape;
  int64_t begin = -1, end = -1;
};

std::string title(const std::string& name) { return "tensor \"" + printable(name) + "\""; }

FileType read_type(HeaderReader& in, const std::string& name) {
  const std::string tag = in.string();
  for (const auto& [known, type] : kTypes)
    if (tag == known) return type;
  in.refuse(title(name) + " has dtype " + printable(tag) +
            " (expected F32, F64, F16, BF16, I64, I32, I16, I8, U8 or BOOL)");
}

Entry read_entry(HeaderReader& in, const std::string& name) {
  Entry e;
  e.name = name;
  bool dtype = false, shape = false, offsets = false;
  in.expect('{');
  do {
    const std::string key = in.string();
    in.expect(':');
    bool& seen = key == "dtype" ? dtype : key == "shape" ? shape : offsets;
    if (key != "dtype" && key != "shape" && key != "data_offsets")
      in.refuse(title(name) + ": unknown key \"" + printable(key) + "\"");
    if (std::exchange(seen, true)) in.refuse(title(name) + ": \"" + key + "\" twice");
    if (key == "dtype") {
      e.type = read_type(in, name);
    } else if (key == "shape") {
      e.shape = in.wholes(size_t(Shape::kMaxRank));
    } else {
      const std::vector<int64_t> at = in.wholes(2);
      if (at.size() != 2 || at[0] > at[1]) in.refuse(title(name) + ": data_offsets are not a range");
      e.begin = at[0];
      e.end = at[1];
    }
  } while (in.take(','));
  in.expect('}');
  if (!(dtype && shape && offsets)) in.refuse(title(name) + " lacks dtype, shape or data_offsets");
  return e;
}

/// Throws where the range does not hold just what dtype and shape ask for.
void check_size(HeaderReader& in, const Entry& e) {
  const int64_t needed = bytes_of(e.shape, e.type.size);
  if (needed < 0) in.refuse(title(e.name) + " is larger than memory");
  if (needed != e.end - e.begin)
    in.refuse(title(e.name) + " holds " + std::to_string(e.end - e.begin) + " bytes (expected " +
              std::to_string(needed) + " by its dtype and shape)");
}

std::map<std::string, std::string> read_metadata(HeaderReader& in) {
  std::map<std::string, std::string> metadata;
  in.expect('{');
  if (in.take('}')) return metadata;
  do {
    const std::string key = in.string();
    in.expect(':');
    if (!metadata.emplace(key, in.string()).second) in.refuse("metadata \"" + printable(key) + "\" twice");
  } while (in.take(','));
  in.expect('}');
  return metadata;
}

/// Ranges must cover the data once, without gaps.
void check_cover(HeaderReader& in, std::vector<Entry> entries, int64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::make_pair(a.begin, a.end) < std::make_pair(b.begin, b.end);
  });
  int64_t at = 0;
  for (const Entry& e : entries) {
    if (e.begin != at)
      in.refuse(title(e.name) + " begins at " + std::to_string(e.begin) + " (expected " + std::to_string(at) +
                ": no gap, no overlap)");
    at = e.end;
  }
  if (at != data_bytes)
    in.refuse("tensors end at " + std::to_string(at) + ", the file's data at " + std::to_string(data_bytes) +
              " (cut off?)");
}

/// Refuses to write what the reader would refuse to read.
void check_writable(const Safetensors& file) {
  for (const auto& [key, value] : file.metadata)
    CAWE_CHECK(is_utf8(key) && is_utf8(value), Code::data, "safetensors: metadata \"", printable(key),
               "\" is not UTF-8 (a path or name in another encoding? rename it)");
  for (const auto& [name, t] : file.tensors) {
    CAWE_CHECK(
        !name.empty() && is_utf8(name) && name.find('\0') == std::string::npos && name != "__metadata__",
        Code::data, "safetensors: \"", printable(name), "\" cannot name a tensor");
    CAWE_CHECK(t.defined(), Code::internal, "safetensors: tensor \"", name, "\" is undefined");
  }
}

}  // namespace

bool looks_like_safetensors(const char* data, size_t bytes) {
  return bytes >= 10 && little_endian_64(data) <= kMaxHeader && data[8] == '{';
}

std::string to_safetensors(const Safetensors& file) {
  std::string header = "{", sep;
  check_writable(file);
  if (!file.metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : file.metadata) {
      header += sep + quoted(key) + ":" + quoted(value);
      sep = ",";
    }
    header += "}";
  }
  size_t at = 0;
  for (const auto& [name, t] : file.tensors) {
    const size_t bytes = size_t(t.numel()) * size_of(t.dtype());
    header += sep + quoted(name) + ":{\"dtype\":\"" + tag_of(t.dtype()) + "\",\"shape\":[";
    for (int i = 0; i < t.rank(); ++i) header += (i ? "," : "") + std::to_string(t.dim(i));
    header += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + bytes) + "]}";
    sep = ",";
    at += bytes;
  }
  header += "}";
  while (header.size() % 8 != 0) header += ' ';
  std::string out;
  out.reserve(8 + header.size() + at);
  for (int i = 0; i < 8; ++i) out += char((uint64_t(header.size()) >> (8 * i)) & 0xFF);
  out += header;
  for (const auto& item : file.tensors) {
    const Tensor host = item.second.to(Device::cpu).contiguous();
    if (host.numel() > 0)
      out.append(static_cast<const char*>(host.raw()), size_t(host.numel()) * size_of(host.dtype()));
  }
  return out;
}

void save_safetensors(const std::string& path, const Safetensors& file) {
  write_file(path, to_safetensors(file));
}

Safetensors parse_safetensors(const char* data, size_t bytes, const std::string& source) {
  CAWE_CHECK(bytes >= 10, Code::data, source, ": ", bytes, " bytes (expected a safetensors file)");
  const uint64_t header = little_endian_64(data);
  CAWE_CHECK(header <= kMaxHeader && header <= bytes - 8, Code::data, source, ": header of ", header,
             " bytes in a file of ", bytes, " (not safetensors, or cut off)");
  HeaderReader in(data + 8, size_t(header), source);
  const char* values = data + 8 + header;
  const int64_t data_bytes = int64_t(bytes - 8 - header);
  Safetensors file;
  std::vector<Entry> entries;
  bool metadata = false;
  CAWE_CHECK(data[8] == '{', Code::data, source, ": the header begins with byte ",
             int(static_cast<unsigned char>(data[8])), " (expected '{': not safetensors)");
  in.expect('{');
  if (!in.take('}')) {
    do {
      const std::string name = in.string();
      if (name.empty() || name.find('\0') != std::string::npos) in.refuse("a tensor without a proper name");
      in.expect(':');
      if (name == "__metadata__") {
        if (std::exchange(metadata, true)) in.refuse("\"__metadata__\" twice");
        file.metadata = read_metadata(in);
        continue;
      }
      entries.push_back(read_entry(in, name));
      check_size(in, entries.back());
    } while (in.take(','));
    in.expect('}');
  }
  in.end();
  check_cover(in, entries, data_bytes);
  for (const Entry& e : entries) {
    Tensor t = Tensor::empty(Shape(e.shape), e.type.dtype);
    put_elements(e.type, values + e.begin, t.numel(), t.raw(), source + ": " + title(e.name));
    if (!file.tensors.emplace(e.name, t).second) in.refuse(title(e.name) + " twice");
  }
  return file;
}

}  // namespace cawe
