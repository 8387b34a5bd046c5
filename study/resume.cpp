// SPDX-License-Identifier: Apache-2.0
#include "study/resume.h"

#include <filesystem>
#include <set>

#include "data/hash.h"
#include "eval/films.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/folder_claim.h"
#include "tensor/text.h"
#include "train/checkpoint.h"
#include "train/run_changes.h"
#include "train/run_setup.h"

namespace cawe::study {
namespace fs = std::filesystem;
namespace {

/// The folders of the study's runs.
train::Strings runs_in(const std::string& out) {
  train::Strings runs;
  for (const std::string& folder : {out, out + "/rows"})
    for (const std::string& name : names_in(folder))
      if (const std::string run = folder + "/" + name; train::is_run(run)) runs.push_back(run);
  return runs;
}

const std::string kOldDone =
    "finished\n";  // of studies from before there were hashes, and of runs that test nothing

const std::string kWeights = "weights ";

/// What differs between the weights of a shared model and those that it was finished with, as a sentence.
train::Strings weights_differences(const std::string& run) {
  const std::string done = read_file(run + "/done");
  const size_t at = done.find(kWeights);
  if (at == done.npos) return {};
  const std::string before = done.substr(at + kWeights.size(), 64), now = train::weights_hash(run);
  if (before == now) return {};
  return {"weights: " + before.substr(0, 12) + " before, " + now.substr(0, 12) + " now"};
}

/// "finished", and a line for each of the files.
std::string done_text(const std::string& run) {
  std::string text = kOldDone;
  const std::string detections = run + "/detections.csv";
  for (const std::string& file : {detections, eval::films_beside(detections)})
    if (fs::is_regular_file(file))
      text += data::sha256(read_file(file)) + "  " + fs::path(file).filename().string() + "\n";
  return text;
}

/// The films on which a run's detections were made.
std::set<std::string> looked_at(const std::string& run) {
  const std::string list = eval::films_beside(run + "/detections.csv");
  CAWE_CHECK(
      fs::exists(list), Code::usage, run, ": is done, but does not say on which films it was tested (",
      fs::path(list).filename().string(),
      " is not there), so that it cannot be compared after changes of the data. Choose another --out.");
  std::set<std::string> films;
  for (const eval::LookedAt& film : eval::read_films(list)) films.insert(film.image);
  return films;
}

}  // namespace

bool is_done(const std::string& run) {
  if (!fs::is_regular_file(run + "/done")) return false;
  std::string kept = read_file(run + "/done");
  kept.resize(std::min(kept.size(), kept.find(kWeights)));
  if (kept != kOldDone && kept != done_text(run)) {
    warn_once(run + ": its detections are not those that it was finished with: it is tested again");
    return false;
  }
  return true;
}

void set_done(const std::string& run, bool weights) {
  write_file(run + "/done", done_text(run) + (weights ? kWeights + train::weights_hash(run) + "\n" : ""));
}

bool anything_trained(const std::string& out) {
  for (const std::string& run : runs_in(out))
    if (!train::checkpoint_steps(run).empty()) return true;
  return false;
}

void remove_leftovers(const std::string& out) {
  remove_unfinished(out + "/figures");
  for (const std::string& run : runs_in(out)) {
    remove_unfinished(run);
    remove_unfinished(run + "/checkpoints");
  }
}

train::Strings differences_of_done(const std::vector<DoneRun>& done) {
  train::Strings all;
  for (const DoneRun& run : done) {
    train::Strings mine = train::differences_from(run.folder, run.recipe.resolved(), true);
    for (const std::string& difference : train::hash_differences(run.folder, run.hashes))
      mine.push_back(difference);
    if (!run.is_row)
      for (const std::string& difference : weights_differences(run.folder)) mine.push_back(difference);
    for (const std::string& difference : mine)
      all.push_back(fs::path(run.folder).filename().string() +
                    ", which is done and stays as it is: " + difference);
  }
  return all;
}

train::Strings check_comparable(const std::vector<DoneRun>& done, const data::Dataset& dataset,
                                bool allow_leak) {
  train::Strings leaks;
  for (const DoneRun& run : done) {
    if (!run.is_row) continue;
    std::set<std::string> now;
    for (const int64_t i : run.tested) now.insert(dataset.samples[size_t(i)].image_id);
    const std::set<std::string> before = looked_at(run.folder);
    train::Strings missing;
    for (const std::string& film : now)
      if (before.count(film) == 0) missing.push_back(film);
    CAWE_CHECK(
        before == now, Code::usage, run.folder, ": is done and was tested on ", before.size(),
        " films, which are not the ", now.size(), " that are tested now",
        missing.empty() ? "" : " (not among them: " + listed(missing) + ")",
        ", so that its figures cannot stand beside those of other rows. Give the study the split that it "
        "began with, or choose another --out.");
    const std::string leak = train::check_trained_until_now(run.folder, dataset, run.tested, allow_leak);
    if (!leak.empty()) leaks.push_back(leak);
  }
  return leaks;
}

}  // namespace cawe::study
