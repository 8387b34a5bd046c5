// SPDX-License-Identifier: Apache-2.0
#include "data/formats/picture/jpeg_scans.h"

#include <algorithm>
#include <array>
#include <vector>

#include "data/formats/picture/jpeg_markers.h"

namespace cawe::data {
namespace {

/// In place of a coefficient's lowest known bit: in no scan yet; refined without the scan that comes before.
constexpr int kUnseen = -1, kLost = 99;

struct Component {
  Component() { lowest.fill(kUnseen); }
  unsigned id = 0;
  std::array<int, 64> lowest;  ///< each coefficient's lowest bit that is known, as libjpeg's coef_bits
};

std::vector<Component> components_of(std::string_view frame) {
  std::vector<Component> all(frame.size() < 6 ? 0 : byte_at(frame, 5));
  if (frame.size() < 6 + 3 * all.size()) return {};
  for (size_t c = 0; c < all.size(); ++c) all[c].id = byte_at(frame, 6 + 3 * c);
  return all;
}

/// The coefficients that a scan codes, and how far.
struct Band {
  size_t first = 0, last = 63;
  int before = 0, after = 0;  ///< the lowest bit known before it, where it refines, and after it
};

void code(Component* component, const Band& band) {
  for (size_t k = band.first; k <= band.last; ++k) {
    int& lowest = component->lowest[k];
    lowest = band.before == 0 || band.before == lowest ? band.after : kLost;
  }
}

/// Decoders refuse bands that do not exist.
Band band_of(std::string_view scan, bool progressive) {
  const size_t at = scan.empty() ? 0 : 1 + 2 * byte_at(scan, 0);
  if (!progressive || scan.size() < at + 3) return {};
  return {byte_at(scan, at), std::min(byte_at(scan, at + 1), 63u), int(byte_at(scan, at + 2) >> 4),
          int(byte_at(scan, at + 2) & 15)};
}

void take_scan(std::string_view scan, bool progressive, std::vector<Component>* all) {
  const size_t n = scan.empty() ? 0 : byte_at(scan, 0);
  if (scan.size() < 1 + 2 * n + 3) return;
  const Band band = band_of(scan, progressive);
  for (size_t i = 0; i < n; ++i)
    for (Component& component : *all)
      if (component.id == byte_at(scan, 1 + 2 * i)) code(&component, band);
}

bool in_no_scan(const Component& component) {
  return std::all_of(component.lowest.begin(), component.lowest.end(),
                     [](int bit) { return bit == kUnseen; });
}

std::string missing_of(const Component& component) {
  const auto& lowest = component.lowest;
  if (in_no_scan(component)) return "is in no scan";
  for (size_t k = 0; k < 64; ++k)
    if (lowest[k] > 0 || (k == 0 && lowest[k] == kUnseen))
      return "lacks scans of coefficient " + std::to_string(k);
  return "";
}

/// Where the marker stands that ends a scan whose codes begin at `i`, or the stream's end. 0 behind 0xFF and restart
/// markers end none; more 0xFF in front of a marker belong to it.
size_t end_of_scan(std::string_view stream, size_t i) {
  while ((i = stream.find('\xFF', i)) != stream.npos) {
    const size_t next = stream.find_first_not_of('\xFF', i);
    if (next == stream.npos) break;
    const unsigned marker = byte_at(stream, next);
    if (marker != 0 && (marker < 0xD0 || marker > 0xD7)) return i;
    i = next + 1;
  }
  return stream.size();
}

}  // namespace

MissingScans missing_scans(std::string_view stream) {
  std::vector<Component> all;
  bool progressive = false;
  each_jpeg_segment_and_scan(stream, [&](unsigned marker, std::string_view segment) {
    const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame && all.empty()) {
      all = components_of(segment);
      progressive = (marker & 3) == 2;
    }
    if (marker == 0xDA) take_scan(segment, progressive, &all);
    return marker != 0xF7;  // JPEG-LS: its codes hold what looks like markers
  });
  MissingScans out;
  for (size_t c = all.size(); c-- > 0;) {
    const std::string missing = missing_of(all[c]);
    if (missing.empty() || (out.whole_component && !in_no_scan(all[c]))) continue;
    out.text = "component " + std::to_string(c + 1) + " of " + std::to_string(all.size()) + " " + missing;
    out.whole_component = in_no_scan(all[c]);
  }
  return out;
}

SpareZeros with_spare_zeros(std::string_view stream) {
  SpareZeros out;
  size_t copied = 0;
  bool arithmetic = false, progressive = false;
  each_jpeg_segment_and_scan(stream, [&](unsigned marker, std::string_view segment) {
    progressive = progressive || marker == 0xCA;
    arithmetic = progressive || arithmetic || marker == 0xC9;
    const bool huffman = marker >= 0xC0 && marker <= 0xC3;
    if (huffman || marker != 0xDA || !arithmetic) return !huffman;
    const size_t end = end_of_scan(stream, size_t(segment.data() - stream.data()) + segment.size());
    out.stream.append(stream.substr(copied, end - copied)).append(size_t(kSpareZeros), '\0');
    copied = end;
    const Band band = band_of(segment, progressive);
    if (band.first > 0 || band.before == 0) ++out.scans;
    return true;
  });
  if (copied > 0) out.stream.append(stream.substr(copied));
  return out;
}

}  // namespace cawe::data
