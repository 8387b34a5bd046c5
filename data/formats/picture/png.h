// SPDX-License-Identifier: Apache-2.0
// Writing PNG: gray or RGB, 8 or 16 bits, the same bytes every time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/float_image.h"

namespace cawe::data {

/// samples 1 (gray) or 3 (RGB); bits 8 or 16 (big-endian pairs in the file; `values` holds numbers).
std::string encode_png(int width, int height, int samples, int bits, const std::vector<uint16_t>& values);
/// A picture in [0, 1], rounded to 8 bits. Written whole or not at all; throws io.
void write_png(const std::string& path, const FloatImage& image);
/// Whole values of a picture in [0, 1]: v (2^bits - 1) clamped and rounded half up.
std::vector<uint16_t> to_levels(const FloatImage& image, int bits);
inline std::vector<uint16_t> to_8bit(const FloatImage& image) { return to_levels(image, 8); }

}  // namespace cawe::data
