// SPDX-License-Identifier: Apache-2.0
#include "data/formats/hostile.h"

#include <zlib.h>

#include <algorithm>

#include "data/formats/picture/jpeg_markers.h"
#include "data/formats/picture/picture.h"

namespace cawe::data {
JpegFrame scan_jpeg(std::string_view bytes) {
  JpegFrame frame;
  frame.scans = occurrences(bytes, "\xFF\xDA");
  each_jpeg_segment(bytes, [&](unsigned marker, std::string_view segment) {
    const bool header =
        (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) ||
        marker == 0xF7;
    if (!header) return true;
    if (segment.size() < 5) return false;
    frame.rows = int(big_16(segment, 1));
    frame.columns = int(big_16(segment, 3));
    if (segment.size() > 5) frame.components = int(byte_at(segment, 5));
    return false;
  });
  return frame;
}

struct InflateMeter::State {
  z_stream z{};
  unsigned char sink[1 << 15];
};

InflateMeter::InflateMeter(int64_t expected, const std::string& name)
    : state_(new State), expected_(expected), name_(name) {
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
    if (total_ > expected_ + kSparePngBytes)
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
