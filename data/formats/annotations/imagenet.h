// SPDX-License-Identifier: Apache-2.0
// A folder of pictures, with or without class folders.
#pragma once

#include <string>

#include "data/sample.h"

namespace cawe::data {

struct ImageFolderOptions {
  std::string root;
  /// A label for each class, the class being the first folder below root. Off: no labels (the colorizer needs
  /// none).
  bool labels = false;
  bool color = false;  ///< for pictures that are read in colour: DICOM, which has none, is left out
};

/// Every file with an image ending (data/image_name.h) below root in order of path. Files of other kinds are
/// counted, with a warning that names the first; a warning names class folders without any picture. Hidden
/// files and folders are skipped. Links to folders are followed; a folder that is reached twice is read once,
/// by its own path rather than by a link's, with a warning. image_id is the path below root without image
/// ending, '/' turned into '_'; where two pictures would share one ("a_b/c.png", "a/b_c.png"), all keep their '/'.
///
/// PNG and JPEG go first: a picture of another kind that has the name of one beside it, or lies outside all class
/// folders, is counted with the files of other kinds; PNG and JPEG outside class folders throw data. Two pictures
/// that still differ only in the ending, and links to nothing, are rejected. Persons are not known. Sizes are
/// checked by resolve_images(dataset, image_size, 64). Throws data for more than 10,000 classes.
Dataset read_image_folder(const ImageFolderOptions& options);

}  // namespace cawe::data
