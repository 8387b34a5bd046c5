// SPDX-License-Identifier: Apache-2.0
// Procedural chest films with lesions whose boxes and kinds are known. For demonstrations and tests of the
// chain, not evidence about patients.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/float_image.h"
#include "tensor/box.h"

namespace cawe::data {

/// Kinds of lesion, in the order of labels and box classes.
const std::vector<std::string>& lesion_kinds();  // nodule, consolidation, infiltrate

enum class Difficulty {
  easy,  ///< contrast of a lesion .14 to .40
  hard   ///< contrast .08 to .28, and smaller
};

/// Size, seed and difficulty of procedural films.
struct ChestOptions {
  int size = 128;
  uint64_t seed = 0;
  Difficulty difficulty = Difficulty::easy;
  double lesion_free = 0.4;  ///< share of films without a lesion
};

/// One film: gray, square, in steps of 1/255, so that an 8-bit file stores it exactly.
struct Chest {
  FloatImage image;
  std::vector<Box> boxes;  ///< around the part of a lesion above 40 % of its peak
  std::vector<int> kinds;
};

/// A pure function of options, patient and view: the views of a patient share the anatomy and differ in pose,
/// exposure, noise and lesions.
Chest make_chest(const ChestOptions& options, int64_t patient, int64_t view);

/// Assigns patient and view to each of `images` films: 60 % of patients have one film, 25 % two, 15 % three.
struct PatientView {
  int64_t patient, view;
};
std::vector<PatientView> patient_views(uint64_t seed, int64_t images, int64_t first_patient = 0);

struct PhantomOptions {
  std::string out;  ///< folder to make; if it exists, it must be empty
  int64_t images = 200;
  int64_t first_patient = 0;  ///< number of the first: sets of one seed with other numbers are other persons
  ChestOptions chest;
  std::string format = "dicom";  ///< or "png"
};

/// Writes, all or nothing (a folder that appears by rename):
///   images/pNNNNN_V.dcm or .png
///   stage_2_train_labels.csv                            RSNA's columns; patientId is the image
///   stage_2_detailed_class_info.csv                     RSNA's classes
///   pneumonia-challenge-dataset-mappings_2018.json      image to person
///   metadata.csv                                        image,patient,<one column per kind>,width,height
///   coco.json                                           boxes with their kinds
/// Throws usage (an unknown format, an output that already exists) or io.
void write_phantoms(const PhantomOptions& options);

}  // namespace cawe::data
