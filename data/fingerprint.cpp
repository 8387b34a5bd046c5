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
#include "tensor/parallel.h"
#include "tensor/text.h"

namespace cawe::data {

namespace {

struct Prints {
  std::string file, pixels, problem;
};

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

Prints read_film(const std::string& path, bool allow_damaged) {
  Prints prints;
  try {
    const std::string bytes = read_file(path, size_t(2) << 30);
    prints.file = sha256(bytes);
    prints.pixels = pixel_hash(decode_film(bytes, path, {allow_damaged}).image);
  } catch (const Error& error) {
    if (error.code() != Code::data && error.code() != Code::io) throw;
    prints.problem = error.what();
  }
  return prints;
}

/// A study reads the same films for every row: they are kept for the life of the process.
Prints prints_of(const std::string& path, bool allow_damaged) {
  static std::mutex mutex;
  static std::map<FileKey, Prints> known;
  const FileKey key = key_of(path, allow_damaged);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto found = known.find(key);
    if (found != known.end()) return found->second;
  }
  const Prints prints = read_film(path, allow_damaged);
  const std::lock_guard<std::mutex> lock(mutex);
  return known.emplace(key, prints).first->second;
}

}  // namespace

void fingerprint_films(Dataset* dataset, bool quiet) {
  std::vector<Sample>& samples = dataset->samples;
  std::vector<std::string> problems(samples.size());
  std::mutex mutex;
  int64_t done = 0;
  Progress progress("reading films", int64_t(samples.size()), quiet);
  parallel_tasks(int64_t(samples.size()), [&](int64_t i) {
    Sample& sample = samples[size_t(i)];
    const Prints prints = prints_of(sample.path, sample.allow_damaged);
    sample.file_hash = prints.file;
    sample.pixel_hash = prints.pixels;
    problems[size_t(i)] = prints.problem;
    const std::lock_guard<std::mutex> lock(mutex);
    progress.update(++done);
  });
  std::vector<std::string> gone;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (problems[i].empty()) continue;
    std::string reason = problems[i];
    const std::string name = samples[i].path + ": ";
    if (reason.rfind(name, 0) == 0) reason = reason.substr(name.size());
    dataset->rejected.push_back({samples[i].path, "pixels", reason});
    gone.push_back(samples[i].image_id);
  }
  if (gone.empty()) return;
  drop_samples(dataset, gone);
  count_samples(dataset);
}

std::string pixel_hash(const FloatImage& film) {
  std::string text = detail::concat(film.width, " ", film.height, "\n");
  text.reserve(text.size() + film.pixels.size());
  const size_t channels = size_t(film.channels);
  for (size_t i = 0; i + channels <= film.pixels.size(); i += channels) {
    const float* p = film.pixels.data() + i;
    const bool gray = channels < 3 || (p[0] == p[1] && p[0] == p[2]);
    const float v = gray ? p[0] : 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
    text += char(static_cast<unsigned char>(std::clamp(v, 0.f, 1.f) * 255.f + 0.5f));
  }
  return sha256(text);
}

}  // namespace cawe::data
