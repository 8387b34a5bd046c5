// SPDX-License-Identifier: Apache-2.0
// What every reader returns: images with their patient, labels and boxes, and what was rejected and why.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "tensor/box.h"

namespace cawe::data {

/// One image. Boxes are in pixels of the original image as viewers show it (turned where EXIF says so), continuous,
/// top-left origin.
struct Sample {
  std::string image_id;    ///< the file's name, or its path, without image ending; unique in a Dataset
  std::string patient_id;  ///< the person; equals image_id where the source does not say (see Dataset)
  /// The person of the source where patient_id is a group's (data/groups.h); else empty.
  std::string source_patient;
  /// The groups of data/groups.h that it is in, itself or through films that stay together with it, under
  /// names that do not depend on which of their films are here; sorted. For leaks: folds and intervals go by
  /// patient_id.
  std::vector<std::string> group_keys;
  std::string source;         ///< where it comes from, e.g. "rsna" or a folder's name
  std::string path;           ///< the image file
  std::string file_hash;      ///< SHA-256 of the file's bytes; empty where it was not read
  std::string where;          ///< what names it, for messages: "metadata.csv: line 7"; may be empty
  std::string pixel_hash;     ///< of its decoded film (data/fingerprint.h); empty where that was not read
  int width = 0, height = 0;  ///< 0 until known: a label file may not say
  /// One for each of Dataset::label_names: 1, 0, or NaN = left out of the loss.
  std::vector<float> labels;
  std::vector<Box> boxes;        ///< lesions
  std::vector<int> box_classes;  ///< index into Dataset::class_names, one for each box
  /// What names each of boxes, then each of ignored, for messages, while width is not known: they are checked again when
  /// it is.
  std::vector<std::string> box_where;
  std::vector<Box> ignored;         ///< detections here are not scored (COCO crowds, VOC "difficult")
  bool has_box_annotation = false;  ///< the image was searched for boxes: without any it is a true negative
  int64_t number = -1;              ///< the image's id in a COCO file
  /// Its film may only be read as the bytes of file_hash: what was found out of them (person, pixels, a leak) is acted on,
  /// and need not be true of a file that was put there since.
  bool only_as_read = false;
  bool allow_damaged = false;  ///< pixels are read as far as they can be (ReadOptions)
  std::string damage;          ///< what is wrong with them, where that was found already; empty: nothing
  // For subgroup tables, spelled as in data/subject.h; empty and NaN where the source does not say.
  std::string sex, view;                                ///< "F", "M", "O"; "PA", "AP", "LL", "LATERAL" …
  float age = std::numeric_limits<float>::quiet_NaN();  ///< years
};

/// A file that was rejected, and why: a line of rejected.csv.
struct Rejected {
  std::string file, field, reason;
};

/// What a reader found: samples, the names that their labels and classes index, and what was rejected.
struct Dataset {
  std::vector<Sample> samples;  ///< in the order of the label file
  std::vector<std::string> label_names, class_names;
  bool patients_known = true;  ///< false: the source names no persons, so a split by patient is impossible
  std::map<std::string, int64_t>
      counts;  ///< what was read, for the log: "rows", "boxes", "images with boxes"
  std::vector<std::string> warnings;
  std::vector<Rejected> rejected;
};

}  // namespace cawe::data
