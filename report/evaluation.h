// SPDX-License-Identifier: Apache-2.0
// An evaluation as text for people, as JSON and CSV for programs, and as a folder of files.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "eval/evaluate.h"
#include "tensor/io/json.h"

namespace cawe::report {

/// The table for people, ending with a newline.
std::string evaluation_text(const eval::Evaluation& evaluation);
/// results.json: {"froc_rule", "images", … (of files also "films_list", "truth_films_left_out",
/// "films_without_person", "films_that_trained"), "sens": {"1": {…}}, "coco": {…}, "pascal": {…},
/// "sens_lenient": {…}, "afroc": {"jafroc": …}, "froc_area": {"4": …}, "lroc": {…}, "calibration": {…},
/// "lesions_by": […], …}. Where a threshold was fixed before: "at_threshold": {"threshold", "sensitivity", "fp_per_image",
/// "found", "false_positives"}, where one was to be chosen also "chosen": how, or why the threshold is null.
std::string evaluation_json(const eval::Evaluation& evaluation);
/// {"items", "ones", "undefined": why or null, "equal_width": {"ece", "mce", "bins": […]}, "equal_count", "brier"}.
Json calibration_json(const eval::Calibration& calibration);
/// froc.csv: threshold,sensitivity,fp_per_image,fp_per_negative,found,false_positives.
std::string froc_csv(const eval::Evaluation& evaluation);
/// The files of write_evaluation() and what each begins with, by which an older one is told from somebody's own file.
const std::vector<std::pair<std::string, std::string>>& evaluation_files();
/// Writes DIR/froc.csv, DIR/froc.svg and DIR/results.json, each whole or not at all; makes DIR.
void write_evaluation(const eval::Evaluation& evaluation, const std::string& dir, const std::string& name);

}  // namespace cawe::report
