// SPDX-License-Identifier: Apache-2.0
// Which files --input means, and the id of each: known before any of them is decoded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/sample.h"

namespace cawe::apps {

/// A film to be read.
struct InputFile {
  std::string path;
  std::string id;  ///< the film's name in every output
};

/// What was found.
struct InputFiles {
  std::vector<InputFile> films;
  std::vector<data::Rejected> rejected;     ///< folders that cannot be read, links to nothing
  std::map<std::string, int64_t> left_out;  ///< files in folders that are no films, by their kind
};

/// Every film of the given files and folders, once, sorted within a folder. A file that is named itself is a film
/// whatever it is called. In folders and those below, links followed, each folder once, these are films: names with an
/// image ending (data/image_name.h), and DICOM with any name. Hidden files, macOS's "._" files, DICOMDIR and DICOM that
/// is no image (structured reports, presentation states, documents, …) are not, and are counted by kind.
///
/// The id of a film in a folder that was given is its path below that folder without image ending ("p1/view1"), of a
/// file that was given its name without. Throws usage where two films would have one id, a path does not exist, or
/// nothing was found. There may be no film but only what is rejected.
InputFiles list_inputs(const std::vector<std::string>& paths);

/// "3 files that are no films left out: 2 of macOS, 1 DICOMDIR"; empty where there are none.
std::string left_out_text(const InputFiles& inputs);

}  // namespace cawe::apps
