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
};

/// Every .jpg, .jpeg and .png below root in order of path; other files are counted. Hidden files and folders
/// are skipped. image_id is the path below root without extension, '/' turned into '_'. Persons are not
/// known. Sizes are checked by resolve_images(dataset, image_size, 64).
Dataset read_image_folder(const ImageFolderOptions& options);

}  // namespace cawe::data
