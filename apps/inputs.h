// SPDX-License-Identifier: Apache-2.0
// Many input films: each is read, bad ones are listed in rejected.csv; whose they are, and whether they trained a
// model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/input_files.h"
#include "data/leak.h"
#include "data/sample.h"
#include "tensor/error.h"

namespace CLI {
class App;
}

namespace cawe::apps {

/// Adds --untrusted and --trusted. The help says when the former is the default: "the default" + `usual`.
void add_decoding(CLI::App& sub, std::optional<bool>* untrusted, const char* usual = " for folders");
/// Films are decoded in children that can do nothing else (data/jail.h) where that was asked for; where nothing was
/// said, for folders, whose films nobody has looked at one by one.
void choose_decoding(const std::vector<std::string>& inputs, const std::optional<bool>& untrusted);

constexpr const char* kAllowDamagedHelp =
    "read films whose pixels are damaged as far as they go, and list them in damaged.csv";

/// Films as read. patient_id of a film without a person is its image_id.
struct Inputs {
  data::Dataset dataset;
  std::vector<char> person_known;  ///< for each sample: by PatientID or by a table
};

/// Reads the listed films with their sizes, persons and pixel hashes; a warning names each that may have a person's
/// name burned in. Bad ones are in `rejected`; so are those with damaged pixels, unless `allow_damaged`, which notes
/// the damage in the sample. Before the first is read the lists that an earlier command left in `out_dir` are removed;
/// where all inputs are bad refuse_all() ends it.
Inputs read_inputs(const InputFiles& files, const std::string& out_dir, bool quiet,
                   bool allow_damaged = false);

constexpr const char* kInputHelp =
    "files or folders, linked ones too (DICOM, PNG, JPEG, BMP, PNM). A film's id in outputs is its name, in "
    "subfolders of a given folder its path below that (p1/view1), without image ending";
constexpr const char* kPatientsHelp =
    "CSV with columns image and patient (a run's split.csv): whose films they are, whatever PatientID says. "
    "A "
    "film without a row keeps its PatientID";
/// Takes the patients from a table (columns image and patient, e.g. a run's split.csv) instead of the files'
/// headers: for sets whose PatientID names an image. `image` is an input's id by the rules of data::FilmNames. An input
/// without a row stays as it is. Throws data where an input has two that disagree, or none has one.
void name_patients(Inputs* inputs, const std::string& table);

/// Refuses films of persons who trained a model of the chain, and films with the pixels of one that did. A film
/// without a person has the one that split.csv of a run gives to a film of its id; `weights` are the paths that models
/// came from. Warns once where persons stay unknown. With `allow` what is refused is a warning, and returned is for each
/// sample whether it is one of these films (empty where none is). A split.csv that cannot be read is a warning beside
/// weights alone, and an error in a run of ours.
std::vector<char> check_input_leaks(const Inputs& inputs, const std::vector<data::TrainedPatients>& trained,
                                    const std::vector<std::string>& weights, bool allow);

/// The line of rejected.csv for a file and what Error said about it.
data::Rejected rejected_file(const std::string& file, std::string reason);

/// Moves the films that have a problem, found when they were read again, to `rejected`; returns the places of those that
/// stay. Where none does refuse_all() ends it.
std::vector<int64_t> reject_films(data::Dataset* dataset, const std::vector<std::string>& problem,
                                  const std::string& out_dir);

// The lists of bad films lie beside the outputs and are of the command that read films last: it takes away what an
// earlier one left.

/// OUT_DIR/damaged.csv (file,damage) and OUT_DIR/rejected.csv (file,field,reason).
std::string damaged_path(const std::string& out_dir);
std::string rejected_path(const std::string& out_dir);
/// Throws usage where a file of one of these names is there that is no such list. Before anything is read.
void check_lists(const std::string& out_dir);
/// Warns of every damaged film on stderr and lists them; returns their number.
size_t report_damaged(const data::Dataset& dataset, const std::string& out_dir);
/// Reports rejected files on stderr and lists them; returns the exit status (0 or 3).
int report_rejected(const data::Dataset& dataset, const std::string& out_dir, bool allow);
/// Lists them, makes the folder where it is missing, and throws what is wrong with the first: for a command that can
/// read none of its films.
[[noreturn]] void refuse_all(const data::Dataset& dataset, const std::string& out_dir);

}  // namespace cawe::apps
