// SPDX-License-Identifier: Apache-2.0
// Pictures that are stored turned, with a note (EXIF tag 274, Orientation) of how to show them.
#pragma once

#include <string_view>

namespace cawe::data {

struct Picture;

/// What the file says, 1 to 8 as EXIF 2.32 4.6.4 counts them (1: upright); 1 where it says nothing or nothing valid.
/// Sought where Pillow seeks it: EXIF, then XMP. Never throws: a damaged note is none.
/// JPEG: segments before the first scan.
int jpeg_orientation(std::string_view bytes);
/// PNG: chunk eXIf, or the text chunks that ImageMagick ("Raw profile type exif") and Adobe (XMP) write. `bytes`
/// has whole chunks with right sizes.
int png_orientation(std::string_view bytes);

/// Whether a chunk's type and content say that it is one of these.
bool is_png_note(std::string_view type, std::string_view body);

/// Turns a picture as its `orientation` says, exactly what Pillow's ImageOps.exif_transpose does. The field keeps the
/// file's value. One frame.
void turn_upright(Picture* picture);

}  // namespace cawe::data
