// SPDX-License-Identifier: Apache-2.0
// DICOM files for tests, element by element, in any encoding that is not a compression: elements.h, which the
// program writes with, knows one of them.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace cawe::data::dicom_bytes {

enum class Encoding { implicit_little, explicit_little, explicit_big, deflated };

inline const char* uid_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::implicit_little:
      return "1.2.840.10008.1.2";
    case Encoding::explicit_big:
      return "1.2.840.10008.1.2.2";
    case Encoding::deflated:
      return "1.2.840.10008.1.2.1.99";
    default:
      return "1.2.840.10008.1.2.1";
  }
}

class Writer {
 public:
  explicit Writer(Encoding encoding) : encoding_(encoding) {}

  Writer& text(unsigned group, unsigned number, const std::string& vr, std::string value) {
    if (value.size() % 2 != 0) value += vr == "UI" || vr == "OB" ? '\0' : ' ';
    return raw(group, number, vr, value);
  }
  /// US, SS or OW.
  Writer& words(unsigned group, unsigned number, const std::string& vr, const std::vector<int>& values) {
    std::string bytes;
    for (const int v : values) bytes += number_of(uint32_t(v), 2);
    return raw(group, number, vr, bytes);
  }
  Writer& us(unsigned group, unsigned number, int value) { return words(group, number, "US", {value}); }
  /// A sequence of one item.
  Writer& item(unsigned group, unsigned number, const Writer& inside) {
    return raw(group, number, "SQ",
               number_of(0xFFFE, 2) + number_of(0xE000, 2) + number_of(uint32_t(inside.out_.size()), 4) +
                   inside.out_);
  }
  Writer& raw(unsigned group, unsigned number, const std::string& vr, const std::string& value) {
    out_ += number_of(group, 2) + number_of(number, 2);
    const bool wide = vr == "OB" || vr == "OW" || vr == "SQ" || vr == "UN" || vr == "UT";
    if (encoding_ != Encoding::implicit_little) out_ += vr + (wide ? std::string(2, '\0') : "");
    const bool long_length = wide || encoding_ == Encoding::implicit_little;
    out_ += number_of(uint32_t(value.size()), long_length ? 4 : 2) + value;
    return *this;
  }
  Writer& append(const std::string& bytes) {
    out_ += bytes;
    return *this;
  }
  std::string number_of(uint32_t v, int bytes) const {
    std::string out;
    for (int k = 0; k < bytes; ++k) out += char(v >> (8 * k));
    if (encoding_ == Encoding::explicit_big) std::reverse(out.begin(), out.end());
    return out;
  }
  const std::string& bytes() const { return out_; }
  Encoding encoding() const { return encoding_; }

 private:
  Encoding encoding_;
  std::string out_;
};

inline std::string deflate_raw(const std::string& bytes) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, uLong(bytes.size())) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = uInt(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = uInt(out.size());
  deflate(&z, Z_FINISH);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  return out + std::string(out.size() % 2, '\0');
}

/// Preamble, meta group and data set. `syntax` in place of the encoding's own (for compressed pixels).
inline std::string file(const Writer& body, const std::string& syntax = "",
                        const std::string& sop_class = "1.2.840.10008.5.1.4.1.1.1") {
  Writer meta(Encoding::explicit_little);
  meta.text(2, 1, "OB", std::string("\0\1", 2)).text(2, 2, "UI", sop_class).text(2, 3, "UI", "1.2.3.4");
  meta.text(2, 0x10, "UI", syntax.empty() ? uid_of(body.encoding()) : syntax);
  Writer head(Encoding::explicit_little);
  head.raw(2, 0, "UL", head.number_of(uint32_t(meta.bytes().size()), 4)).append(meta.bytes());
  return std::string(128, '\0') + "DICM" + head.bytes() +
         (body.encoding() == Encoding::deflated ? deflate_raw(body.bytes()) : body.bytes());
}

/// The attributes of a picture, group 28 up to PixelRepresentation, without planar configuration.
struct Shape {
  int rows = 3, columns = 4, bits = 8, alloc = 8, high = -1;
  bool is_signed = false;
  std::string photometric = "MONOCHROME2";
  int samples = 1;
  std::string frames;
};

inline Writer& put(Writer& w, const Shape& s) {
  w.us(0x28, 2, s.samples).text(0x28, 4, "CS", s.photometric);
  if (s.samples == 3) w.us(0x28, 6, 0);
  if (!s.frames.empty()) w.text(0x28, 8, "IS", s.frames == "empty" ? "" : s.frames);
  w.us(0x28, 0x10, s.rows).us(0x28, 0x11, s.columns).us(0x28, 0x100, s.alloc).us(0x28, 0x101, s.bits);
  return w.us(0x28, 0x102, s.high < 0 ? s.bits - 1 : s.high).us(0x28, 0x103, s.is_signed);
}

/// Compressed pixels: an empty table of offsets and the fragments, each of even length.
inline std::string encapsulated(const std::vector<std::string>& fragments) {
  const Writer w(Encoding::explicit_little);
  std::string out = w.number_of(0x7FE0, 2) + w.number_of(0x10, 2) + std::string("OB\0\0\xFF\xFF\xFF\xFF", 8);
  const auto item = [&](std::string bytes) {
    bytes += std::string(bytes.size() % 2, '\0');
    out += std::string("\xFE\xFF\x00\xE0", 4) + w.number_of(uint32_t(bytes.size()), 4) + bytes;
  };
  item("");
  for (const std::string& bytes : fragments) item(bytes);
  return out + std::string("\xFE\xFF\xDD\xE0\0\0\0\0", 8);
}

/// An RLE frame (PS3.5 G) of literal runs; the segments are given, the most significant byte's first.
inline std::string rle_frame(const std::vector<std::string>& segments) {
  const Writer w(Encoding::explicit_little);
  std::string header = w.number_of(uint32_t(segments.size()), 4), body;
  for (const std::string& segment : segments) {
    header += w.number_of(uint32_t(64 + body.size()), 4);
    for (size_t i = 0; i < segment.size(); i += 128) {
      const std::string run = segment.substr(i, 128);
      body += char(run.size() - 1) + run;
    }
    body += std::string(body.size() % 2, '\0');
  }
  return header + std::string(64 - header.size(), '\0') + body;
}

}  // namespace cawe::data::dicom_bytes
