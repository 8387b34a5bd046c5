// SPDX-License-Identifier: Apache-2.0
// Whether a JPEG stream has all the scans that its picture needs. Decoders show what is missing as flat gray and succeed.
#pragma once

#include <string>
#include <string_view>

namespace cawe::data {

struct MissingScans {
  std::string text;  ///< "component 1 of 3 lacks scans of coefficient 0"; "" where nothing is missing
  bool whole_component = false;  ///< one is in no scan at all: no picture is left of it
};

/// By the headers of the scans alone; nothing for JPEG-LS. Every component must be coded, of a progressive picture its DC
/// coefficient and every other one that was begun to the last bit, each bit once (T.81 G.1.2). AC coefficients in no
/// scan are zeros: a flat picture may be written so.
MissingScans missing_scans(std::string_view stream);

}  // namespace cawe::data
