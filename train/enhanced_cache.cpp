// SPDX-License-Identifier: Apache-2.0
#include "train/enhanced_cache.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>

#include "data/hash.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/folder_claim.h"

namespace cawe::train {
namespace {

namespace fs = std::filesystem;

std::string_view bytes_of(const data::FloatImage& image) {
  return {reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size() * sizeof(float)};
}

std::string size_text(const data::FloatImage& image) {
  return detail::concat(image.width, " ", image.height, " ", image.channels, "\n");
}

/// The file: SHA-256 of the rest, one line with the size, the pixels.
std::string encode(const data::FloatImage& image) {
  const std::string body = size_text(image) + std::string(bytes_of(image));
  return data::sha256(body) + "\n" + body;
}

bool decode(const std::string& file, data::FloatImage* image) {
  constexpr size_t kDigest = 65;
  if (file.size() < kDigest ||
      data::sha256(std::string_view(file).substr(kDigest)) + "\n" != file.substr(0, kDigest))
    return false;
  const size_t end = file.find('\n', kDigest);
  int width = 0, height = 0, channels = 0;
  if (end == std::string::npos ||
      std::sscanf(file.c_str() + kDigest, "%d %d %d", &width, &height, &channels) != 3)
    return false;
  data::FloatImage out(width, height, channels);
  if (file.size() - end - 1 != out.pixels.size() * sizeof(float)) return false;
  std::memcpy(out.pixels.data(), file.data() + end + 1, out.pixels.size() * sizeof(float));
  *image = std::move(out);
  return true;
}

bool is_key(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == name.npos;
}

/// A cache from before such folders were marked holds nothing else.
bool is_older_cache(const std::string& dir) {
  const std::vector<std::string> names = names_in(dir);
  return std::all_of(names.begin(), names.end(),
                     [](const std::string& name) { return is_key(name) || is_unfinished(name); });
}

/// Two threads may need the same film at once (a fold's training and its validation): one of them writes.
class Cache {
 public:
  explicit Cache(std::string dir) : dir_(std::move(dir)) {
    mark_folder(dir_, "cache", [this] { return is_older_cache(dir_); });
  }
  bool find(const std::string& key, data::FloatImage* image) const {
    const std::string path = dir_ + "/" + key;
    return fs::exists(path) && decode(read_file(path), image);
  }
  void keep(const std::string& key, const data::FloatImage& image) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!writing_.insert(key).second) return;
    }
    write_file(dir_ + "/" + key, encode(image));
    const std::lock_guard<std::mutex> lock(mutex_);
    writing_.erase(key);
  }

 private:
  std::string dir_;
  std::mutex mutex_;
  std::set<std::string> writing_;
};

}  // namespace

void remove_enhancement_cache(const std::string& dir) {
  std::error_code e;
  if (fs::is_symlink(dir, e) || folder_kind(dir) != "cache") return;
  for (const std::string& name : names_in(dir)) {
    const fs::path file = fs::path(dir) / name;
    if ((is_key(name) || is_unfinished(name)) && fs::symlink_status(file, e).type() == fs::file_type::regular)
      fs::remove(file, e);
  }
  fs::remove(fs::path(dir) / kFolderMarker, e);  // last: without it the rest would be nobody's
  fs::remove(dir, e);                            // only if nothing else is in it
}

EnhanceCallback cached_enhancement(EnhanceCallback enhance, const std::string& identity,
                                   const std::string& dir) {
  if (!enhance) return enhance;
  const auto cache = std::make_shared<Cache>(dir);
  return [enhance, identity, cache](data::FloatImage& image, const data::Sample& sample) {
    const std::string key = data::sha256(identity + "\n" + size_text(image) + std::string(bytes_of(image)));
    if (cache->find(key, &image)) return;
    enhance(image, sample);
    cache->keep(key, image);
  };
}

}  // namespace cawe::train
