// SPDX-License-Identifier: Apache-2.0
// Several segments of one array in one launch: the images of a batch, the levels of an image.
#pragma once

#include <cstdint>

namespace cawe {

/// Rows of several images may be cut into at most so many parts each.
constexpr int kMostParts = 8;

/// Each segment is treated by itself. Sizes may be known to the device alone; `longest` shapes launches.
struct Segments {
  int64_t count = 1;               ///< number of segments, at most 65535
  int64_t longest = 0;             ///< no segment has more elements; below 2^31
  const int64_t* begin = nullptr;  ///< device, [count]: position of the first element; nullptr: s * longest
  const int64_t* size = nullptr;   ///< device, [count]; nullptr: longest
  /// Where above 0, segments are the parts of rows of `width` elements: segment s is part s % parts of row s / parts,
  /// and a part ends at end[] in its row.
  int parts = 0;
  int64_t width = 0, end[kMostParts] = {};
};

}  // namespace cawe
