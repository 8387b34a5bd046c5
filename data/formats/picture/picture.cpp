// SPDX-License-Identifier: Apache-2.0
#include "data/formats/picture/picture.h"

#include <nlohmann/json.hpp>

#include "data/formats/picture/orientation.h"
#include "data/hash.h"
#include "data/jail.h"
#include "tensor/io/files.h"
#include "tensor/io/json.h"

// Each library has its version in a macro of its own.
#ifdef CAWE_HAVE_DCMTK
#include <dcmtk/config/osconfig.h>
#endif
#ifdef CAWE_HAVE_JPEG
#include <cstdio>

#include <jpeglib.h>
#define CAWE_TEXT_OF(x) #x
#define CAWE_TEXT(x) CAWE_TEXT_OF(x)
#endif

namespace cawe::data {
namespace {

bool begins(std::string_view bytes, std::string_view with) { return bytes.substr(0, with.size()) == with; }

}  // namespace

std::vector<std::pair<std::string, std::string>> picture_libraries() {
  return {
#ifdef CAWE_HAVE_DCMTK
      {"dcmtk", PACKAGE_VERSION},
#endif
#ifdef CAWE_HAVE_JPEG
      {"libjpeg-turbo", CAWE_TEXT(LIBJPEG_TURBO_VERSION)},
#endif
  };
}

PictureFormat picture_format(std::string_view bytes) {
  if (bytes.size() >= 132 && bytes.substr(128, 4) == "DICM") return PictureFormat::dicom;
  if (begins(bytes, "\x89PNG")) return PictureFormat::png;
  if (begins(bytes, "\xFF\xD8")) return PictureFormat::jpeg;
  if (begins(bytes, "BM")) return PictureFormat::bmp;
  const bool word =
      bytes.size() >= 3 && (bytes[2] == ' ' || bytes[2] == '#' || (bytes[2] >= '\t' && bytes[2] <= '\r'));
  if (word && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6') return PictureFormat::pnm;
  return PictureFormat::unknown;
}

void refuse_damaged(const std::string& name, const std::string& what, const std::string& damage) {
  refuse_picture("damaged_pixel_data", name, ": ", what, " with damaged pixels (", damage,
                 "). --allow-damaged, in recipes data.allow_damaged, reads what can be read");
}

namespace {

Picture parse_stored(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  switch (picture_format(bytes)) {
    case PictureFormat::dicom:
      return parse_dicom(bytes, name, options);
    case PictureFormat::png:
      return parse_png(bytes, name, options);
    case PictureFormat::jpeg:
      return parse_jpeg(bytes, name, options);
    case PictureFormat::bmp:
      return parse_bmp(bytes, name, options);
    case PictureFormat::pnm:
      return parse_pnm(bytes, name, options);
    case PictureFormat::unknown:
      break;
  }
  const std::string what = unread_format(bytes);
  if (!what.empty()) refuse_picture("unsupported_format", name, ": ", what);
  refuse_picture("unknown_format", name,
                 ": neither DICOM (no \"DICM\" at byte 128) nor PNG, JPEG, BMP or PNM");
}

}  // namespace

Picture parse_picture(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  if (bytes.empty()) refuse_picture("empty_file", name, ": empty file (expected DICOM, PNG or JPEG)");
  // The content decides about the format. A name ending in .dcm with other content is refused: the file was
  // damaged or renamed.
  const bool named_dicom = name.size() > 4 && name.compare(name.size() - 4, 4, ".dcm") == 0;
  if (named_dicom && picture_format(bytes) != PictureFormat::dicom) {
    const std::string what = unread_format(bytes);
    refuse_picture("not_dicom_or_no_preamble", name,
                   ": named .dcm, but without \"DICM\" at byte 128 (expected a DICOM file)",
                   what.empty() ? "" : ". It is " + what);
  }
  Picture picture = parse_stored(bytes, name, options);
  if (!options.as_stored) turn_upright(&picture);
  return picture;
}

Picture read_picture(const std::string& path, const ReadOptions& options) {
  return picture_of(read_file(path, kMaxImageFile), path, options);
}

std::vector<uint8_t> to_rgba8(const Picture& p) {
  std::vector<uint8_t> out(size_t(p.rows) * size_t(p.columns) * 4);
  const size_t step = size_t(p.bits_allocated) / 8, high = step - 1, s = size_t(p.samples);
  for (size_t i = 0; i < out.size() / 4; ++i) {
    const auto value = [&](size_t c) { return p.bytes[(i * s + c) * step + high]; };
    const bool gray = s < 3;
    for (size_t c = 0; c < 3; ++c) out[i * 4 + c] = value(gray ? 0 : c);
    out[i * 4 + 3] = s == 2 ? value(1) : s == 4 ? value(3) : uint8_t(255);
  }
  return out;
}

std::string picture_hash(const Picture& p) {
  const std::vector<uint8_t> bytes = p.kind == "dicom" ? p.bytes : to_rgba8(p);
  return sha256(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

std::string inspect_picture_json(const std::string& path, bool* ok, const ReadOptions& options) {
  Json json{{"file", path}};
  *ok = true;
  const auto refused = [&](const char* what, const std::string& kind) {
    *ok = false;
    json.update({{"error", what}, {"error_kind", kind}});
  };
  try {
    const Picture p = read_picture(path, {options.allow_damaged, true});
    json.update({{"kind", p.kind},
                 {"rows", p.rows},
                 {"columns", p.columns},
                 {"frames", p.frames},
                 {"samples", p.samples},
                 {"bits", p.bits_stored},
                 {"photometric", p.photometric},
                 {"transfer_syntax", p.transfer_syntax},
                 {"sha256", picture_hash(p)}});
    if (p.orientation != 1) {
      const bool swap = p.orientation >= 5;
      json.update({{"orientation", p.orientation},
                   {"shown_rows", swap ? p.columns : p.rows},
                   {"shown_columns", swap ? p.rows : p.columns}});
    }
    if (!p.damage.empty()) json["damage"] = p.damage;
  } catch (const PictureError& e) {
    refused(e.what(), e.kind());
  } catch (const Error& e) {
    if (e.code() != Code::data) throw;
    refused(e.what(), "bad_size");
  }
  return json_text(json);
}

}  // namespace cawe::data
