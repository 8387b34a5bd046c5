// SPDX-License-Identifier: Apache-2.0
#include "data/formats/picture/orientation.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "data/formats/picture/jpeg_markers.h"
#include "data/formats/picture/picture.h"

namespace cawe::data {
namespace {

using namespace std::string_view_literals;

/// Longest text that is unpacked to look for a note; programs write some kilobytes.
constexpr size_t kMaxText = size_t(1) << 20;
constexpr int kAbsent = -1;

bool begins(std::string_view bytes, std::string_view with) { return bytes.substr(0, with.size()) == with; }

int valid(int orientation) { return orientation >= 1 && orientation <= 8 ? orientation : 1; }

/// The tag's value in a TIFF structure, which is what EXIF is: 0 where it is no number. Whole-number types but BYTE count,
/// as in Pillow: some programs write LONG for the standard's SHORT. Where the tag stands twice, the first that has any
/// value counts, as in Pillow 13 (earlier ones took the last).
int in_exif(std::string_view tiff) {
  for (int n = 0; n < 2 && begins(tiff, "Exif\0\0"sv); ++n) tiff.remove_prefix(6);
  const bool big = begins(tiff, "MM\0*"sv);
  if (tiff.size() < 8 || (!big && !begins(tiff, "II*\0"sv))) return kAbsent;
  const auto word = [&](size_t i) { return big ? big_16(tiff, i) : little_16(tiff, i); };
  const auto number = [&](size_t i) { return big ? big_32(tiff, i) : little_32(tiff, i); };
  size_t at = number(4);
  if (at > tiff.size() - 2) return kAbsent;
  const unsigned entries = word(at);
  at += 2;
  for (unsigned n = 0; n < entries && tiff.size() - at >= 12; ++n, at += 12) {
    if (word(at) != 274) continue;
    const unsigned type = word(at + 2), count = unsigned(number(at + 4));
    if (count == 0 || type == 0 || type > 13) continue;
    const bool is_short = type == 3 || type == 8, is_long = type == 4 || type == 9;
    if (is_short && (count == 1 || count == 2)) return int(word(at + 8));
    return is_long && count == 1 ? int(std::min<uint32_t>(number(at + 8), 99)) : 0;
  }
  return kAbsent;
}

/// The value of tiff:Orientation, as attribute or element.
int in_xmp(std::string_view text) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (size_t at = text.find(kName); at != text.npos; at = text.find(kName, at + 1)) {
    std::string_view rest = text.substr(at + kName.size());
    const size_t mark = begins(rest, "=\"") ? 2 : begins(rest, ">") ? 1 : 0;
    if (mark != 0 && rest.size() > mark && rest[mark] >= '0' && rest[mark] <= '9') return rest[mark] - '0';
  }
  return kAbsent;
}

/// Inflated text, up to kMaxText bytes; what can be had of damaged text.
std::string inflated(std::string_view packed) {
  std::string out(std::min(kMaxText, packed.size() * 1032 + 64), '\0');
  z_stream z{};
  if (inflateInit(&z) != Z_OK) return "";
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = uInt(packed.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = uInt(out.size());
  inflate(&z, Z_FINISH);
  out.resize(out.size() - z.avail_out);
  inflateEnd(&z);
  return out;
}

/// ImageMagick's profile: an empty line, its name, its length, then hexadecimal digits.
int in_raw_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const size_t end = text.find('\n');
    if (end == text.npos) return kAbsent;
    text.remove_prefix(end + 1);
  }
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string bytes;
  int high = -1;
  for (const char c : text.substr(0, kMaxText)) {
    const int value = digit(c);
    if (value < 0) continue;
    if (high < 0) {
      high = value;
    } else {
      bytes += char(high * 16 + value);
      high = -1;
    }
  }
  return in_exif(bytes);
}

/// Keywords of the texts that are looked at, with the zero behind them: of ImageMagick and of Adobe.
constexpr std::string_view kRawProfile = "Raw profile type exif\0"sv, kXmpPacket = "XML:com.adobe.xmp\0"sv;

bool is_text(std::string_view chunk) { return chunk == "tEXt" || chunk == "zTXt" || chunk == "iTXt"; }

/// The text of such a chunk, whose body without the keyword is given.
std::string text_of(std::string_view type, std::string_view body) {
  bool packed = type == "zTXt";
  if (packed) body.remove_prefix(std::min<size_t>(1, body.size()));  // its only method, 0
  if (type == "iTXt") {
    if (body.size() < 2) return "";
    packed = body[0] == 1;
    body.remove_prefix(2);
    for (int n = 0; n < 2; ++n) {  // language, translated keyword
      const size_t end = body.find('\0');
      if (end == body.npos) return "";
      body.remove_prefix(end + 1);
    }
  }
  return packed ? inflated(body.substr(0, kMaxText)) : std::string(body.substr(0, kMaxText));
}

}  // namespace

int jpeg_orientation(std::string_view bytes) {
  int exif = kAbsent, xmp = kAbsent;
  bool had_exif = false;
  each_jpeg_segment(bytes, [&](unsigned marker, std::string_view body) {
    constexpr std::string_view kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
    if (marker != 0xE1) return true;
    if (begins(body, "Exif\0\0"sv) && !had_exif) {
      exif = in_exif(body);
      had_exif = true;
    } else if (begins(body, kXmp)) {
      xmp = in_xmp(body.substr(kXmp.size()));
    }
    return true;
  });
  return valid(exif != kAbsent ? exif : xmp);
}

bool is_png_note(std::string_view type, std::string_view body) {
  return type == "eXIf" || (is_text(type) && (begins(body, kRawProfile) || begins(body, kXmpPacket)));
}

int png_orientation(std::string_view bytes) {
  int exif = kAbsent, profile = kAbsent, xmp = kAbsent;
  bool profile_seen = false, xmp_seen = false;
  for (size_t at = 8; bytes.size() - at >= 12;) {
    const size_t length = big_32(bytes, at);
    if (length > bytes.size() - at - 12) break;
    const std::string_view type = bytes.substr(at + 4, 4), body = bytes.substr(at + 8, length);
    if (type == "IEND") break;
    if (type == "eXIf") exif = in_exif(body);
    // Only the first text of each kind is unpacked, whatever their number and whether there is anything in it.
    if (is_text(type) && begins(body, kRawProfile) && !profile_seen) {
      profile_seen = true;
      profile = in_raw_profile(text_of(type, body.substr(kRawProfile.size())));
    }
    if (is_text(type) && begins(body, kXmpPacket) && !xmp_seen) {
      xmp_seen = true;
      xmp = in_xmp(text_of(type, body.substr(kXmpPacket.size())));
    }
    at += length + 12;
  }
  return valid(exif != kAbsent ? exif : profile != kAbsent ? profile : xmp);
}

void turn_upright(Picture* picture) {
  const int turn = picture->orientation;
  if (turn <= 1 || turn > 8) return;
  const size_t width = size_t(picture->columns), height = size_t(picture->rows);
  const size_t pixel = size_t(picture->samples) * size_t(picture->bits_allocated) / 8;
  // Pixel (x, y) of the upright picture is stored at column x and row y, from 5 on at column y and row x, counted from
  // the right or from below where the orientation is one of these.
  const bool swap = turn >= 5, from_right = turn == 2 || turn == 3 || turn == 7 || turn == 8,
             from_below = turn == 3 || turn == 4 || turn == 6 || turn == 7;
  const size_t new_width = swap ? height : width, new_height = swap ? width : height;
  std::vector<uint8_t> turned(picture->bytes.size());
  uint8_t* to = turned.data();
  for (size_t y = 0; y < new_height; ++y)
    for (size_t x = 0; x < new_width; ++x, to += pixel) {
      const size_t column = swap ? y : x, row = swap ? x : y;
      const size_t from =
          (from_below ? height - 1 - row : row) * width + (from_right ? width - 1 - column : column);
      std::memcpy(to, picture->bytes.data() + from * pixel, pixel);
    }
  picture->bytes = std::move(turned);
  picture->columns = int(new_width);
  picture->rows = int(new_height);
}

}  // namespace cawe::data
