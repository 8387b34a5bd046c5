// SPDX-License-Identifier: Apache-2.0
// cawe detect: films in, boxes out, with the detector's whole chain out of one file.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/commands.h"
#include "apps/inputs.h"
#include "apps/named_files.h"
#include "apps/outputs.h"
#include "eval/films.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/detector.h"

namespace cawe::apps {
namespace {

struct Options {
  std::string weights, out, anon = "keep", patients;
  std::vector<std::string> input;
  double threshold = -1;
  bool allow_rejects = false, allow_leak = false, allow_damaged = false;
  std::optional<bool> untrusted;
};

/// Refuses to write over anything that is read.
void keep_read_files(const Options& o, const InputFiles& files, const std::vector<std::string>& outputs) {
  std::vector<std::string> read{o.weights};
  if (!o.patients.empty()) read.push_back(o.patients);
  for (const InputFile& film : files.films) read.push_back(film.path);
  const ReadFiles kept(read);
  for (const std::string& out : outputs) kept.keep(out, "--out");
}

/// JSON is UTF-8: an id of other bytes would lose them there, and no film of the truth would have it.
void check_json_ids(const InputFiles& files) {
  for (const InputFile& film : files.films)
    CAWE_CHECK(
        is_utf8(film.id), Code::usage, film.path,
        ": its name is not UTF-8 and JSON cannot hold it (expected --out ending in .csv, which can, or "
        "another name)");
}

void hide_persons(std::vector<std::vector<train::FoundBox>>* found, std::vector<train::FilmSeen>* seen) {
  for (auto& image : *found)
    for (train::FoundBox& box : image) box.patient = data::anonymous_id(box.patient);
  for (train::FilmSeen& film : *seen)
    if (!film.patient.empty()) film.patient = data::anonymous_id(film.patient);
}

/// The elements at these places.
template <class T>
std::vector<T> at(const std::vector<T>& all, const std::vector<int64_t>& places) {
  std::vector<T> out;
  for (const int64_t i : places) out.push_back(all[size_t(i)]);
  return out;
}

void run(Common& common, const Options& o) {
  common.begin();
  const std::string extension = std::filesystem::path(o.out).extension().string();
  CAWE_CHECK(extension == ".csv" || extension == ".json", Code::usage, o.out, ": --out ends in \"", extension,
             "\" (expected .csv or .json)");
  const std::filesystem::path folder = std::filesystem::path(o.out).parent_path();
  for (const char* list : {"rejected.csv", "damaged.csv"})
    CAWE_CHECK(std::filesystem::path(o.out).filename() != list, Code::usage, o.out,
               ": this name is for the list of bad inputs. Choose another --out");
  check_out_file(o.out, "--out");
  CAWE_CHECK(!std::isnan(o.threshold), Code::usage, "--threshold is no number (expected 0 to 1)");
  choose_decoding(o.input, o.untrusted);
  check_lists(folder.string());
  const InputFiles files = list_inputs(o.input);
  check_file_or_folder(o.weights, "--weights");
  check_file(o.patients, "--patients");
  const std::string list = eval::films_beside(o.out);
  CAWE_CHECK(too_long(list).empty(), Code::usage, list, ": ", too_long(list));
  if (extension == ".json") check_json_ids(files);
  check_own(list, extension == ".csv" ? train::kFilmsCsvHead : train::kFilmsJsonHead, "--out");
  keep_read_files(o, files, {o.out, list, rejected_path(folder.string()), damaged_path(folder.string())});
  train::Detector detector(o.weights);
  if (o.threshold >= 0) detector.score_threshold() = o.threshold;
  Inputs inputs = read_inputs(files, folder.string(), common.quiet, o.allow_damaged);
  data::Dataset& dataset = inputs.dataset;
  if (!o.patients.empty()) name_patients(&inputs, o.patients);
  const std::vector<char> leaked = check_input_leaks(inputs, detector.trained(), {o.weights}, o.allow_leak);
  std::vector<int64_t> all(dataset.samples.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = int64_t(i);
  std::vector<std::string> problem;
  auto found =
      detector.detect(dataset, all, common.quiet, "--out " + o.out + " (nothing was written)", &problem);
  std::vector<train::FilmSeen> seen = train::films_seen(dataset, all, found);
  for (size_t i = 0; i < seen.size(); ++i) {
    if (!inputs.person_known[i]) seen[i].patient.clear();
    seen[i].leak = !leaked.empty() && leaked[i];
  }
  const std::vector<int64_t> kept = reject_films(&dataset, problem, folder.string());
  found = at(found, kept);
  seen = at(seen, kept);
  if (o.anon == "hash") hide_persons(&found, &seen);
  const bool csv = extension == ".csv";
  // The list first: detections without it would be judged on films that nobody looked at.
  write_file(list, csv ? train::films_csv(seen) : train::films_json(seen, detector.classes()));
  write_file(o.out, csv ? train::detections_csv(found) : train::detections_json(found, detector.classes()));
  const size_t damaged = report_damaged(dataset, folder.string());
  common.status = report_rejected(dataset, folder.string(), o.allow_rejects);
  size_t boxes = 0;
  for (const auto& image : found) boxes += image.size();
  Json result{{"out", o.out},
              {"films", list},
              {"images", found.size()},
              {"boxes", boxes},
              {"rejected", dataset.rejected.size()},
              {"damaged", damaged},
              {"left_out", Json(files.left_out)}};
  if (!leaked.empty()) result["leak"] = "allowed";
  if (common.json)
    print_json(result);
  else
    print_lines(detail::concat(o.out, ": ", counted(int64_t(boxes), "box", "boxes"), " on ",
                               counted(int64_t(found.size()), "film"), ", ", dataset.rejected.size(),
                               " rejected", damaged > 0 ? ", " + std::to_string(damaged) + " damaged" : "",
                               leaked.empty() ? "" : ", a leak was allowed", ". For research use only."));
}

}  // namespace

void add_detect(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = add_command(app, common, "detect", "Find lesions in films with a trained detector.",
                              "cawe detect --weights runs/retinanet --input films/ --out detections.csv");
  sub->add_option("--weights", o->weights, "run folder or checkpoint of a detector")->required();
  sub->add_option("--input", o->input, kInputHelp)->required();
  sub->add_option("--out", o->out,
                  "detections.csv or detections.json (COCO results); the films that were looked at are "
                  "listed beside it, in detections.films.csv or .films.json, for cawe evaluate")
      ->required();
  sub->add_option("--threshold", o->threshold, "least score (default: the recipe's)")
      ->check(CLI::Range(0.0, 1.0));
  sub->add_option("--patients", o->patients, kPatientsHelp);
  sub->add_option("--anon", o->anon, "patient ids in the output: keep or hash")
      ->check(CLI::IsMember({"keep", "hash"}))
      ->capture_default_str();
  sub->add_flag("--allow-rejects", o->allow_rejects, "exit 0 although some inputs are bad");
  add_decoding(*sub, &o->untrusted);
  sub->add_flag("--allow-damaged", o->allow_damaged, kAllowDamagedHelp);
  sub->add_flag("--allow-leak", o->allow_leak, "go on although a patient trained a model of the chain");
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
