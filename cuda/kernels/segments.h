// SPDX-License-Identifier: Apache-2.0
// Several segments of one array in one launch: the images of a batch, the levels of an image.
#pragma once

#include <cstdint>

namespace cawe {

/// Each segment is treated by itself. Sizes may be known to the device alone; `longest` shapes launches.
struct Segments {
  int64_t count = 1;               ///< number of segments, at most 65535
  int64_t longest = 0;             ///< no segment has more elements; below 2^31
  const int64_t* begin = nullptr;  ///< device, [count]: position of the first element; nullptr: s * longest
  const int64_t* size = nullptr;   ///< device, [count]; nullptr: longest
};

}  // namespace cawe
