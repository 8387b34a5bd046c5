// SPDX-License-Identifier: Apache-2.0
// Truth, detections and patients from files, for metrics only: no image is opened, coordinates stay double.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "eval/detections.h"

namespace cawe::eval {

/// A test set as read. Labels index label_names. `notes` tell the user what was done: duplicate rows dropped,
/// boxes clipped, unknown patients.
struct TruthSet {
  std::vector<TruthImage> images;
  std::vector<std::string> label_names;
  std::unordered_map<std::string, int64_t> label_of;  ///< a category's name or number to its label
  std::unordered_map<std::string, int64_t>
      image_of;  ///< id, number, file name or stem -> image; -1 ambiguous
  bool patients_known = false;
  std::vector<std::string> notes;

  /// The image that a detection file names, by full name or by the file name's stem; -1 where there is none.
  int64_t find(const std::string& name) const;
};

/// RSNA's CSV (patientId,x,y,width,height,Target; one row for each box, Target 0 with empty box fields), COCO
/// JSON (images sorted by id, crowds kept as ignore regions), or a folder of text files, one for each image,
/// with lines "class left top width height". Throws Error(data): file, row or element, what was expected.
TruthSet read_truth(const std::string& path);

/// A CSV with a column `image` or `patientId` (the image) and a column `patient` or `patient_id` (the
/// person); every truth image must have a row. Rows for other images are ignored.
void read_patients(const std::string& path, TruthSet* truth);

/// detections.csv (image,x,y,width,height,score[,label…]), COCO results JSON, or a folder of text files with
/// lines "class score left top width height". Labels are matched with the truth's. If none of them is known
/// there, or the truth has a single label, all count as one label and a note says so.
std::vector<Detection> read_detections(const std::string& path, TruthSet* truth);

}  // namespace cawe::eval
