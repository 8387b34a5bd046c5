// SPDX-License-Identifier: Apache-2.0
// The films that a system looked at, also those on which it found nothing: only on these its detections are judged.
#pragma once

#include <string>
#include <vector>

namespace cawe::eval {

/// A film of such a list.
struct LookedAt {
  std::string image, patient;    ///< patient: empty where the person is unknown
  double width = 0, height = 0;  ///< pixels; 0 where the list does not say
  long long boxes = -1;          ///< detections on it; -1 where the list does not say
  bool leak = false;             ///< the list says that a model was trained on it or on its person
  std::string where;             ///< "FILE: line 7", for messages
};

/// Where `cawe detect` writes the list for its detections: "d.csv" gives "d.films.csv", "d.json" gives "d.films.json".
std::string films_beside(const std::string& detections);

/// Reads such a list. A .csv has a column `image` (or `patientId`), and may have `patient`, `width`, `height`,
/// `boxes` and `leak` (1 or 0); a .json has COCO's list `images` with `file_name` (or a text `id`) and may have the same
/// fields, `leak` true or false. Throws
/// usage for another ending, data for a film that comes twice and everything else that is wrong.
std::vector<LookedAt> read_films(const std::string& path);

}  // namespace cawe::eval
