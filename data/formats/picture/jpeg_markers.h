// SPDX-License-Identifier: Apache-2.0
// The segments of a JPEG or JPEG-LS stream (ITU-T T.81 annex B), for whoever asks what they say without decoding.
#pragma once

#include <string_view>

#include "data/formats/picture/bytes.h"

namespace cawe::data {

/// Calls see(marker, segment) for each segment up to the picture's end, scan headers among them, in order, until it
/// returns false. Bytes between segments are passed over, as libjpeg passes over them, and so are a scan's codes, in
/// which 0 or a restart marker stands behind every 0xFF. `segment` is what stands behind the length; it is shorter than
/// that says where the stream ends inside it.
template <class See>
void each_jpeg_segment_and_scan(std::string_view stream, const See& see) {
  for (size_t i = 2; i + 4 <= stream.size();) {
    const unsigned marker = byte_at(stream, i + 1);
    if (byte_at(stream, i) != 0xFF || marker == 0xFF || marker == 0) {
      ++i;
      continue;
    }
    if (marker == 0xD9) return;
    if (marker == 1 || (marker >= 0xD0 && marker <= 0xD8)) {  // have no segment
      i += 2;
      continue;
    }
    const size_t length = big_16(stream, i + 2);
    if (length < 2 || !see(marker, stream.substr(i + 4, length - 2))) return;
    i += 2 + length;
  }
}

/// The same for the segments in front of the first scan.
template <class See>
void each_jpeg_segment(std::string_view stream, const See& see) {
  each_jpeg_segment_and_scan(stream, [&](unsigned marker, std::string_view segment) {
    return marker != 0xDA && see(marker, segment);
  });
}

}  // namespace cawe::data
