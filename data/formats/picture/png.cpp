// SPDX-License-Identifier: Apache-2.0
#include "data/formats/picture/png.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>

#include "data/formats/hostile.h"
#include "data/formats/picture/bytes.h"
#include "data/formats/picture/orientation.h"
#include "data/formats/picture/picture.h"
#include "tensor/io/files.h"

#ifdef CAWE_HAVE_STB
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop
#endif

namespace cawe::data {
namespace {

uint32_t crc(std::string_view bytes) {
  return uint32_t(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), uInt(bytes.size())));
}

struct Header {
  uint32_t width = 0, height = 0;
  int depth = 0, colour = 0;
  bool interlaced = false;
};

/// Size of the inflated image data: all rows with their filter bytes.
int64_t raw_bytes(const Header& h) {
  const int64_t channels = h.colour == 2 ? 3 : h.colour == 4 ? 2 : h.colour == 6 ? 4 : 1;
  const auto rows = [&](int64_t w, int64_t n) {
    return w == 0 ? 0 : n * (1 + (w * channels * h.depth + 7) / 8);
  };
  if (!h.interlaced) return rows(h.width, h.height);
  // Adam7: x0, y0, dx, dy of each pass.
  constexpr int kPasses[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                 {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  int64_t sum = 0;
  for (const auto& p : kPasses)
    sum += rows((int64_t(h.width) - p[0] + p[2] - 1) / p[2], (int64_t(h.height) - p[1] + p[3] - 1) / p[3]);
  return sum;
}

Header check_header(std::string_view body, const std::string& name) {
  if (body.size() != 13)
    refuse_picture("bad_header", name, ": PNG header of ", body.size(), " bytes (expected 13)");
  Header h{big_32(body, 0), big_32(body, 4), body[8], body[9], body[12] == 1};
  const auto depth_is = [&](std::initializer_list<int> list) {
    return std::find(list.begin(), list.end(), h.depth) != list.end();
  };
  const bool known = h.colour == 0   ? depth_is({1, 2, 4, 8, 16})
                     : h.colour == 3 ? depth_is({1, 2, 4, 8})
                                     : (h.colour == 2 || h.colour == 4 || h.colour == 6) && depth_is({8, 16});
  if (!known)
    refuse_picture("bad_header", name, ": PNG colour type ", h.colour, " with ", h.depth,
                   " bits does not exist");
  if (body[10] != 0 || body[11] != 0 || (body[12] != 0 && body[12] != 1))
    refuse_picture("bad_header", name, ": unknown PNG compression, filter or interlace method");
  if (h.width == 0 || h.height == 0 || h.width > uint32_t(kMaxSide) || h.height > uint32_t(kMaxSide) ||
      int64_t(h.width) * int64_t(h.height) * 4 > kMaxSamples)
    refuse_picture("bad_size", name, ": PNG of ", h.width, " x ", h.height, " (expected sides of 1 to ",
                   kMaxSide, " and up to ", kMaxSamples / 4, " pixels)");
  return h;
}

/// Checks chunks, checksums and sizes, since stb_image checks neither checksums nor the order of chunks and
/// inflates any amount of data.
Header check_chunks(std::string_view bytes, const std::string& name) {
  if (bytes.substr(0, 8) != std::string_view("\x89PNG\r\n\x1a\n", 8))
    refuse_picture("bad_header", name, ": damaged PNG signature");
  Header header;
  std::unique_ptr<InflateMeter> meter;
  size_t at = 8, data = 0;
  bool palette = false, done = false, data_ended = false;
  for (int n = 0; !done; ++n) {
    if (bytes.size() - at < 12)
      refuse_picture("truncated_pixel_data", name, ": PNG ends before its IEND chunk (cut off)");
    const size_t length = big_32(bytes, at);
    if (length > bytes.size() - at - 12)
      refuse_picture("truncated_pixel_data", name, ": a PNG chunk of ", length,
                     " bytes reaches behind the end (cut off)");
    const std::string_view type = bytes.substr(at + 4, 4), body = bytes.substr(at + 8, length);
    const bool critical = (type[0] & 0x20) == 0;
    // Of the chunks that a reader may leave out, notes of how to turn the picture decide where pixels lie.
    if ((critical || is_png_note(type, body)) &&
        crc(bytes.substr(at + 4, length + 4)) != big_32(bytes, at + 8 + length))
      refuse_picture("bad_checksum", name, ": checksum of PNG chunk ", std::string(type),
                     " is wrong (damaged)");
    if ((n == 0) != (type == "IHDR"))
      refuse_picture("bad_header", name, ": PNG does not begin with one IHDR chunk");
    if (n == 0) {
      header = check_header(body, name);
      meter = std::make_unique<InflateMeter>(raw_bytes(header), name);
    } else if (type == "PLTE") {
      if (length == 0 || length % 3 != 0 || length > 768 || data > 0 || palette || header.colour == 0 ||
          header.colour == 4)
        refuse_picture("bad_palette", name, ": PNG palette of ", length,
                       " bytes at a wrong place or of a wrong size");
      palette = true;
    } else if (type == "IDAT") {
      if (data_ended) refuse_picture("bad_chunks", name, ": PNG data is not in one piece");
      data += length;
      meter->add(body);
    } else if (type == "IEND") {
      done = true;
    } else if (critical) {
      refuse_picture("bad_chunks", name, ": unknown critical PNG chunk");
    }
    data_ended = data_ended || (data > 0 && type != "IDAT");
    at += length + 12;
  }
  if (data == 0) refuse_picture("no_pixel_data", name, ": PNG without data");
  if (header.colour == 3 && !palette)
    refuse_picture("bad_palette", name, ": PNG without the palette that it needs");
  meter->finish();
  return header;
}

void append_32(std::string& out, uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out += char(v >> shift);
}

void append_chunk(std::string& out, const char* type, const std::string& body) {
  append_32(out, uint32_t(body.size()));
  const size_t start = out.size();
  out += type;
  out += body;
  append_32(out, crc(std::string_view(out).substr(start)));
}

#ifdef CAWE_HAVE_STB
struct Freed {
  void operator()(void* p) const { stbi_image_free(p); }
};

/// Where the PLTE chunk begins. The chunks have been checked.
size_t palette_at(std::string_view bytes) {
  size_t at = 8;
  while (bytes.substr(at + 4, 4) != "PLTE") at += big_32(bytes, at) + 12;
  return at;
}

/// The same file with a palette of 256 grays, so that stb_image gives indices: it reads whatever lies behind a shorter
/// palette. It does not look at checksums.
std::string with_index_palette(std::string_view bytes) {
  const size_t at = palette_at(bytes);
  std::string out(bytes.substr(0, at));
  append_32(out, 768);
  out += "PLTE";
  for (int i = 0; i < 256; ++i) out.append(3, char(i));
  out += std::string(4, '\0');
  out += bytes.substr(at + 12 + big_32(bytes, at));
  return out;
}

/// Makes indices colours. One outside the palette is an error (PNG 11.2.3): black where damage is allowed, as in BMP.
void take_colours(std::string_view bytes, const std::string& name, const ReadOptions& options, Picture* p) {
  const size_t at = palette_at(bytes), entries = big_32(bytes, at) / 3;
  const std::string_view palette = bytes.substr(at + 8, entries * 3);
  size_t outside = 0;  // an index that is; 0 never is
  for (size_t i = 0; i < p->bytes.size(); i += size_t(p->samples)) {
    const size_t index = p->bytes[i];
    for (size_t c = 0; c < 3; ++c)
      p->bytes[i + c] = index < entries ? uint8_t(byte_at(palette, 3 * index + c)) : uint8_t(0);
    if (index >= entries) outside = index;
  }
  if (outside == 0) return;
  p->damage = detail::concat("pixel of colour ", outside, " in a palette of ", entries);
  if (!options.allow_damaged) refuse_damaged(name, "PNG", p->damage);
}
#endif

}  // namespace

#ifndef CAWE_HAVE_STB
Picture parse_png(std::string_view, const std::string& name, const ReadOptions&) {
  fail(Code::unsupported, name, ": this build cannot read PNG (install libstb-dev and build again)");
}
#else
Picture parse_png(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  const Header header = check_chunks(bytes, name);
  const bool indexed = header.colour == 3;
  const std::string indices = indexed ? with_index_palette(bytes) : "";
  const std::string_view checked = indexed ? std::string_view(indices) : bytes;
  const auto* data = reinterpret_cast<const stbi_uc*>(checked.data());
  const int size = int(std::min<size_t>(checked.size(), size_t(1) << 30));
  const bool wide = header.depth == 16;
  int w = 0, h = 0, n = 0;
  std::unique_ptr<void, Freed> pixels(
      wide ? static_cast<void*>(stbi_load_16_from_memory(data, size, &w, &h, &n, 0))
           : static_cast<void*>(stbi_load_from_memory(data, size, &w, &h, &n, 0)));
  if (!pixels)
    refuse_picture("truncated_pixel_data", name, ": PNG cannot be decoded (", stbi_failure_reason(), ")");
  if (w != int(header.width) || h != int(header.height) || n < 1 || n > 4)
    refuse_picture("bad_header", name, ": PNG changes its size");
  Picture p;
  p.kind = "png";
  p.rows = h;
  p.columns = w;
  p.samples = n;
  p.bits_allocated = p.bits_stored = wide ? 16 : 8;
  p.photometric = n < 3 ? "MONOCHROME2" : "RGB";
  p.orientation = png_orientation(bytes);
  const auto* from = static_cast<const uint8_t*>(pixels.get());
  p.bytes.assign(from, from + p.count() * (wide ? 2 : 1));
  if (indexed) take_colours(bytes, name, options, &p);
  return p;
}
#endif

std::string encode_png(int width, int height, int samples, int bits, const std::vector<uint16_t>& values) {
  CAWE_CHECK((samples == 1 || samples == 3) && (bits == 8 || bits == 16) &&
                 values.size() == size_t(width) * size_t(height) * size_t(samples),
             Code::internal, "encode_png: ", values.size(), " values for ", width, " x ", height, " x ",
             samples);
  // Every row is filtered by "sub" (type 1), the difference to the left neighbour: films are smooth.
  const size_t step = size_t(bits / 8), pixel = size_t(samples) * step, row_bytes = size_t(width) * pixel;
  std::string rows;
  rows.reserve((row_bytes + 1) * size_t(height));
  std::string row(row_bytes, '\0');
  for (int y = 0; y < height; ++y) {
    const uint16_t* from = values.data() + size_t(y) * size_t(width) * size_t(samples);
    for (size_t i = 0; i < size_t(width) * size_t(samples); ++i) {
      if (bits == 16) row[2 * i] = char(from[i] >> 8);
      row[i * step + step - 1] = char(from[i] & 0xFF);
    }
    rows += '\1';
    for (size_t i = 0; i < row_bytes; ++i) rows += char(row[i] - (i >= pixel ? row[i - pixel] : 0));
  }
  uLongf packed_size = compressBound(uLong(rows.size()));
  std::string packed(packed_size, '\0');
  const int status = compress2(reinterpret_cast<Bytef*>(packed.data()), &packed_size,
                               reinterpret_cast<const Bytef*>(rows.data()), uLong(rows.size()), 6);
  CAWE_CHECK(status == Z_OK, Code::internal, "encode_png: zlib status ", status);
  packed.resize(packed_size);
  std::string out("\x89PNG\r\n\x1a\n", 8), header;
  append_32(header, uint32_t(width));
  append_32(header, uint32_t(height));
  header += char(bits);
  header += char(samples == 1 ? 0 : 2);
  header += std::string(3, '\0');
  append_chunk(out, "IHDR", header);
  append_chunk(out, "IDAT", packed);
  append_chunk(out, "IEND", "");
  return out;
}

std::vector<uint16_t> to_levels(const FloatImage& image, int bits) {
  std::vector<uint16_t> values;
  values.reserve(image.pixels.size());
  const double top = double((1 << bits) - 1);
  for (const float v : image.pixels)
    values.push_back(uint16_t(std::floor(double(std::clamp(v, 0.0f, 1.0f)) * top + 0.5)));
  return values;
}

void write_png(const std::string& path, const FloatImage& image) {
  write_file(path, encode_png(image.width, image.height, image.channels, 8, to_8bit(image)));
}

}  // namespace cawe::data
