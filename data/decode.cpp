// SPDX-License-Identifier: Apache-2.0
#include "data/decode.h"

#include "data/fingerprint.h"
#include "data/hash.h"
#include "data/jail.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

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
  if (!damage.empty() && sample.damage.empty())
    warn_once(sample.path + ": damaged, read all the same: " + damage);
}

}  // namespace

std::string read_film(const Sample& sample) {
  std::string bytes = read_file(sample.path, kMaxImageFile);
  CAWE_CHECK(!sample.only_as_read || sha256(bytes) == sample.file_hash, Code::data, sample.path,
             ": changed while the command ran (expected films that stay as they are until it ends)");
  return bytes;
}

DecodedFilm decode_film(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  DecodedFilm out;
  out.format = picture_format(bytes);
  if (out.format == PictureFormat::dicom) {
    Film film = film_of(bytes, name, options);
    out.bits = film.tags.bits;
    out.image = std::move(film.image);
    out.damage = film.damage;
    out.origin = std::move(film.origin);
  } else {
    const Picture picture = picture_of(bytes, name, options);
    out.bits = picture.bits_stored;
    out.image = as_float(picture, 1);
    out.damage = picture.damage;
  }
  return out;
}

FloatImage decode_gray_file(const std::string& path) {
  return decode_film(read_file(path, kMaxImageFile), path).image;
}

FloatImage decode_gray(const Sample& sample) {
  DecodedFilm film = decode_film(read_film(sample), sample.path, {sample.allow_damaged});
  warn_of_damage(sample, film.damage);
  return std::move(film.image);
}

FloatImage decode_color(const Sample& sample) {
  const std::string bytes = read_film(sample);
  if (picture_format(bytes) == PictureFormat::dicom)
    refuse_picture("unsupported_format", sample.path,
                   ": DICOM where a colour picture is needed (expected PNG or JPEG)");
  const Picture picture = picture_of(bytes, sample.path, {sample.allow_damaged});
  warn_of_damage(sample, picture.damage);
  return as_float(picture, 3);
}

ImageFacts image_facts(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  ImageFacts facts;
  FloatImage film;
  if (picture_format(bytes) == PictureFormat::dicom) {
    Film shown = film_of(bytes, name, options);
    film = std::move(shown.image);
    facts.sex = shown.tags.sex;
    facts.view = shown.tags.view;
    facts.age = shown.tags.age;
    facts.damage = shown.damage;
  } else {
    const Picture picture = picture_of(bytes, name, options);
    film = as_float(picture, 1);
    facts.orientation = picture.orientation;
    facts.damage = picture.damage;
  }
  facts.width = film.width;
  facts.height = film.height;
  facts.file_hash = sha256(bytes);
  facts.pixel_hash = pixel_hash(film);
  return facts;
}

}  // namespace cawe::data
