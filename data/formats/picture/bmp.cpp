// SPDX-License-Identifier: Apache-2.0
// BMP: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits, from below or from the top. Run-length coded ones are
// refused by name. Always gives RGB; a fourth byte of a pixel is left out.
#include <algorithm>
#include <array>

#include "data/formats/picture/bytes.h"
#include "data/formats/picture/picture.h"

namespace cawe::data {
namespace {

struct Header {
  int64_t width = 0, height = 0, pixels_at = 0, row_bytes = 0;
  bool top_down = false;
  int bits = 0;
  uint32_t compression = 0;
  size_t palette_at = 0, palette_entry = 4, palette_entries = 0;
  std::array<uint32_t, 3> masks{};
};

void check_compression(const Header& h, const std::string& name) {
  const auto no = [&](const char* what) {
    refuse_picture("unsupported_format", name, ": BMP with ", what,
                   " is not read (expected uncompressed). Save it uncompressed or convert it to PNG");
  };
  if (h.compression == 1) no("run-length coding (RLE8)");
  if (h.compression == 2) no("run-length coding (RLE4)");
  if (h.compression == 4) no("a JPEG inside");
  if (h.compression == 5) no("a PNG inside");
  const bool fields = h.compression == 3 || h.compression == 6;
  if (h.compression != 0 && !fields)
    refuse_picture("bad_header", name, ": BMP of unknown compression ", h.compression);
  if (fields && h.bits != 16 && h.bits != 32)
    refuse_picture("bad_header", name, ": BMP with bit fields and ", h.bits, " bits (expected 16 or 32)");
}

/// One run of bits, so that its value can be scaled.
bool one_run(uint32_t mask) {
  if (mask == 0) return false;
  const uint32_t low = mask & ~(mask - 1), top = mask / low;
  return (top & (uint64_t(top) + 1)) == 0;
}

void read_masks(std::string_view bytes, const std::string& name, Header* h) {
  if (h->bits == 16) h->masks = {31u << 10, 31u << 5, 31u};
  if (h->bits == 32) h->masks = {0xFFu << 16, 0xFFu << 8, 0xFFu};
  if (h->compression == 0) return;
  if (bytes.size() < 66)
    refuse_picture("truncated_header", name, ": BMP of ", bytes.size(), " bytes (cut off)");
  for (size_t c = 0; c < 3; ++c) h->masks[c] = little_32(bytes, 54 + 4 * c);
  const uint32_t all = h->masks[0] | h->masks[1] | h->masks[2];
  const bool apart = uint64_t(h->masks[0]) + h->masks[1] + h->masks[2] == all;
  if (!apart || (h->bits == 16 && all > 0xFFFF) || !std::all_of(h->masks.begin(), h->masks.end(), one_run))
    refuse_picture("bad_header", name, ": BMP whose bit fields are no three separate runs of bits");
}

/// OS/2 2 counts its compressions in its own way.
void check_os2(const Header& h, const std::string& name) {
  if (h.compression > 2)
    refuse_picture("unsupported_format", name, ": OS/2 BMP of compression ", h.compression,
                   " is not read. Convert it to PNG");
}

Header read_header(std::string_view bytes, const std::string& name) {
  if (bytes.size() < 26)
    refuse_picture("truncated_header", name, ": BMP of ", bytes.size(), " bytes (cut off)");
  const size_t info = little_32(bytes, 14);
  const bool old = info == 12;
  if (!old && info != 40 && info != 52 && info != 56 && info != 64 && info != 108 && info != 124)
    refuse_picture("bad_header", name, ": BMP with a header of ", info,
                   " bytes (expected 12, 40, 52, 56, 64, 108 or 124)");
  if (bytes.size() < 14 + info)
    refuse_picture("truncated_header", name, ": BMP of ", bytes.size(), " bytes (cut off)");
  Header h;
  h.pixels_at = little_32(bytes, 10);
  h.width = old ? int64_t(little_16(bytes, 18)) : int32_t(little_32(bytes, 18));
  h.height = old ? int64_t(little_16(bytes, 20)) : int32_t(little_32(bytes, 22));
  h.top_down = h.height < 0;
  h.height = h.top_down ? -h.height : h.height;
  h.bits = int(little_16(bytes, old ? 24 : 28));
  h.compression = old ? 0 : little_32(bytes, 30);
  if (h.width < 1 || h.height < 1 || h.width > kMaxSide || h.height > kMaxSide ||
      h.width * h.height * 3 > kMaxSamples)
    refuse_picture("bad_size", name, ": BMP of ", h.width, " x ", h.height, " (expected sides of 1 to ",
                   kMaxSide, " and up to ", kMaxSamples / 3, " pixels)");
  if (h.bits != 1 && h.bits != 4 && h.bits != 8 && h.bits != 16 && h.bits != 24 && h.bits != 32)
    refuse_picture("bad_header", name, ": BMP of ", h.bits, " bits (expected 1, 4, 8, 16, 24 or 32)");
  if (info == 64) check_os2(h, name);
  check_compression(h, name);
  read_masks(bytes, name, &h);
  h.palette_at = 14 + info +
                 (info == 40 && h.compression == 3   ? 12
                  : info == 40 && h.compression == 6 ? 16
                                                     : 0);
  h.palette_entry = old ? 3 : 4;
  if (h.pixels_at < int64_t(h.palette_at))
    refuse_picture("bad_header", name, ": BMP whose pixels begin at byte ", h.pixels_at,
                   ", inside its header");
  if (h.bits <= 8) {
    const size_t most = size_t(1) << h.bits, said = old ? 0 : little_32(bytes, 46);
    h.palette_entries =
        std::min({said == 0 ? most : said, most, (size_t(h.pixels_at) - h.palette_at) / h.palette_entry});
    if (h.palette_entries == 0)
      refuse_picture("bad_palette", name, ": BMP without the palette that it needs");
  }
  h.row_bytes = (h.width * h.bits + 31) / 32 * 4;
  return h;
}

/// Rows of palette indices. An index outside the palette is black where damage is allowed, as on Windows.
void read_indices(std::string_view row, std::string_view palette, const Header& h, uint8_t* to,
                  int* outside) {
  const size_t per_byte = size_t(8 / h.bits), mask = (size_t(1) << h.bits) - 1;
  for (size_t x = 0; x < size_t(h.width); ++x, to += 3) {
    const size_t shift = 8 - size_t(h.bits) * (1 + x % per_byte);
    const size_t index = byte_at(row, x / per_byte) >> shift & mask;
    if (index >= h.palette_entries) *outside = int(index);
    for (size_t c = 0; c < 3; ++c)
      to[c] =
          index < h.palette_entries ? uint8_t(byte_at(palette, index * h.palette_entry + 2 - c)) : uint8_t(0);
  }
}

void read_fields(std::string_view row, const Header& h, uint8_t* to) {
  for (size_t x = 0; x < size_t(h.width); ++x)
    for (const uint32_t mask : h.masks) {
      const uint32_t pixel = h.bits == 16 ? little_16(row, 2 * x) : little_32(row, 4 * x);
      const uint64_t low = mask & ~(mask - 1), most = mask / low, value = (pixel & mask) / low;
      *to++ = uint8_t((value * 255 + most / 2) / most);
    }
}

}  // namespace

Picture parse_bmp(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  const Header h = read_header(bytes, name);
  // The last row may lack the bytes that fill it up to a multiple of four.
  const int64_t needed = h.pixels_at + h.row_bytes * (h.height - 1) + (h.width * h.bits + 7) / 8;
  if (needed > int64_t(bytes.size()))
    refuse_picture("truncated_pixel_data", name, ": BMP of ", bytes.size(), " bytes (expected ", needed, ")");
  Picture p;
  p.kind = "bmp";
  p.columns = int(h.width);
  p.rows = int(h.height);
  p.samples = 3;
  p.photometric = "RGB";
  p.bytes.resize(p.count());
  const std::string_view palette = bytes.substr(h.palette_at, h.palette_entries * h.palette_entry);
  int outside = -1;
  for (int64_t y = 0; y < h.height; ++y) {
    const int64_t stored = h.top_down ? y : h.height - 1 - y;
    const std::string_view row = bytes.substr(size_t(h.pixels_at + stored * h.row_bytes));
    uint8_t* to = p.bytes.data() + size_t(y * h.width) * 3;
    if (h.bits <= 8) read_indices(row, palette, h, to, &outside);
    if (h.bits == 16 || h.bits == 32) read_fields(row, h, to);
    for (size_t x = 0; h.bits == 24 && x < size_t(h.width) * 3; ++x)
      to[x] = uint8_t(byte_at(row, x / 3 * 3 + 2 - x % 3));
  }
  if (outside < 0) return p;
  p.damage = detail::concat("pixel of colour ", outside, " in a palette of ", h.palette_entries);
  if (!options.allow_damaged) refuse_damaged(name, "BMP", p.damage);
  return p;
}

}  // namespace cawe::data
