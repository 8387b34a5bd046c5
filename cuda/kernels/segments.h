// SPDX-License-Identifier: Apache-2.0
// Several runs of one array in one launch: the images of a batch, the levels of an image.
#pragma once

#include <cstdint>

namespace cawe {

/// Each run is treated for itself. Sizes may be known to the device alone; launches are shaped by `longest`.
struct Segments {
  int64_t count = 1;               ///< how many, at most 65535
  int64_t longest = 0;             ///< no run has more elements; below 2^31
  const int64_t* begin = nullptr;  ///< device, [count]: position of the first element; nullptr: s * longest
  const int64_t* size = nullptr;   ///< device, [count]; nullptr: longest
};

}  // namespace cawe
