// SPDX-License-Identifier: Apache-2.0
// The fragments of compressed pixel data (PS3.5 A.4): put together frame by frame, and what their streams say
// of themselves.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

class DcmPixelSequence;

namespace cawe::data {

/// How a JPEG stream of three components stores colours, by its own markers.
enum class JpegColour {
  unsaid,  ///< neither: the header of the DICOM file decides
  rgb,     ///< Adobe's marker with transform 0, or components called R, G and B
  ybr      ///< a JFIF marker, Adobe's with transform 1, or chroma of fewer samples
};
/// Only lossy JPEG converts colours; for lossless JPEG and JPEG-LS it is `unsaid`.
JpegColour jpeg_colour(std::string_view stream);

/// By a stream's headers: bits of a sample where it comes back changed (cosine transform, JPEG-LS with an error
/// allowed), 0 where it comes back as it was.
int lossy_bits(std::string_view stream);

/// The JPEG streams of a picture's frames: without empty fragments, and with the fragments of one frame
/// joined, as a frame's headers may lie in any of them. A frame begins where a fragment begins with the first
/// marker; more than `frames` are left out.
std::vector<std::string> jpeg_streams(DcmPixelSequence& fragments, size_t frames);
/// The same for RLE, where a fragment is a frame. Only a single frame whose first fragment is not whole gets
/// the others.
std::vector<std::string> rle_streams(DcmPixelSequence& fragments, size_t frames, size_t segments,
                                     size_t bytes);

/// Puts one fragment a frame in place of those that are there.
void replace_fragments(DcmPixelSequence& fragments, const std::vector<std::string>& streams);

/// What is wrong with an RLE frame (PS3.5 G) of `segments` segments that unfold to `bytes` each; "" where
/// nothing is. DCMTK fills what is missing and drops what is too much, without a word.
std::string rle_damage(std::string_view stream, size_t segments, size_t bytes);

}  // namespace cawe::data
