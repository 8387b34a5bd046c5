// SPDX-License-Identifier: Apache-2.0
// Truth, detections and patients from files, for metrics only: no image is opened, coordinates stay double.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "data/film_names.h"
#include "eval/detections.h"
#include "eval/films.h"

namespace cawe::eval {

/// A test set as read. Labels index label_names. `notes` tell the user what was done: duplicate rows dropped,
/// boxes clipped, unknown patients.
struct TruthSet {
  std::vector<TruthImage> images;
  std::vector<std::string> label_names;
  std::unordered_map<std::string, int64_t>
      label_of;  ///< by name; empty where the truth has no categories (RSNA)
  std::unordered_map<std::string, int64_t> label_of_id;  ///< by a COCO category's id, as text
  data::FilmNames names;                                 ///< images by their ids
  std::unordered_map<int64_t, int64_t> number_of;        ///< images by their numbers in a COCO file
  /// The same for each image, as text, where text may mean an image by its number: empty for other files, and where a
  /// name is a number itself, so that "1" is 1.png, there or not.
  std::vector<std::string> numbers;
  bool patients_known = false;
  std::vector<std::string> notes;
};

/// RSNA's CSV (patientId,x,y,width,height,Target; one row for each box, Target 0 with empty box fields), COCO
/// JSON (images sorted by id, crowds kept as ignore regions), or a folder of text files, one for each image,
/// with lines "class left top width height"; of one in a subfolder the id is its path ("p1/view1"). Throws
/// Error(data): file, row or element, what was expected; also for two boxes or more that are all shares of the film.
TruthSet read_truth(const std::string& path);

/// A CSV with a column `image` or `patientId` (the image) and a column `patient` or `patient_id` (the
/// person); every truth image must have a row, found by the rules of data::FilmNames. Rows for other images are
/// ignored.
void read_patients(const std::string& path, TruthSet* truth);

/// detections.csv (image,x,y,width,height,score[,label…]), COCO results JSON, or a folder of text files with
/// lines "class score left top width height". Labels are compared where the truth has named categories (RSNA's table has
/// none) and at least one detection names one of them; then a detection of an unknown category is refused, also where
/// the truth has a single one. Otherwise all count as one label, and a note says so where there was something to
/// compare. A COCO result's category_id is an id of the truth's categories, always (a name where the truth has no ids);
/// a label that is text is a name first, and an id only where no category has that name.
///
/// A detection belongs to the image of the truth that its own is by data::FilmNames: the same id first; an id without
/// folders may be one with folders only where one image alone fits on either side. Everything else is refused.
/// Text that is a number is an image's id of a COCO truth only where truth.numbers says so; an integer of COCO results is
/// one always. Boxes that are all shares of the film are refused, those that leave their film are counted in a note.
///
/// `films`, where not null, are those that the system looked at: all must be in the truth, every detection must be on
/// one of them, and images of the truth that are not among them are left out of `truth`, with their number in
/// `left_out`. Persons and sizes that the list knows and the truth does not are taken over.
std::vector<Detection> read_detections(const std::string& path, TruthSet* truth,
                                       const std::vector<LookedAt>* films = nullptr,
                                       int64_t* left_out = nullptr);

}  // namespace cawe::eval
