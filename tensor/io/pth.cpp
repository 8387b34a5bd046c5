// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/pth.h"

#ifdef CAWE_HAVE_LIBZIP
#include <zip.h>
#endif

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/io/elements.h"
#include "tensor/io/pickle.h"
#include "tensor/io/state_dictionary.h"

namespace cawe {
namespace {

using pickle::Document;
using pickle::StorageRef;
using pickle::TensorRef;
using pickle::Value;
using Kind = Value::Kind;
/// The bytes of a storage; they live until the next call.
using ReadStorage = std::function<std::string_view(const StorageRef&)>;

/// Throws where an element would lie outside the storage; the file's sizes and strides are not trusted.
void check_inside(const TensorRef& ref, const std::string& where) {
  const int64_t elements = ref.storage->elements;
  int64_t last = ref.offset;
  for (size_t i = 0; i < ref.shape.size(); ++i) {
    const int64_t steps = ref.shape[i] - 1, stride = ref.strides[i];
    CAWE_CHECK(last < elements && (steps == 0 || stride <= (elements - 1 - last) / steps), Code::data, where,
               ": reaches behind its storage of ", elements, " elements");
    last += steps * stride;
  }
  CAWE_CHECK(last < elements, Code::data, where, ": reaches behind its storage of ", elements, " elements");
}

Tensor build(const TensorRef& ref, std::string_view storage, const std::string& where) {
  Tensor t = Tensor::empty(Shape(ref.shape), ref.storage->type.dtype);
  if (t.numel() == 0) return t;
  check_inside(ref, where);
  const FileType& type = ref.storage->type;
  const char* from = storage.data() + size_t(ref.offset) * type.size;
  const Shape dense = strides_of(t.shape(), Layout::contiguous);
  if (Shape(ref.strides) == dense) {
    put_elements(type, from, t.numel(), t.raw(), where);
    return t;
  }
  std::string gathered(size_t(t.numel()) * type.size, '\0');
  std::vector<int64_t> index(ref.shape.size(), 0);
  int64_t at = 0;
  for (size_t n = 0; n < gathered.size(); n += type.size) {
    std::memcpy(&gathered[n], from + size_t(at) * type.size, type.size);
    for (size_t i = index.size(); i-- > 0;) {
      at += ref.strides[i];
      if (++index[i] < ref.shape[i]) break;
      at -= ref.strides[i] * ref.shape[i];
      index[i] = 0;
    }
  }
  put_elements(type, gathered.data(), t.numel(), t.raw(), where);
  return t;
}

/// Builds every tensor of the weights, one storage after another.
PthFile build_all(const Document& document, const ReadStorage& read_storage, size_t file_bytes,
                  const std::string& source, const std::string& part) {
  PthFile out;
  std::map<const StorageRef*, std::vector<std::pair<std::string, const TensorRef*>>> by_storage;
  // Shared and repeated elements are written out, so the tensors may be larger than the file, within reason.
  const int64_t limit = int64_t(file_bytes) * 4 + (int64_t(16) << 20);
  int64_t total = 0;
  for (const auto& [name, ref] : pickle::state_dictionary(*document.root, part, source, &out)) {
    const int64_t bytes = bytes_of(ref->shape, size_of(ref->storage->type.dtype));
    CAWE_CHECK(bytes >= 0 && bytes <= limit - total, Code::data, source, ": ", shown(name),
               ": its tensors take over four times the file's bytes (expected sizes that fit the file)");
    total += bytes;
    by_storage[ref->storage].emplace_back(name, ref);
  }
  for (const auto& [storage, tensors] : by_storage) {
    const std::string_view bytes = read_storage(*storage);
    CAWE_CHECK(bytes.size() / storage->type.size == size_t(storage->elements) &&
                   bytes.size() % storage->type.size == 0,
               Code::data, source, ": storage \"", shown(storage->key), "\" has ", bytes.size(),
               " bytes (expected ", storage->elements, " elements of ", storage->type.size, ")");
    for (const auto& [name, ref] : tensors) {
      if (is_widened(storage->type)) out.widened.emplace(name, stored_name(storage->type));
      out.tensors.emplace(name, build(*ref, bytes, source + ": " + shown(name)));
    }
  }
  return out;
}

#ifdef CAWE_HAVE_LIBZIP
/// torch.save's archive: NAME/data.pkl, NAME/data/KEY, NAME/byteorder, all stored without compression.
class Archive {
 public:
  Archive(const std::string& bytes, const std::string& source) : file_bytes_(bytes.size()), source_(source) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* buffer = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (buffer != nullptr) zip_ = zip_open_from_source(buffer, ZIP_RDONLY, &error);
    if (zip_ == nullptr) {
      if (buffer != nullptr) zip_source_free(buffer);
      const std::string reason = zip_error_strerror(&error);
      zip_error_fini(&error);
      fail(Code::data, source, ": the zip cannot be read (", reason, "; cut off?)");
    }
    zip_error_fini(&error);
    try {
      list_entries();
    } catch (...) {
      zip_discard(zip_);
      throw;
    }
  }
  ~Archive() { zip_discard(zip_); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  bool has(const std::string& name) const { return index_.count(name) != 0; }

  std::string read(const std::string& name) {
    const auto found = index_.find(name);
    CAWE_CHECK(found != index_.end(), Code::data, source_, ": the zip has no part \"", shown(name), "\"");
    zip_stat_t info;
    zip_stat_init(&info);
    constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
    const bool known =
        zip_stat_index(zip_, found->second, 0, &info) == 0 && (info.valid & kNeeded) == kNeeded;
    // Without compression no part can be larger than the file, nor all of them together.
    CAWE_CHECK(known && info.comp_method == ZIP_CM_STORE, Code::data, source_, ": part \"", shown(name),
               "\" is compressed (expected torch.save's own form)");
    CAWE_CHECK(info.size <= file_bytes_ - read_, Code::data, source_, ": part \"", shown(name), "\" of ",
               info.size, " bytes does not fit a file of ", file_bytes_);
    read_ += size_t(info.size);
    std::string bytes(size_t(info.size), '\0');
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(zip_, found->second, 0),
                                                                 zip_fclose);
    // The checksum is compared when the end is met, which takes one read more.
    char beyond;
    CAWE_CHECK(file != nullptr && zip_fread(file.get(), bytes.data(), info.size) == zip_int64_t(info.size) &&
                   zip_fread(file.get(), &beyond, 1) == 0,
               Code::data, source_, ": part \"", shown(name), "\" is damaged (",
               file != nullptr ? zip_file_strerror(file.get()) : zip_strerror(zip_), ")");
    return bytes;
  }

 private:
  void list_entries() {
    const zip_int64_t entries = zip_get_num_entries(zip_, 0);
    for (zip_int64_t i = 0; i < entries; ++i) {
      const char* raw = zip_get_name(zip_, zip_uint64_t(i), ZIP_FL_ENC_RAW);
      const std::string name = raw != nullptr ? raw : "";
      const size_t slash = name.find('/');
      CAWE_CHECK(slash != std::string::npos && name.find("..") == std::string::npos, Code::data, source_,
                 ": part \"", shown(name), "\" of the zip (expected NAME/data.pkl, NAME/data/...)");
      CAWE_CHECK(index_.emplace(name.substr(slash + 1), zip_uint64_t(i)).second, Code::data, source_,
                 ": the zip has two parts \"", shown(name), "\"");
    }
  }

  zip_t* zip_ = nullptr;
  size_t file_bytes_, read_ = 0;
  std::string source_;
  std::map<std::string, zip_uint64_t> index_;
};

PthFile parse_zip(const std::string& bytes, const std::string& source, const std::string& wanted) {
  Archive archive(bytes, source);
  CAWE_CHECK(archive.has("data.pkl"), Code::data, source,
             ": the zip has no data.pkl (expected a file of torch.save)");
  if (archive.has("byteorder")) {
    const std::string order = archive.read("byteorder");
    CAWE_CHECK(order == "little", Code::data, source, ": byte order ", shown(order),
               " (expected little; save it on a little-endian machine)");
  }
  const std::string pickled = archive.read("data.pkl");
  size_t at = 0;
  const Document document = pickle::read(pickled.data(), pickled.size(), &at, source);
  std::string part;
  const auto read_storage = [&](const StorageRef& storage) {
    part = archive.read("data/" + storage.key);
    return std::string_view(part);
  };
  return build_all(document, read_storage, bytes.size(), source, wanted);
}
#else
PthFile parse_zip(const std::string&, const std::string& source, const std::string&) {
  fail(Code::unsupported, source,
       ": this build cannot read zip .pth files (install libzip-dev and build again)");
}
#endif

bool is_little_endian(const Value& system) {
  for (size_t i = 0; i + 1 < system.items.size(); i += 2)
    if (system.items[i]->kind == Kind::text && system.items[i]->text == "little_endian")
      return system.items[i + 1]->kind == Kind::yes;
  return false;
}

/// Four pickles (magic number, version, system, state), a list of storage keys, then each storage: its number
/// of elements and its bytes.
PthFile parse_legacy(const std::string& bytes, const std::string& source, const std::string& wanted) {
  size_t at = 0;
  const auto next = [&] { return pickle::read(bytes.data(), bytes.size(), &at, source); };
  next();
  const Document version = next(), system = next();
  CAWE_CHECK(version.root->kind == Kind::integer && version.root->integer == 1001, Code::data, source,
             ": an unknown version of the legacy format (expected 1001)");
  CAWE_CHECK(system.root->kind == Kind::dict && is_little_endian(*system.root), Code::data, source,
             ": not little-endian (save it on a little-endian machine)");
  const Document document = next(), keys = next();
  CAWE_CHECK(keys.root->kind == Kind::list, Code::data, source, ": the list of storages is missing");
  std::map<std::string, std::string_view> storages;
  for (const Value* key : keys.root->items) {
    CAWE_CHECK(key->kind == Kind::text && document.storages.count(key->text) != 0, Code::data, source,
               ": storage \"", shown(key->text),
               "\" belongs to no tensor of a kind that is read, and where the next one begins is unknown");
    const StorageRef& storage = document.storages.at(key->text);
    CAWE_CHECK(bytes.size() - at >= 8, Code::data, source, ": ends before storage \"", shown(key->text),
               "\" (cut off?)");
    uint64_t count = 0;
    std::memcpy(&count, bytes.data() + at, 8);
    at += 8;
    CAWE_CHECK(count <= (bytes.size() - at) / storage.type.size, Code::data, source,
               ": ends inside storage \"", shown(key->text), "\" (cut off?)");
    const size_t size = size_t(count) * storage.type.size;
    CAWE_CHECK(storages.emplace(key->text, std::string_view(bytes).substr(at, size)).second, Code::data,
               source, ": storage \"", shown(key->text), "\" comes twice");
    at += size;
  }
  CAWE_CHECK(at == bytes.size(), Code::data, source, ": ", bytes.size() - at,
             " bytes behind the last storage");
  const auto read_storage = [&](const StorageRef& storage) {
    const auto found = storages.find(storage.key);
    CAWE_CHECK(found != storages.end(), Code::data, source, ": storage \"", shown(storage.key),
               "\" is missing");
    return found->second;
  };
  return build_all(document, read_storage, bytes.size(), source, wanted);
}

bool is_zip(const std::string& bytes) { return bytes.compare(0, 4, "PK\3\4") == 0; }

/// Protocol 2, LONG1 of ten bytes: the magic number 0x1950a86a20f9469cfc6c.
bool is_legacy(const std::string& bytes) {
  return bytes.compare(0, 14,
                       std::string_view("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14)) == 0;
}

bool is_tar(const std::string& bytes) { return bytes.size() > 262 && bytes.compare(257, 5, "ustar") == 0; }

}  // namespace

PthFile read_pth(const std::string& bytes, const std::string& source, const std::string& part) {
  if (is_zip(bytes)) return parse_zip(bytes, source, part);
  if (is_legacy(bytes)) return parse_legacy(bytes, source, part);
  CAWE_CHECK(!is_tar(bytes), Code::data, source,
             ": a tar file of PyTorch before 0.1.10 (load it with PyTorch and torch.save it again)");
  fail(Code::data, source, ": neither a zip nor a legacy file of torch.save (expected .pth or .safetensors)");
}

NamedTensors parse_pth(const std::string& bytes, const std::string& source) {
  return read_pth(bytes, source).tensors;
}

}  // namespace cawe
