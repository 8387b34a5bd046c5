// SPDX-License-Identifier: Apache-2.0
#include "data/decode.h"

#include <cstdio>
#include <mutex>
#include <set>

#include "data/jail.h"
#include "tensor/io/files.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

constexpr size_t kMaxFile = size_t(2) << 30;

FloatImage as_float(const Picture& p, int channels) {
  FloatImage out(p.columns, p.rows, channels);
  const size_t s = size_t(p.samples);
  const float top = p.bits_allocated == 8 ? 255.0f : 65535.0f;
  for (size_t i = 0; i < size_t(p.rows) * size_t(p.columns); ++i) {
    const auto v = [&](size_t c) { return float(p.at(i * s + (s < 3 ? 0 : c))) / top; };
    if (channels == 3) {
      for (size_t c = 0; c < 3; ++c) out.pixels[i * 3 + c] = v(c);
    } else {
      // Three equal channels are kept exactly, not weighted: films are often stored as RGB.
      const bool gray = s < 3 || (p.at(i * s) == p.at(i * s + 1) && p.at(i * s) == p.at(i * s + 2));
      out.pixels[i] = gray ? v(0) : 0.299f * v(0) + 0.587f * v(1) + 0.114f * v(2);
    }
  }
  return out;
}

/// Tells of damage that is found only now: of films that were not opened beforehand.
void warn_of_damage(const Sample& sample, const std::string& damage) {
  if (damage.empty() || !sample.damage.empty()) return;
  static std::mutex mutex;
  static std::set<std::string> told;
  const std::lock_guard<std::mutex> lock(mutex);
  if (told.insert(sample.path).second)
    std::fprintf(stderr, "cawe: warning: %s\n",
                 printable(sample.path + ": damaged, read all the same: " + damage).c_str());
}

}  // namespace

DecodedFilm decode_film(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  DecodedFilm out;
  out.format = picture_format(bytes);
  if (out.format == PictureFormat::dicom) {
    Film film = film_of(bytes, name, options);
    out.bits = film.tags.bits;
    out.image = std::move(film.image);
    out.damage = film.damage;
  } else {
    const Picture picture = picture_of(bytes, name, options);
    out.bits = picture.bits_stored;
    out.image = as_float(picture, 1);
    out.damage = picture.damage;
  }
  return out;
}

FloatImage decode_gray_file(const std::string& path) {
  return decode_film(read_file(path, kMaxFile), path).image;
}

FloatImage decode_gray(const Sample& sample) {
  DecodedFilm film = decode_film(read_file(sample.path, kMaxFile), sample.path, {sample.allow_damaged});
  warn_of_damage(sample, film.damage);
  return std::move(film.image);
}

FloatImage decode_color(const Sample& sample) {
  const std::string bytes = read_file(sample.path, kMaxFile);
  if (picture_format(bytes) == PictureFormat::dicom)
    refuse_picture("unsupported_format", sample.path,
                   ": DICOM where a colour picture is needed (expected PNG or JPEG)");
  const Picture picture = picture_of(bytes, sample.path, {sample.allow_damaged});
  warn_of_damage(sample, picture.damage);
  return as_float(picture, 3);
}

SizeOf image_facts_with(const ReadOptions& options) {
  return [options](const std::string& path) {
    const std::string bytes = read_file(path, kMaxFile);
    if (picture_format(bytes) == PictureFormat::dicom) {
      const DicomTags tags = tags_of_film(bytes, path);
      if (tags.rows < 1 || tags.columns < 1)
        refuse_picture("bad_header", path, ": DICOM of ", tags.rows, " rows, ", tags.columns, " columns");
      ImageFacts facts(std::pair<int, int>{tags.columns, tags.rows});
      facts.sex = tags.sex;
      facts.view = tags.view;
      facts.age = tags.age;
      if (options.allow_damaged) facts.damage = film_of(bytes, path, options).damage;
      return facts;
    }
    const Picture p = picture_of(bytes, path, options);
    ImageFacts facts(std::pair<int, int>{p.columns, p.rows});
    facts.orientation = p.orientation;
    facts.damage = p.damage;
    return facts;
  };
}

ImageFacts image_facts(const std::string& path) { return image_facts_with({})(path); }

}  // namespace cawe::data
