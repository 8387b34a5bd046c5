// SPDX-License-Identifier: Apache-2.0
#include "apps/inputs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>

#include "apps/commands.h"
#include "apps/outputs.h"
#include "data/dataset.h"
#include "data/decode.h"
#include "data/film_names.h"
#include "data/fingerprint.h"
#include "data/formats/dicom/film.h"
#include "data/formats/table/csv.h"
#include "data/hash.h"
#include "data/jail.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/folder_claim.h"
#include "tensor/io/format.h"
#include "tensor/parallel.h"
#include "tensor/stop_signal.h"
#include "tensor/text.h"
#include "train/run_folder.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

struct Input {
  data::Sample sample;
  std::string problem;  ///< why it is rejected
  bool burned_in = false;
};

/// Decodes the file, so that bad pixels are known before anything is written.
Input read_input(const InputFile& file, bool allow_damaged) {
  Input input;
  data::Sample& s = input.sample;
  data::ReadOptions options;
  s.allow_damaged = options.allow_damaged = allow_damaged;
  s.path = file.path;
  s.image_id = file.id;
  s.source = "input";
  try {
    const std::string bytes = read_file(file.path, data::kMaxImageFile);
    s.file_hash = data::sha256(bytes);
    s.only_as_read = true;
    data::FloatImage image;
    if (data::picture_format(bytes) == data::PictureFormat::dicom) {
      data::Film film = data::film_of(bytes, file.path, options);
      s.damage = film.damage;
      image = std::move(film.image);
      s.patient_id = film.tags.patient_id;
      s.sex = film.tags.sex;
      s.age = film.tags.age;
      s.view = film.tags.view;
      input.burned_in = film.tags.burned_in;
    } else {
      data::DecodedFilm picture = data::decode_film(bytes, file.path, options);
      s.damage = picture.damage;
      image = std::move(picture.image);
    }
    s.width = image.width;
    s.height = image.height;
    s.pixel_hash = data::pixel_hash(image);
  } catch (const Error& error) {
    if (!data::rejects_one_film(error.code())) throw;
    input.problem = error.what();
  }
  return input;
}

/// The folder of the run that weights are from: RUN, or that of RUN/checkpoints/FILE or RUN/FILE.
std::string run_of(const std::string& weights) {
  std::error_code error;
  fs::path run = fs::absolute(weights, error);  // a bare name has no folder before it
  if (!fs::is_directory(run, error)) {
    run = run.parent_path();
    if (run.filename() == "checkpoints") run = run.parent_path();
  }
  return run.string();
}

std::vector<data::PatientLine> read_split_persons(const std::string& path) {
  const data::CsvTable table = data::CsvTable::read(path);
  CAWE_CHECK(table.header() == std::vector<std::string>({"image", "patient", "fold"}), Code::data, path,
             ": line 1: is \"", listed(table.header(), ","), "\" (expected image,patient,fold)");
  return data::patient_lines(table);
}

/// The split beside weights. A file of this name in a folder that is not ours may be anybody's: it is left out with a
/// warning. In a run of ours it says who trained the model, and without it a leak could pass unseen: that is refused
/// unless leaks are allowed.
std::vector<data::PatientLine> split_beside(const std::string& run, const std::string& split, bool allow) {
  try {
    return read_split_persons(split);
  } catch (const Error& error) {
    const bool ours = folder_kind(run) == "run" || train::is_older_folder(run);
    if (ours && !allow)
      fail(
          Code::data, error.what(),
          ": the split of a run of ours, by which persons of films are known that name none"
          " (expected it as the run wrote it; --patients TABLE names persons, --allow-leak goes on without)");
    warning(detail::concat(error.what(), ": left out, so that no film beside ",
                           ours ? "this run" : "these weights", " gets its person from it"));
    return {};
  }
}

/// Gives films without a person the one that the split beside weights has for a film of their id. Returns the split's
/// path where it named any.
std::string name_by_split(const std::string& weights, bool allow, data::Dataset* dataset,
                          std::vector<char>* known) {
  std::error_code error;
  const std::string run = run_of(weights), split = (fs::path(run) / "split.csv").string();
  if (weights.empty() || !fs::is_regular_file(split, error) ||
      std::count(known->begin(), known->end(), 0) == 0)
    return "";
  const std::vector<data::PatientLine> lines = split_beside(run, split, allow);
  data::FilmNames names;
  for (size_t i = 0; i < lines.size(); ++i) names.add(lines[i].image, int64_t(i));
  bool used = false;
  for (size_t i = 0; i < dataset->samples.size(); ++i) {
    if ((*known)[i]) continue;
    data::Sample& s = dataset->samples[i];
    std::set<std::string> persons;
    for (const int64_t row : names.find(s.image_id)) persons.insert(lines[size_t(row)].patient);
    if (persons.size() != 1) continue;
    s.patient_id = *persons.begin();
    (*known)[i] = used = true;
  }
  return used ? split : "";
}

/// Says once how many films cannot be told by their person, and what is compared instead.
void warn_of_unknown(const data::Dataset& dataset, const std::vector<char>& known,
                     const std::vector<data::TrainedPatients>& trained) {
  const auto unknown = std::count(known.begin(), known.end(), 0);
  if (unknown == 0 || trained.empty()) return;
  const size_t first = size_t(std::find(known.begin(), known.end(), 0) - known.begin());
  std::string old;
  for (const data::TrainedPatients& model : trained)
    if (model.films.empty() && !model.hashes.empty()) old += (old.empty() ? "" : ", ") + model.model;
  warning(detail::concat(
      unknown, " of ", counted(int64_t(known.size()), "film"), unknown == 1 ? " names" : " name",
      " no person (", dataset.samples[first].path, unknown > 1 ? ", …" : "", "): whether ",
      unknown == 1 ? "that person" : "their persons", " trained a model of the chain is not known. ",
      old.empty() ? std::string("Pixels were compared with those of the films that did")
                  : old + " lists no films, so that not even pixels could be compared",
      ". --patients TABLE names persons."));
}

constexpr const char* kDamagedHeader = "file,damage\n";

std::string list_path(const std::string& out_dir, const char* name) {
  return (out_dir.empty() ? std::string(".") : out_dir) + "/" + name;
}

/// The lists of bad films that a command leaves in a folder: path and first line.
std::vector<std::pair<std::string, std::string>> lists_in(const std::string& out_dir) {
  return {{rejected_path(out_dir), data::kRejectedHeader}, {damaged_path(out_dir), kDamagedHeader}};
}

/// Takes the lists of an earlier command away, which nothing of this one belongs to.
void remove_stale_lists(const std::string& out_dir) {
  for (const auto& [list, header] : lists_in(out_dir)) {
    std::error_code error;
    if (fs::is_regular_file(fs::symlink_status(list, error)) && !is_foreign(list, header))
      fs::remove(list, error);
  }
}

}  // namespace

Inputs read_inputs(const InputFiles& files, const std::string& out_dir, bool quiet, bool allow_damaged) {
  const size_t count = files.films.size();
  remove_stale_lists(out_dir);
  if (!quiet && !left_out_text(files).empty()) note(left_out_text(files));
  std::vector<Input> read(count);
  std::mutex mutex;
  int64_t done = 0;
  Progress progress("reading", int64_t(count), quiet);
  parallel_tasks(int64_t(count), [&](int64_t i) {
    check_stop("--input");
    read[size_t(i)] = read_input(files.films[size_t(i)], allow_damaged);
    const std::lock_guard<std::mutex> lock(mutex);
    progress.update(++done);
  });
  Inputs inputs;
  data::Dataset& dataset = inputs.dataset;
  dataset.rejected = files.rejected;
  for (Input& input : read) {
    data::Sample& s = input.sample;
    if (!input.problem.empty()) {
      dataset.rejected.push_back(rejected_file(s.path, input.problem));
      continue;
    }
    inputs.person_known.push_back(!s.patient_id.empty());
    if (s.patient_id.empty()) s.patient_id = s.image_id;
    if (input.burned_in)
      warning(s.path + ": says it has text burned into its pixels, which may name the patient");
    dataset.samples.push_back(std::move(s));
  }
  if (dataset.samples.empty()) refuse_all(dataset, out_dir);
  return inputs;
}

void name_patients(Inputs* inputs, const std::string& path) {
  std::vector<std::string> ids;
  for (const data::Sample& s : inputs->dataset.samples) ids.push_back(s.image_id);
  const std::vector<std::string> persons = data::persons_from_table(path, ids, {}, "");
  for (size_t i = 0; i < persons.size(); ++i) {
    if (persons[i].empty()) continue;
    inputs->dataset.samples[i].patient_id = persons[i];
    inputs->person_known[i] = true;
  }
}

std::vector<char> check_input_leaks(const Inputs& inputs, const std::vector<data::TrainedPatients>& trained,
                                    const std::vector<std::string>& weights, bool allow) {
  data::Dataset named = inputs.dataset;
  std::vector<char> known = inputs.person_known;
  std::set<std::string> splits;
  for (const std::string& path : weights) splits.insert(name_by_split(path, allow, &named, &known));
  splits.erase("");
  std::string by_split;
  for (const std::string& split : splits) by_split += (by_split.empty() ? " (persons by " : ", ") + split;
  if (!by_split.empty()) by_split += ")";
  warn_of_unknown(named, known, trained);
  std::vector<int64_t> all(named.samples.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = int64_t(i);
  std::string leak;
  try {
    leak = data::check_leaks(named, all, trained, allow);
  } catch (const Error& error) {
    fail(error.code(), error.what(), by_split);
  }
  if (leak.empty()) return {};
  warning(leak + by_split);
  std::vector<char> films(all.size(), false);
  for (const data::Leak& found : data::find_leaks(named, all, trained))
    for (const int64_t i : found.films) films[size_t(i)] = true;
  return films;
}

data::Rejected rejected_file(const std::string& file, std::string reason) {
  if (reason.rfind(file + ": ", 0) == 0) reason = reason.substr(file.size() + 2);
  return {file, "file", reason};
}

std::vector<int64_t> reject_films(data::Dataset* dataset, const std::vector<std::string>& problem,
                                  const std::string& out_dir) {
  std::vector<data::Sample> kept;
  std::vector<int64_t> places;
  for (size_t i = 0; i < problem.size(); ++i) {
    data::Sample& sample = dataset->samples[i];
    if (!problem[i].empty()) {
      dataset->rejected.push_back(rejected_file(sample.path, problem[i]));
      continue;
    }
    places.push_back(int64_t(i));
    kept.push_back(std::move(sample));
  }
  dataset->samples = std::move(kept);
  if (places.empty()) refuse_all(*dataset, out_dir);
  return places;
}

void add_decoding(CLI::App& sub, std::optional<bool>* untrusted, const char* usual) {
  sub.add_flag_function(
      "--untrusted", [untrusted](int64_t) { *untrusted = true; },
      std::string(
          "decode in processes that can do nothing else, with limits of memory and time (the default") +
          usual + ")");
  sub.add_flag_function(
      "--trusted", [untrusted](int64_t) { *untrusted = false; }, "decode in this process");
}

void choose_decoding(const std::vector<std::string>& inputs, const std::optional<bool>& untrusted) {
  std::error_code error;
  const bool folder = std::any_of(inputs.begin(), inputs.end(),
                                  [&](const std::string& path) { return fs::is_directory(path, error); });
  if (untrusted.value_or(folder)) data::decode_in_jail("/proc/self/exe");
}

std::string damaged_path(const std::string& out_dir) { return list_path(out_dir, "damaged.csv"); }

std::string rejected_path(const std::string& out_dir) { return list_path(out_dir, "rejected.csv"); }

void check_lists(const std::string& out_dir) {
  for (const auto& [list, header] : lists_in(out_dir)) check_own(list, header, "--out");
}

size_t report_damaged(const data::Dataset& dataset, const std::string& out_dir) {
  std::string text = kDamagedHeader;
  size_t count = 0;
  for (const data::Sample& s : dataset.samples) {
    if (s.damage.empty()) continue;
    warning(s.path + ": damaged, read all the same: " + s.damage);
    text += csv_line({s.path, s.damage});
    ++count;
  }
  if (count > 0) write_file(damaged_path(out_dir), text);
  return count;
}

int report_rejected(const data::Dataset& dataset, const std::string& out_dir, bool allow) {
  if (dataset.rejected.empty()) return 0;
  for (const data::Rejected& r : dataset.rejected)
    std::fprintf(stderr, "cawe: error: %s\n", printable(r.file + ": " + r.reason, 2000).c_str());
  data::write_rejected(rejected_path(out_dir), dataset.rejected);
  return allow ? 0 : 3;
}

void refuse_all(const data::Dataset& dataset, const std::string& out_dir) {
  const data::Rejected& first = dataset.rejected.at(0);
  try {
    if (!out_dir.empty()) make_folders(out_dir);
    data::write_rejected(rejected_path(out_dir), dataset.rejected);
  } catch (const Error& error) {
    warning(error.what());  // what is wrong with the films says more
  }
  fail(Code::data, first.file, ": ", first.reason,
       dataset.rejected.size() > 1 ? " (and no other input can be read)" : "");
}

}  // namespace cawe::apps
