// SPDX-License-Identifier: Apache-2.0
// Image files of any format as their stored samples, and the reason why a file cannot be read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/error.h"

namespace cawe::data {

/// Why a picture cannot be read, as one word that programs can compare (e.g. "truncated_pixel_data").
class PictureError : public Error {
 public:
  PictureError(std::string kind, const std::string& message)
      : Error(Code::data, message), kind_(std::move(kind)) {}
  const std::string& kind() const { return kind_; }

 private:
  std::string kind_;
};

template <class... Parts>
[[noreturn]] void refuse_picture(const char* kind, const Parts&... parts) {
  throw PictureError(kind, cawe::detail::concat(parts...));
}

/// For pixels whose damage a decoder could fill in: how to read them anyway. `what` is the format, `damage` the
/// decoder's words.
[[noreturn]] void refuse_damaged(const std::string& name, const std::string& what, const std::string& damage);

/// What a reader accepts.
struct ReadOptions {
  /// Damaged pixels that can be filled in (a hole in a JPEG, a colour outside the palette): read, with the reason in
  /// `damage`. Off: refused as "damaged_pixel_data".
  bool allow_damaged = false;
  /// A picture that EXIF says is turned stays as it is stored. Off: it is turned upright, as viewers show it.
  bool as_stored = false;
  /// Of a DICOM film also what an image made from it takes over (Film::origin).
  bool origin = false;
};

/// Decoded samples: of a DICOM file as they are stored, before rescaling, windows, palettes or inversion; of other
/// pictures scaled to the whole range of 8 or 16 bits, palettes resolved.
struct Picture {
  std::string kind;  ///< "dicom", "png", "jpeg", "bmp", "pnm"
  int rows = 0, columns = 0, frames = 1, samples = 1;
  int bits_allocated = 8, bits_stored = 8;
  bool is_signed = false;
  /// Of DICOM, for the gray chain: bits of a lossy codec's samples, which may lie beyond the stored ones; 0: exact ones.
  int lossy_bits = 0;
  std::string photometric, transfer_syntax;  ///< transfer_syntax: DICOM's UID, else empty
  /// What ReadOptions::allow_damaged let pass, or which scans a progressive JPEG lacks; empty: nothing.
  std::string damage;
  /// Of the file, 1 to 8 as EXIF counts them (orientation.h); the samples have been turned unless
  /// ReadOptions::as_stored, and what the decoders below return has not.
  int orientation = 1;
  /// Order: frame, row, column, sample; 16-bit samples are little-endian.
  std::vector<uint8_t> bytes;

  size_t count() const { return size_t(rows) * size_t(columns) * size_t(frames) * size_t(samples); }
  /// Sample i as a number.
  int at(size_t i) const {
    if (bits_allocated == 8) return is_signed ? int(int8_t(bytes[i])) : int(bytes[i]);
    const int v = int(bytes[2 * i]) | int(bytes[2 * i + 1]) << 8;
    return is_signed ? int(int16_t(v)) : v;
  }
};

/// No picture may have more samples than this, whatever its header says.
constexpr int64_t kMaxSamples = int64_t(1) << 28;
constexpr int kMaxSide = 16384;
/// Nor may its file have more bytes.
constexpr size_t kMaxImageFile = size_t(2) << 30;

/// Name and version of the libraries that decode in this build.
std::vector<std::pair<std::string, std::string>> picture_libraries();

enum class PictureFormat { unknown, dicom, png, jpeg, bmp, pnm };
/// By content, never by name.
PictureFormat picture_format(std::string_view bytes);

/// Throws PictureError; `name` begins its message. Sizes are checked before anything is allocated.
Picture parse_picture(std::string_view bytes, const std::string& name, const ReadOptions& options = {});
Picture read_picture(const std::string& path, const ReadOptions& options = {});

/// SHA-256 of a DICOM's samples; of other pictures as 8-bit RGBA (of 16-bit samples the high byte).
std::string picture_hash(const Picture& picture);
/// The 8-bit RGBA form (not for DICOM).
std::vector<uint8_t> to_rgba8(const Picture& picture);

/// One JSON object: {"file","kind","rows","columns","frames","samples","bits",...,"sha256"} of the samples as they are
/// stored; for a picture that EXIF says is turned also {"orientation","shown_rows","shown_columns"}; for one that
/// `options` let pass also {"damage"}. For a bad file {"file","error","error_kind"}, with `ok` set to false.
std::string inspect_picture_json(const std::string& path, bool* ok, const ReadOptions& options = {});

// The decoders, each for bytes of its own format. They leave a turned picture as it is stored.
Picture parse_png(std::string_view bytes, const std::string& name, const ReadOptions& options = {});
Picture parse_bmp(std::string_view bytes, const std::string& name, const ReadOptions& options = {});
Picture parse_pnm(std::string_view bytes, const std::string& name, const ReadOptions& options = {});
Picture parse_jpeg(std::string_view bytes, const std::string& name, const ReadOptions& options = {});
Picture parse_dicom(std::string_view bytes, const std::string& name, const ReadOptions& options = {});

/// What a file is that is none of these and what to do about it, in words ("a TIFF picture, which is not read …");
/// empty where it is not known.
std::string unread_format(std::string_view bytes);

}  // namespace cawe::data
