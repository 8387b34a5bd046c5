// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "tensor/io/elements.h"
#include "tensor/io/files.h"
#include "tensor/io/json.h"
#include "tensor/io/strict_json.h"

namespace cawe {
namespace {

constexpr size_t kMaxHeader = 100000000;  // the format's own limit
// A hundred thousand tensors and more; a list in an entry is the deepest that there is.
constexpr JsonLimits kHeaderLimits{kMaxHeader, 4, size_t(1) << 20};

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

using nlohmann::json;

/// Where a message about a tensor begins.
std::string title(const std::string& source, const std::string& name) {
  return source + ": tensor \"" + shown(name) + "\"";
}

FileType read_type(const json& tag, const std::string& where) {
  for (const auto& [known, type] : kTypes)
    if (tag == known) return type;
  fail(Code::data, where, " has dtype ", shown(tag.is_string() ? tag.get<std::string>() : tag.dump()),
       " (expected F32, F64, F16, BF16, I64, I32, I16, I8, U8 or BOOL)");
}

/// A list of at most `max` whole numbers, 0 to 2^53.
std::vector<int64_t> read_wholes(const json& list, size_t max, const std::string& where) {
  CAWE_CHECK(list.is_array() && list.size() <= max, Code::data, where, " is no list of at most ", max,
             " numbers");
  std::vector<int64_t> values;
  for (const json& number : list) {
    CAWE_CHECK(number.is_number_unsigned() && number.get<uint64_t>() <= (uint64_t(1) << 53), Code::data,
               where, " has ", number.dump().substr(0, 40), " (expected a whole number from 0 to 2^53)");
    values.push_back(number.get<int64_t>());
  }
  return values;
}

Entry read_entry(const json& fields, const std::string& name, const std::string& source) {
  const std::string where = title(source, name);
  CAWE_CHECK(fields.is_object(), Code::data, where, ": is ", fields.type_name(), " (expected an object)");
  for (const auto& field : fields.items())
    CAWE_CHECK(field.key() == "dtype" || field.key() == "shape" || field.key() == "data_offsets", Code::data,
               where, ": unknown key \"", shown(field.key()), "\"");
  CAWE_CHECK(fields.size() == 3, Code::data, where, " lacks dtype, shape or data_offsets");
  Entry e;
  e.name = name;
  e.type = read_type(fields["dtype"], where);
  e.shape = read_wholes(fields["shape"], size_t(Shape::kMaxRank), where + ": shape");
  const std::vector<int64_t> at = read_wholes(fields["data_offsets"], 2, where + ": data_offsets");
  CAWE_CHECK(at.size() == 2 && at[0] <= at[1], Code::data, where, ": data_offsets are not a range");
  e.begin = at[0];
  e.end = at[1];
  const int64_t needed = bytes_of(e.shape, e.type.size);
  CAWE_CHECK(needed >= 0, Code::data, where, " is larger than memory");
  CAWE_CHECK(needed == e.end - e.begin, Code::data, where, " holds ", e.end - e.begin, " bytes (expected ",
             needed, " by its dtype and shape)");
  return e;
}

std::map<std::string, std::string> read_metadata(const json& fields, const std::string& source) {
  const std::string where = source + ": __metadata__";
  if (fields.is_null()) return {};  // as some writers say that there is none
  CAWE_CHECK(fields.is_object(), Code::data, where, ": is ", fields.type_name(), " (expected an object)");
  std::map<std::string, std::string> metadata;
  for (const auto& field : fields.items()) {
    CAWE_CHECK(field.value().is_string(), Code::data, where, ".", shown(field.key()), ": is ",
               field.value().type_name(), " (expected a string)");
    metadata[field.key()] = field.value().get<std::string>();
  }
  return metadata;
}

/// Ranges must cover the data once, without gaps.
void check_cover(std::vector<Entry> entries, int64_t data_bytes, const std::string& source) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::make_pair(a.begin, a.end) < std::make_pair(b.begin, b.end);
  });
  int64_t at = 0;
  for (const Entry& e : entries) {
    CAWE_CHECK(e.begin == at, Code::data, title(source, e.name), " begins at ", e.begin, " (expected ", at,
               ": no gap, no overlap)");
    at = e.end;
  }
  CAWE_CHECK(at == data_bytes, Code::data, source, ": tensors end at ", at, ", the file's data at ",
             data_bytes, " (cut off?)");
}

/// Refuses to write what the reader would refuse to read.
void check_writable(const Safetensors& file) {
  for (const auto& [key, value] : file.metadata)
    CAWE_CHECK(is_utf8(key) && is_utf8(value), Code::data, "safetensors: metadata \"", shown(key),
               "\" is not UTF-8 (a path or name in another encoding? rename it)");
  for (const auto& [name, t] : file.tensors) {
    CAWE_CHECK(can_name_tensor(name), Code::data, "safetensors: \"", shown(name), "\" cannot name a tensor");
    CAWE_CHECK(t.defined(), Code::internal, "safetensors: tensor \"", name, "\" is undefined");
  }
}

}  // namespace

bool can_name_tensor(const std::string& name) {
  return !name.empty() && is_utf8(name) && name.find('\0') == std::string::npos && name != "__metadata__";
}

bool looks_like_safetensors(const char* data, size_t bytes) {
  return bytes >= 10 && little_endian_64(data) <= kMaxHeader && data[8] == '{';
}

std::string to_safetensors(const Safetensors& file) {
  check_writable(file);
  Json fields = Json::object();
  if (!file.metadata.empty()) fields["__metadata__"] = file.metadata;
  // Names of a map come once each: to look for each among those before takes the square of their number.
  std::vector<Json::object_t::value_type>& entries = fields.get_ref<Json::object_t&>();
  size_t at = 0;
  for (const auto& [name, t] : file.tensors) {
    const size_t bytes = size_t(t.numel()) * size_of(t.dtype());
    Json shape = Json::array();
    for (int i = 0; i < t.rank(); ++i) shape.push_back(t.dim(i));
    entries.emplace_back(
        name, Json{{"dtype", tag_of(t.dtype())}, {"shape", shape}, {"data_offsets", {at, at + bytes}}});
    at += bytes;
  }
  std::string header = json_text(fields);
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
  CAWE_CHECK(data[8] == '{', Code::data, source, ": the header begins with byte ",
             int(static_cast<unsigned char>(data[8])), " (expected '{': not safetensors)");
  const json fields =
      parse_json(std::string_view(data + 8, size_t(header)), source + ": header", kHeaderLimits);
  Safetensors file;
  std::vector<Entry> entries;
  for (const auto& field : fields.items()) {
    const std::string& name = field.key();
    CAWE_CHECK(!name.empty() && name.find('\0') == std::string::npos, Code::data, source,
               ": a tensor without a proper name");
    if (name == "__metadata__")
      file.metadata = read_metadata(field.value(), source);
    else
      entries.push_back(read_entry(field.value(), name, source));
  }
  check_cover(entries, int64_t(bytes - 8 - header), source);
  const char* values = data + 8 + header;
  for (const Entry& e : entries) {
    Tensor t = Tensor::empty(Shape(e.shape), e.type.dtype);
    put_elements(e.type, values + e.begin, t.numel(), t.raw(), title(source, e.name));
    file.tensors.emplace(e.name, t);
    if (is_widened(e.type)) file.widened.emplace(e.name, stored_name(e.type));
  }
  return file;
}

}  // namespace cawe
