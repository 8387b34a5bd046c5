// SPDX-License-Identifier: Apache-2.0
// Many input files: folders are searched, each file is read, bad ones are listed in rejected.csv.
#pragma once

#include <string>
#include <vector>

#include "data/sample.h"

namespace cawe::apps {

/// Every file of the given files and folders (recursively, sorted), once, with its size. In folders: names
/// that end in .dcm, .png, .jpg or .jpeg, and DICOM files with any other name. image_id is the name without
/// folder and such an ending; if two are equal, the later one gets a number appended. Bad files are in
/// `rejected`; so are those with damaged pixels, unless `allow_damaged`, which notes the damage in the sample. Throws
/// usage where a path does not exist or nothing was found, data where the only input is bad.
data::Dataset read_inputs(const std::vector<std::string>& paths, bool quiet, bool allow_damaged = false);

constexpr const char* kAllowDamagedHelp =
    "read films whose pixels are damaged as far as they go, and list them in damaged.csv";

constexpr const char* kPatientsHelp =
    "CSV with columns image and patient: whose films they are where PatientID does not say (a run's "
    "split.csv)";
/// Takes the patients from a table (columns image and patient, e.g. a run's split.csv) instead of the files'
/// headers: for sets whose PatientID names an image. `image` is an input's id or its file name. Throws data
/// where an input has no line, or two that disagree.
void name_patients(data::Dataset* dataset, const std::string& table);

/// The line of rejected.csv for a file and what Error said about it.
data::Rejected rejected_file(const std::string& file, std::string reason);

/// Warns of every damaged film on stderr and lists them in OUT_DIR/damaged.csv (file,damage); returns their number.
size_t report_damaged(const data::Dataset& dataset, const std::string& out_dir);

/// Reports rejected files on stderr and in OUT_DIR/rejected.csv; returns the exit status (0 or 3).
int report_rejected(const data::Dataset& dataset, const std::string& out_dir, bool allow);

}  // namespace cawe::apps
