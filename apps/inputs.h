// SPDX-License-Identifier: Apache-2.0
// Many input films: each is read, bad ones are listed in rejected.csv; whose they are, and whether they trained a model.
#pragma once

#include <string>
#include <vector>

#include "apps/input_files.h"
#include "data/leak.h"
#include "data/sample.h"

namespace cawe::apps {

/// Films as read. patient_id of a film without a person is its image_id.
struct Inputs {
  data::Dataset dataset;
  std::vector<char> person_known;  ///< for each sample: by PatientID or by a table
};

/// Reads the listed films with their sizes, persons and pixel hashes; a warning names each that may have a person's name
/// burned in. Bad ones are in `rejected`. Throws data where the only input is bad, or all are.
Inputs read_inputs(const InputFiles& files, bool quiet);

constexpr const char* kInputHelp =
    "files or folders, linked ones too (DICOM, PNG, JPEG, BMP, PNM). A film's id in outputs is its name, in "
    "subfolders of "
    "a given folder its path below that (p1/view1), without image ending";
constexpr const char* kPatientsHelp =
    "CSV with columns image and patient: whose films they are where PatientID does not say (a run's "
    "split.csv)";
/// Takes the patients from a table (columns image and patient, e.g. a run's split.csv) instead of the files'
/// headers: for sets whose PatientID names an image. `image` is an input's id by the rules of data::FilmNames. Throws data where an input has no line, or two that disagree.
void name_patients(Inputs* inputs, const std::string& table);

/// Refuses films of persons who trained a model of the chain, and films with the pixels of one that did. A film without a
/// person has the one that split.csv of a run gives to a film of its id; `weights` are the paths that models came from.
/// Warns once where persons stay unknown. With `allow` what is refused is returned, printed as a warning, too.
std::string check_input_leaks(const Inputs& inputs, const std::vector<data::TrainedPatients>& trained,
                              const std::vector<std::string>& weights, bool allow);

/// The line of rejected.csv for a file and what Error said about it.
data::Rejected rejected_file(const std::string& file, std::string reason);

/// Where report_rejected() writes.
std::string rejected_path(const std::string& out_dir);
/// Reports rejected files on stderr and in OUT_DIR/rejected.csv; returns the exit status (0 or 3).
int report_rejected(const data::Dataset& dataset, const std::string& out_dir, bool allow);

}  // namespace cawe::apps
