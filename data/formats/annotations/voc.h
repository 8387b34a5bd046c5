// SPDX-License-Identifier: Apache-2.0
// PASCAL VOC annotations: one XML file an image.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// The contents of one annotation file.
struct VocAnnotation {
  struct Object {
    std::string name;
    bool difficult = false;
    BoxD box;  ///< continuous pixels
    size_t line = 0;
  };
  std::string file_name;
  int width = 0, height = 0;  ///< 0 x 0 where the file says 0 for either: not known
  std::vector<Object> objects;
};

/// Reads XML (by pugixml) strictly: one root <annotation>, no document type, CDATA, processing instruction or
/// entity but the five built in (&lt; &gt; &amp; &quot; &apos;), at most 32 levels and a million tags;
/// attributes mean nothing. Throws Error(data) with file and line, Error(unsupported) in a build without
/// pugixml. `name` is the file's, for messages.
///
/// one_based: VOC counts pixels from 1 and includes the last one, so x1 = xmin - 1, x2 = xmax. Set it to
/// false for files of tools that count from 0.
VocAnnotation parse_voc(std::string_view text, const std::string& name, bool one_based = true);

/// Which name says whose film an annotation is of: <filename> and the XML file's own, either alone.
enum class VocNames { both, filename, file };

struct VocOptions {
  std::string annotations_dir, images_dir;
  std::vector<std::string> class_names;  ///< empty: all that occur, sorted
  bool one_based = true;
  std::string root = "";  ///< where the files' names must stay, see data/image_files.h
  bool allow_outside = false;
  VocNames names = VocNames::both;
};

/// Every XML file of the folder and of those below, in any case of its ending, hidden ones left out; objects marked
/// difficult go to Sample::ignored. A <filename> may leave the image's ending out. Of annotations in a folder below, it
/// is looked for in the same folder below images_dir first. A file that is no VOC annotation, a class that is not in
/// class_names, or a bad box rejects its image; one whose image lies outside throws data. Ids are those of
/// image_ids(); patients_known is false.
///
/// A <filename> may be older than the files' names. So with VocNames::both an annotation is rejected where <filename>
/// names another picture than the one beside it that is called as the XML file. Where only the latter is there, it is
/// the film, with a warning, if the set was renamed as a whole: of those <filename>s that differ from their files'
/// names, none names a picture that is there. Else the named picture is missing.
Dataset read_voc(const VocOptions& options);

}  // namespace cawe::data
