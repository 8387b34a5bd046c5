// SPDX-License-Identifier: Apache-2.0
// PASCAL VOC annotations: one XML file an image.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// A node of a small XML document: elements and their text. Attributes are checked for form and dropped.
struct XmlNode {
  std::string name, text;
  std::vector<XmlNode> children;
  size_t line = 0;
  const XmlNode* child(const std::string& name) const;  ///< the first one; nullptr where there is none
};

/// Strict: one root, matching tags, comments and one <?xml …?> line allowed. Refused with Code::data:
/// document types, CDATA, processing instructions, every entity but the five built in (&lt; &gt; &amp; &quot;
/// &apos;), more than 32 levels, more than a million elements.
XmlNode parse_xml(std::string_view text, const std::string& name);

/// The contents of one annotation file.
struct VocAnnotation {
  struct Object {
    std::string name;
    bool difficult = false;
    BoxD box;  ///< continuous pixels
    size_t line = 0;
  };
  std::string file_name;
  int width = 0, height = 0;
  std::vector<Object> objects;
};

/// one_based: VOC counts pixels from 1 and includes the last one, so x1 = xmin - 1, x2 = xmax. Set it to
/// false for files of tools that count from 0.
VocAnnotation parse_voc(std::string_view text, const std::string& name, bool one_based = true);

struct VocOptions {
  std::string annotations_dir, images_dir;
  std::vector<std::string> class_names;  ///< empty: all that occur, sorted
  bool one_based = true;
};

/// All *.xml of the folder in order of name; objects marked difficult go to Sample::ignored. A file that is
/// no VOC annotation, a class that is not in class_names, or a bad box rejects its image. patients_known is
/// false.
Dataset read_voc(const VocOptions& options);

}  // namespace cawe::data
