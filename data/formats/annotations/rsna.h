// SPDX-License-Identifier: Apache-2.0
// RSNA Pneumonia Detection Challenge 2018: box file, class file, and the mapping to NIH patients.
#pragma once

#include <string>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// The rows of a file patientId,x,y,width,height,Target, grouped by image.
struct RsnaBoxes {
  struct Row {
    BoxD box;
    double area;  ///< width x height as they are written
    std::string where;
  };
  struct Image {
    std::string id;  ///< as it is written
    bool positive = false;
    std::vector<Row> rows;  ///< one for each box; none where Target is 0
    std::string where;      ///< its first row, for messages
    std::string problem;    ///< not empty: Target and coordinates contradict each other
  };
  std::vector<Image> images;  ///< in the order of their first rows
  int64_t row_count = 0;
};

/// Targets are cells of parse_answer(): 1, 1.0, TRUE. Throws data with the line for a cell that is no number, and for
/// an id that is written with other blanks around it elsewhere. Rows that contradict each other only mark their image,
/// which readers then reject: Target 1 without a box, Target 0 with one, both Targets for one image.
RsnaBoxes read_rsna_boxes(const std::string& csv);

/// Gives `sample` the boxes of `image`. False: rejected (noted in dataset).
bool apply_rsna_boxes(Dataset* dataset, Sample* sample, const RsnaBoxes::Image& image);

enum class RsnaLabels {
  target,   ///< one label, "Lung Opacity", from Target
  detailed  ///< "Lung Opacity", "No Lung Opacity / Not Normal", "Normal" from the class file
};

/// The challenge's files, and what labels to make of them.
struct RsnaOptions {
  std::string labels_csv;    ///< stage_2_train_labels.csv
  std::string classes_csv;   ///< stage_2_detailed_class_info.csv; needed for RsnaLabels::detailed
  std::string mapping_json;  ///< pneumonia-challenge-dataset-mappings_2018.json
  std::string images_dir;    ///< holds <patientId><extension>
  std::string extension = ".dcm";
  std::string root;  ///< where the table's paths must stay, see data/image_files.h
  bool allow_outside = false;
  RsnaLabels labels = RsnaLabels::target;
  /// In these files "patientId" names an image, and one person has many. Without the mapping the persons are
  /// not known, and reading fails unless this is set: then patients_known is false, and reports say
  /// "image-level split: optimistic".
  bool split_by_image = false;
  std::string patient_prefix = "";  ///< put before NIH's patient number, e.g. "nih:"
};

/// Throws data for a file that cannot be used at all; single bad images go to `rejected`.
Dataset read_rsna(const RsnaOptions& options);

}  // namespace cawe::data
