// SPDX-License-Identifier: Apache-2.0
// Shared by read_boxes.cpp, read_coco.cpp, box_labels.cpp and box_units.cpp only.
#pragma once

#include <string>
#include <vector>

#include "eval/read_boxes.h"

namespace cawe::eval::detail {

/// A detection before its label is looked up. `where` names its file and row ("d.csv: line 3").
struct RawDetection {
  Detection detection;
  std::string label, where;
  bool label_is_id = false;  ///< a COCO category_id
};

/// Adds an image under its id; `number`, where not empty, is its id in a COCO file.
void add_image(TruthSet* truth, TruthImage image, const std::string& number = "");

/// Finds the image of the truth that a file's name of a film means. Refuses names that are in no truth, that could be
/// several images, and two names of different films that would be one image.
class Places {
 public:
  explicit Places(const TruthSet& truth) : truth_(truth) {}
  /// `where` begins messages.
  int64_t of(const std::string& name, const std::string& where);
  /// By a COCO file's number; in the truth of another kind a number is a name.
  int64_t of_number(int64_t number, const std::string& where);
  /// The image, -1 where there is none; refuses the rest.
  int64_t find(const std::string& name, const std::string& where);

 private:
  /// The images that have this name, else the one whose number in a COCO file this is, where names are no numbers.
  std::vector<int64_t> meant_by(const std::string& name) const;

  const TruthSet& truth_;
  data::FilmClaims claims_;
  std::unordered_map<std::string, int64_t> known_;
};
/// The rules of data::check_box(), by which boxes are trained on; what is clipped is counted.
void check_truth_box(const std::string& where, const TruthImage& image, BoxD* box, int64_t* clipped);
void note_clipped(TruthSet* truth, int64_t clipped);
/// A finite score, and a box with finite, positive sides.
void check_detection(const std::string& where, const BoxD& box, double score);

/// Refuses a file whose boxes, two or more, are all written as shares of the film (0 to 1).
void refuse_shares(const std::string& path, const std::vector<BoxD>& boxes);
/// Notes detections that leave their film, where its size is known, further than a true box may.
void note_outside(const std::vector<RawDetection>& raw, TruthSet* truth);

/// Gives every detection its label by the rules of read_detections(); what is not compared becomes a note of `truth`.
std::vector<Detection> resolve_labels(const std::vector<RawDetection>& raw, TruthSet* truth);

TruthSet read_coco_truth(const std::string& path);
std::vector<RawDetection> read_coco_detections(const std::string& path, Places* places);

}  // namespace cawe::eval::detail
