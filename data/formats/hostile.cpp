// SPDX-License-Identifier: Apache-2.0
#include "data/formats/hostile.h"

#include <zlib.h>

#include <algorithm>

#include "data/formats/picture/bytes.h"
#include "data/formats/picture/picture.h"

namespace cawe::data {
namespace {

size_t occurrences(std::string_view bytes, std::string_view what) {
  size_t n = 0;
  for (size_t at = bytes.find(what); at != bytes.npos; at = bytes.find(what, at + what.size())) ++n;
  return n;
}

}  // namespace

JpegFrame scan_jpeg(std::string_view bytes) {
  JpegFrame frame;
  frame.scans = occurrences(bytes, "\xFF\xDA");
  for (size_t i = 2; bytes.size() >= 9 && i <= bytes.size() - 9;) {
    const unsigned marker = byte_at(bytes, i + 1);
    if (byte_at(bytes, i) != 0xFF || marker == 0xFF) {
      ++i;
      continue;
    }
    const bool header =
        (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) ||
        marker == 0xF7;
    if (header) {
      frame.rows = int(big_16(bytes, i + 5));
      frame.columns = int(big_16(bytes, i + 7));
      frame.components = i + 9 < bytes.size() ? int(byte_at(bytes, i + 9)) : 0;
      break;
    }
    if (marker == 0xDA) break;
    const bool alone = marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD9);
    i += alone ? 2 : 2 + size_t(big_16(bytes, i + 2));
  }
  return frame;
}

struct InflateMeter::State {
  z_stream z{};
  unsigned char sink[1 << 15];
};

InflateMeter::InflateMeter(int64_t expected, const std::string& name, int64_t spare)
    : state_(new State), expected_(expected), spare_(spare), name_(name) {
  CAWE_CHECK(inflateInit(&state_->z) == Z_OK, Code::internal, "zlib cannot start");
}

InflateMeter::~InflateMeter() { inflateEnd(&state_->z); }

void InflateMeter::add(std::string_view packed) {
  z_stream& z = state_->z;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = uInt(packed.size());
  while (!ended_ && (z.avail_in > 0 || z.avail_out == 0)) {
    z.next_out = state_->sink;
    z.avail_out = sizeof state_->sink;
    const int status = inflate(&z, Z_NO_FLUSH);
    total_ += int64_t(sizeof state_->sink - z.avail_out);
    if (total_ > expected_ + spare_)
      refuse_picture("bad_size", name_, ": data unfold to more than the ", expected_,
                     " bytes that the header says (some more are let pass)");
    if (status == Z_STREAM_END) ended_ = true;
    if (status == Z_BUF_ERROR) break;
    if (status != Z_OK && status != Z_STREAM_END)
      refuse_picture("pixel_data_undecodable", name_, ": damaged data (", z.msg != nullptr ? z.msg : "zlib",
                     ")");
  }
}

void InflateMeter::finish() const {
  if (total_ < expected_)
    refuse_picture("truncated_pixel_data", name_, ": data unfold to ", total_, " bytes (expected ", expected_,
                   ")");
}

}  // namespace cawe::data
