// SPDX-License-Identifier: Apache-2.0
#include "apps/inputs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>

#include "apps/commands.h"
#include "data/dataset.h"
#include "data/decode.h"
#include "data/film_names.h"
#include "data/fingerprint.h"
#include "data/formats/dicom/film.h"
#include "data/formats/table/csv.h"
#include "data/jail.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/parallel.h"
#include "tensor/stop_signal.h"
#include "tensor/text.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

struct Input {
  data::Sample sample;
  std::string problem;  ///< why it is rejected
  bool burned_in = false;
};

/// Decodes the file, so that bad pixels are known before anything is written. With a single input (`only`)
/// its error is thrown.
Input read_input(const InputFile& file, bool only, bool allow_damaged) {
  Input input;
  data::Sample& s = input.sample;
  data::ReadOptions options;
  s.allow_damaged = options.allow_damaged = allow_damaged;
  s.path = file.path;
  s.image_id = file.id;
  s.source = "input";
  try {
    const std::string bytes = read_file(file.path, data::kMaxImageFile);
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
    if (only || (error.code() != Code::data && error.code() != Code::io)) throw;
    input.problem = error.what();
  }
  return input;
}

/// split.csv of the run that weights are from: RUN, RUN/checkpoints/FILE or a file beside it. Empty where there is
/// none, or it is another program's.
std::string split_beside(const std::string& weights) {
  if (weights.empty()) return "";
  std::error_code error;
  fs::path run(weights);
  if (!fs::is_directory(run, error)) {
    run = run.parent_path();
    if (run.filename() == "checkpoints") run = run.parent_path();
  }
  const std::string split = (run / "split.csv").string();
  if (!fs::is_regular_file(split, error)) return "";
  const data::CsvTable table = data::CsvTable::read(split);
  return table.header() == std::vector<std::string>{"image", "patient", "fold"} ? split : "";
}

/// Gives films without a person the one that the split of a run has for a film of their id. Returns the split's path
/// where it named any.
std::string name_by_split(const std::string& split, data::Dataset* dataset, std::vector<char>* known) {
  if (split.empty() || std::count(known->begin(), known->end(), 0) == 0) return "";
  const std::vector<data::PatientLine> lines = data::read_patient_lines(split);
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
  warning(detail::concat(unknown, " of ", known.size(), " films name no person (",
                         dataset.samples[first].path, unknown > 1 ? ", …" : "",
                         "): whether their persons trained a model of the chain is not known. ",
                         old.empty() ? "Their pixels were compared with the films that did"
                                     : old + " lists no films, so that not even pixels could be compared",
                         ". --patients TABLE names persons."));
}

}  // namespace

Inputs read_inputs(const InputFiles& files, bool quiet, bool allow_damaged) {
  const size_t count = files.films.size();
  if (!quiet && !left_out_text(files).empty()) note(left_out_text(files));
  std::vector<Input> read(count);
  std::mutex mutex;
  int64_t done = 0;
  Progress progress("reading", int64_t(count), quiet);
  parallel_tasks(int64_t(count), [&](int64_t i) {
    check_stop("--input");
    read[size_t(i)] = read_input(files.films[size_t(i)], count + files.rejected.size() == 1, allow_damaged);
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
  CAWE_CHECK(!dataset.samples.empty(), Code::data, dataset.rejected[0].file, ": ", dataset.rejected[0].reason,
             " (and no other input can be read)");
  return inputs;
}

void name_patients(Inputs* inputs, const std::string& path) {
  std::vector<std::string> ids;
  for (const data::Sample& s : inputs->dataset.samples) ids.push_back(s.image_id);
  const std::vector<std::string> persons = data::persons_from_table(path, ids, {}, "every input");
  for (size_t i = 0; i < persons.size(); ++i) inputs->dataset.samples[i].patient_id = persons[i];
  inputs->person_known.assign(persons.size(), true);
}

std::string check_input_leaks(const Inputs& inputs, const std::vector<data::TrainedPatients>& trained,
                              const std::vector<std::string>& weights, bool allow) {
  data::Dataset named = inputs.dataset;
  std::vector<char> known = inputs.person_known;
  std::set<std::string> splits;
  for (const std::string& path : weights) splits.insert(name_by_split(split_beside(path), &named, &known));
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
  if (!leak.empty()) warning(leak + by_split);
  return leak;
}

data::Rejected rejected_file(const std::string& file, std::string reason) {
  if (reason.rfind(file + ": ", 0) == 0) reason = reason.substr(file.size() + 2);
  return {file, "file", reason};
}

void add_decoding(CLI::App& sub, std::optional<bool>* untrusted) {
  sub.add_flag_function(
      "--untrusted", [untrusted](int64_t) { *untrusted = true; },
      "decode in processes that can do nothing else, with limits of memory and time (the default for "
      "folders)");
  sub.add_flag_function(
      "--trusted", [untrusted](int64_t) { *untrusted = false; }, "decode in this process");
}

void choose_decoding(const std::vector<std::string>& inputs, const std::optional<bool>& untrusted) {
  std::error_code error;
  const bool folder = std::any_of(inputs.begin(), inputs.end(),
                                  [&](const std::string& path) { return fs::is_directory(path, error); });
  if (untrusted.value_or(folder)) data::decode_in_jail("/proc/self/exe");
}

std::string damaged_path(const std::string& out_dir) {
  return (out_dir.empty() ? std::string(".") : out_dir) + "/damaged.csv";
}

size_t report_damaged(const data::Dataset& dataset, const std::string& out_dir) {
  std::string text = "file,damage\n";
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

std::string rejected_path(const std::string& out_dir) {
  return (out_dir.empty() ? std::string(".") : out_dir) + "/rejected.csv";
}

int report_rejected(const data::Dataset& dataset, const std::string& out_dir, bool allow) {
  if (dataset.rejected.empty()) return 0;
  for (const data::Rejected& r : dataset.rejected)
    std::fprintf(stderr, "cawe: error: %s\n", printable(r.file + ": " + r.reason, 2000).c_str());
  data::write_rejected(rejected_path(out_dir), dataset.rejected);
  return allow ? 0 : 3;
}

}  // namespace cawe::apps
