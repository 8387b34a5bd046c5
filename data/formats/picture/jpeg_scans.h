// SPDX-License-Identifier: Apache-2.0
// Whether a JPEG stream has all the scans that its picture needs. Decoders show what is missing as flat gray and succeed.
#pragma once

#include <string>
#include <string_view>

namespace cawe::data {

/// What is missing, by the headers of the scans alone ("component 1 of 3 is in no scan"); "" where nothing is, and for
/// JPEG-LS. Every component must be coded, of a progressive picture its DC coefficient and every other one that was
/// begun to the last bit, each bit once (T.81 G.1.2). AC coefficients in no scan are zeros: a flat picture may be
/// written so.
std::string missing_scans(std::string_view stream);

}  // namespace cawe::data
