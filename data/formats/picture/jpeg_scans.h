// SPDX-License-Identifier: Apache-2.0
// Whether a JPEG stream has all the scans that its picture needs, and of arithmetic ones all their codes. Decoders show
// what is missing as flat gray or noise and succeed.
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

/// Arithmetic codes (T.81 annex D) end without their last zeros, so that decoders take zeros where none are left: a scan
/// that lost its second half decodes to noise. Zeros put behind the codes are the same to a decoder, and it says how
/// many it has left over. Where it took this many the codes are not whole. Whole ones take 1 to 3, with a flat rest of
/// the picture 8 in gray, 14 in colour; a loss takes about as many as were lost.
constexpr int kSpareZeros = 32;

struct SpareZeros {
  std::string stream;  ///< with kSpareZeros behind each scan's codes; empty: without arithmetic codes
  size_t scans = 0;    ///< that leave some of them over, where they are whole
};
/// Of a refinement of coefficient 0 any number may be left out: it has a bit for each block, all of them 0 in a black
/// border.
SpareZeros with_spare_zeros(std::string_view stream);

}  // namespace cawe::data
