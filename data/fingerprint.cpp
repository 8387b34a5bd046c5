// SPDX-License-Identifier: Apache-2.0
#include "data/fingerprint.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "data/decode.h"
#include "data/hash.h"
#include "tensor/error.h"
#include "tensor/io/files.h"

namespace cawe::data {
namespace {

/// What tells a file that changed from one that did not.
using FileKey = std::tuple<std::string, bool, dev_t, ino_t, off_t, int64_t, int64_t>;

FileKey key_of(const std::string& path, bool allow_damaged) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {path, allow_damaged, 0, 0, -1, 0, 0};
  const auto nanoseconds = [](const timespec& t) { return int64_t(t.tv_sec) * 1000000000 + t.tv_nsec; };
  return {path,
          allow_damaged,
          info.st_dev,
          info.st_ino,
          info.st_size,
          nanoseconds(info.st_mtim),
          nanoseconds(info.st_ctim)};
}

}  // namespace

std::string pixel_hash(const FloatImage& film) {
  CAWE_CHECK(film.channels == 1, Code::internal, "pixel_hash: ", film.channels,
             " channels (expected a gray film)");
  std::string text = detail::concat(film.width, " ", film.height, "\n");
  text.reserve(text.size() + film.pixels.size());
  for (const float v : film.pixels)
    text += char(static_cast<unsigned char>(std::clamp(v, 0.f, 1.f) * 255.f + 0.5f));
  return sha256(text);
}

SizeOf image_facts_with(const ReadOptions& options) {
  return [options](const std::string& path) {
    static std::mutex mutex;
    static std::map<FileKey, ImageFacts> known;
    const FileKey key = key_of(path, options.allow_damaged);
    {
      const std::lock_guard<std::mutex> lock(mutex);
      const auto found = known.find(key);
      if (found != known.end()) return found->second;
    }
    const ImageFacts facts = image_facts(read_file(path, kMaxImageFile), path, options);
    const std::lock_guard<std::mutex> lock(mutex);
    return known.emplace(key, facts).first->second;
  };
}

}  // namespace cawe::data
