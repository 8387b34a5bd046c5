// SPDX-License-Identifier: Apache-2.0
// A film known by its pixels, whatever its file is called and whoever's it is said to be.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/float_image.h"
#include "data/formats/picture/picture.h"

namespace cawe::data {

/// SHA-256 of the size and the 8-bit gray levels (rounded half up) of a decoded gray film with values in [0, 1]: a
/// DICOM film and the PNG made from it as shown have the same one.
std::string pixel_hash(const FloatImage& film);

/// image_facts() for resolve_images(). A file that this process has asked for before and that has not changed since
/// (device, inode, size, times) is not read again: a study asks for the same films with every row.
SizeOf image_facts_with(const ReadOptions& options);

}  // namespace cawe::data
