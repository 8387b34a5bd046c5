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

/// Number of item tags, little- and big-endian: an upper bound of the nesting.
size_t item_tags(std::string_view bytes) {
  using namespace std::string_view_literals;
  return std::max(occurrences(bytes, "\xFE\xFF\x00\xE0"sv), occurrences(bytes, "\xFF\xFE\xE0\x00"sv));
}

void check_items(size_t items, const std::string& name) {
  if (items > kMaxDicomItems)
    refuse_picture("bad_header", name, ": DICOM with more than ", kMaxDicomItems,
                   " sequence items or fragments, which may lie in one another");
}

/// Where the data set begins: after the elements of group 2, which are explicit little-endian. npos where
/// these are malformed.
size_t dataset_begin(std::string_view bytes) {
  size_t at = 132;
  if (bytes.size() < at) return bytes.npos;
  while (bytes.size() - at >= 12 && little_16(bytes, at) == 2) {
    const std::string_view vr = bytes.substr(at + 4, 2);
    const bool wide = vr == "OB" || vr == "OW" || vr == "UN" || vr == "UT" || vr == "SQ";
    const size_t length = wide ? little_32(bytes, at + 8) : little_16(bytes, at + 6);
    at += wide ? 12 : 8;
    if (length > bytes.size() - at) return bytes.npos;
    at += length;
  }
  return at;
}

/// Inflates piece by piece and keeps nothing. Damaged data are counted up to the fault; DCMTK reports that.
void check_deflated(std::string_view packed, const std::string& name) {
  z_stream z{};
  CAWE_CHECK(inflateInit2(&z, -MAX_WBITS) == Z_OK, Code::internal, "zlib cannot start");
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = uInt(std::min<size_t>(packed.size(), size_t(1) << 30));
  constexpr size_t kKept = 3;  // a tag may extend over two pieces
  std::string piece(kKept + (1 << 16), '\0');
  size_t total = 0, items = 0;
  int status = Z_OK;
  while (status == Z_OK && total <= kMaxInflated && items <= kMaxDicomItems) {
    z.next_out = reinterpret_cast<Bytef*>(piece.data() + kKept);
    z.avail_out = uInt(piece.size() - kKept);
    status = inflate(&z, Z_NO_FLUSH);
    const size_t made = piece.size() - kKept - z.avail_out;
    items += item_tags(std::string_view(piece).substr(0, kKept + made));
    piece.replace(0, kKept, piece.substr(made, kKept));
    total += made;
  }
  inflateEnd(&z);
  check_items(items, name);
  if (total > kMaxInflated)
    refuse_picture("bad_size", name, ": deflated DICOM unfolds to more than ", kMaxInflated, " bytes");
}

}  // namespace

void check_dicom_structure(std::string_view bytes, const std::string& name) {
  check_items(item_tags(bytes), name);
  const std::string_view head = bytes.substr(0, 65536);
  if (head.find("1.2.840.10008.1.2.4.95") != head.npos)
    refuse_picture("unsupported_transfer_syntax", name,
                   ": DICOM whose pixels lie on a JPIP server is not read");
  if (head.find("1.2.840.10008.1.2.1.99") == head.npos) return;
  const size_t begin = dataset_begin(bytes);
  if (begin == bytes.npos) refuse_picture("truncated_header", name, ": deflated DICOM with a damaged header");
  check_deflated(bytes.substr(begin), name);
}

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
