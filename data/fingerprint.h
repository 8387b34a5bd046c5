// SPDX-License-Identifier: Apache-2.0
// A film known by its pixels, whatever its file is called and whoever's it is said to be.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/float_image.h"

namespace cawe::data {

/// SHA-256 of the size and the 8-bit gray levels (rounded half up) of a decoded film with values in [0, 1]: a
/// DICOM film and the PNG made from it as shown have the same one. RGB is made gray as decode_gray() does.
std::string pixel_hash(const FloatImage& film);

/// Reads every film of the set once, on all threads, and fills Sample::file_hash and, where a film decodes,
/// Sample::pixel_hash; a film that cannot be read or decoded is rejected with its reason. A file that this process
/// has read before and that has not changed since (device, inode, size, times) is not read again.
void fingerprint_films(Dataset* dataset, bool quiet);

}  // namespace cawe::data
