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
void take_scan(std::string_view scan, bool progressive, std::vector<Component>* all) {
  const size_t n = scan.empty() ? 0 : byte_at(scan, 0), at = 1 + 2 * n;
  if (scan.size() < at + 3) return;
  Band band;
  if (progressive)
    band = {byte_at(scan, at), std::min(byte_at(scan, at + 1), 63u), int(byte_at(scan, at + 2) >> 4),
            int(byte_at(scan, at + 2) & 15)};
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

}  // namespace cawe::data
