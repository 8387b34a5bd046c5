// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/fragments.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>

#include <algorithm>
#include <cstdint>

#include "data/formats/picture/jpeg_markers.h"

namespace cawe::data {
namespace {

/// Colour by the components of a frame header (its segment without marker and length).
JpegColour by_components(std::string_view header) {
  if (header.size() < 6 || byte_at(header, 5) != 3 || header.size() < 6 + 9) return JpegColour::unsaid;
  const auto id = [&](size_t c) { return byte_at(header, 6 + 3 * c) & ~0x20u; };  // upper case
  const auto sampling = [&](size_t c) { return byte_at(header, 7 + 3 * c); };
  if (id(0) == 'R' && id(1) == 'G' && id(2) == 'B') return JpegColour::rgb;
  return sampling(0) != sampling(1) || sampling(0) != sampling(2) ? JpegColour::ybr : JpegColour::unsaid;
}

/// Bytes that RLE data unfold to (PS3.5 G.3.1); stops where `most` are reached. Zeros behind them, which make
/// a length even, are dropped from `data`.
size_t unfolded(std::string_view& data, size_t most) {
  size_t out = 0, i = 0;
  while (i < data.size() && out < most) {
    const unsigned code = byte_at(data, i++);
    if (code == 128) continue;
    const size_t taken = code < 128 ? code + 1 : 1;
    if (taken > data.size() - i) break;
    i += taken;
    out += code < 128 ? taken : 257 - code;
  }
  data.remove_prefix(std::min(i, data.size()));
  while (!data.empty() && data.back() == '\0') data.remove_suffix(1);
  return out;
}

/// Fragment i's bytes; empty where there are none.
std::string_view fragment(DcmPixelSequence& fragments, unsigned long i) {
  DcmPixelItem* item = nullptr;
  Uint8* data = nullptr;
  if (fragments.getItem(item, i).bad() || item->getUint8Array(data).bad() || data == nullptr) return {};
  return {reinterpret_cast<const char*>(data), item->getLength()};
}

}  // namespace

JpegColour jpeg_colour(std::string_view stream) {
  JpegColour adobe = JpegColour::unsaid, found = JpegColour::unsaid;
  bool jfif = false;
  each_jpeg_segment(stream, [&](unsigned marker, std::string_view segment) {
    if (marker == 0xE0 && segment.substr(0, 5) == std::string_view("JFIF\0", 5)) jfif = true;
    if (marker == 0xEE && segment.size() >= 12 && segment.substr(0, 5) == "Adobe")
      adobe = byte_at(segment, 11) == 0   ? JpegColour::rgb
              : byte_at(segment, 11) == 1 ? JpegColour::ybr
                                          : JpegColour::unsaid;
    if (marker >= 0xC0 && marker <= 0xC2) {
      const JpegColour components = by_components(segment);
      found = components == JpegColour::rgb ? components
              : jfif                        ? JpegColour::ybr
              : adobe != JpegColour::unsaid ? adobe
                                            : components;
      return false;
    }
    return marker != 0xC3 && marker != 0xF7;
  });
  return found;
}

int lossy_bits(std::string_view stream) {
  int lossy = 0, ls = 0;
  each_jpeg_segment_and_scan(stream, [&](unsigned marker, std::string_view segment) {
    const int bits = segment.empty() ? 0 : std::min(int(byte_at(segment, 0)), 16);
    if (marker >= 0xC0 && marker <= 0xC2) lossy = bits;
    if (marker == 0xF7) ls = bits;
    if (marker != 0xDA) return true;
    // JPEG-LS (T.87 C.2.3): the allowed error stands behind the list of components.
    const size_t near = segment.empty() ? 0 : 1 + 2 * byte_at(segment, 0);
    if (ls > 0 && near < segment.size() && byte_at(segment, near) != 0) lossy = ls;
    return false;
  });
  return lossy;
}

std::vector<std::string> jpeg_streams(DcmPixelSequence& fragments, size_t frames) {
  std::vector<std::string> out;
  for (unsigned long i = 1; i < fragments.card(); ++i) {  // fragment 0 is the table of offsets
    const std::string_view bytes = fragment(fragments, i);
    if (bytes.empty()) continue;
    if (out.empty() || bytes.substr(0, 2) == "\xFF\xD8") {
      if (out.size() == frames) break;
      out.emplace_back();
    }
    out.back() += bytes;
  }
  return out;
}

std::vector<std::string> rle_streams(DcmPixelSequence& fragments, size_t frames, size_t segments,
                                     size_t bytes) {
  std::vector<std::string> out;
  for (unsigned long i = 1; i < fragments.card() && (frames == 1 || out.size() < frames); ++i)
    if (const std::string_view next = fragment(fragments, i); !next.empty()) out.emplace_back(next);
  if (frames > 1 || out.size() < 2) return out;
  const bool whole = rle_damage(out[0], segments, bytes).empty();
  for (size_t i = 1; i < out.size() && !whole; ++i) out[0] += out[i];
  out.resize(1);
  return out;
}

void replace_fragments(DcmPixelSequence& fragments, const std::vector<std::string>& streams) {
  while (fragments.card() > 1) {
    DcmPixelItem* item = nullptr;
    if (fragments.remove(item, fragments.card() - 1).bad()) return;
    delete item;
  }
  for (const std::string& stream : streams) {
    auto* item = new DcmPixelItem(DcmTag(DCM_Item, EVR_OB));
    item->putUint8Array(reinterpret_cast<const Uint8*>(stream.data()),
                        static_cast<unsigned long>(stream.size()));
    fragments.insert(item);
  }
}

std::string rle_damage(std::string_view stream, size_t segments, size_t bytes) {
  if (stream.size() < 64 || little_32(stream, 0) != segments || segments > 15)
    return "RLE header of another picture";
  for (size_t k = 0; k < segments; ++k) {
    const size_t from = little_32(stream, 4 + 4 * k),
                 to = k + 1 < segments ? little_32(stream, 8 + 4 * k) : stream.size();
    if (from < 64 || from > to || to > stream.size()) return "RLE segments that lie outside their frame";
    std::string_view data = stream.substr(from, to - from);
    const size_t made = unfolded(data, bytes);
    if (made != bytes || !data.empty())
      return "RLE segment " + std::to_string(k + 1) + " unfolds to " + (made < bytes ? "less" : "more") +
             " than its " + std::to_string(bytes) + " bytes";
  }
  return "";
}

}  // namespace cawe::data
