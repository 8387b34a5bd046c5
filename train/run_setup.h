// SPDX-License-Identifier: Apache-2.0
// What every training of one network needs before and around its steps: the recipe's settings, the data, a
// run folder, and the loop over in-process ranks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "train/datasets.h"
#include "train/enhancing.h"
#include "train/model_recipe.h"
#include "train/trainer.h"

namespace cawe::train {

struct FoundBox;  // train/detector.h

/// What a study has before its shared models are trained, so that rows are checked with the chain that they will have.
struct StandIns {
  /// "classifier", "colorizer" -> a checkpoint with random weights and the manifest that the trained one will have.
  std::map<std::string, std::string> chain;
  std::map<std::string, std::string>
      places;  ///< where each will be: a recipe that names another place gets none
  /// Of the runs that `init` and `gan.phi_init` will find: their places, and the manifests that they will have.
  std::map<std::string, std::string> manifests;
};

/// Data sets that were read before, by what the recipe says of them: a study's rows share theirs.
using DataCache = std::map<std::string, SplitData>;

/// How a command or a study wants a recipe trained.
struct RunRequest {
  std::string out;        ///< the run folder
  std::string cache_dir;  ///< where enhanced pictures are kept for other runs; "": nowhere
  std::string command_line;
  bool resume = false, quiet = false;
  bool accept_changes = false;  ///< with resume: go on although recipe, data or weights are others now
  bool check_only = false;  ///< reads recipe, data and weights, throws as training would, and writes nothing
  const StandIns* stand_ins = nullptr;  ///< with check_only: in place of models that are not there yet
  std::string* stand_in = nullptr;      ///< with check_only: receives this model's own stand-in
  Hashes* hashes = nullptr;             ///< with check_only: receives those of hashes_of_run()
  std::shared_ptr<DataCache> data_cache;
  std::shared_ptr<const PersonFolds> person_folds;  ///< in place of the recipe's split
  int ranks = 1, threads = 1;
  std::vector<std::vector<FoundBox>>* found = nullptr;  ///< receives what a detector finds in its test films
};

/// A recipe after reading, with its data.
struct RunSetup {
  std::chrono::steady_clock::time_point start;
  uint64_t seed = 0;
  bool allow_leak = false;
  Schedule schedule;
  OptimizerOptions optimizer;
  TrainerOptions trainer;
  Chain chain;
  data::LoaderOptions loader;  ///< its enhance: the chain's
  SplitData data;
  std::vector<int64_t> train, validation, test;  ///< samples of the folds that the recipe names
};
/// Reads the settings, loads the models of the chain and the data. Throws usage for keys that do not fit
/// together, data for data that cannot be used.
RunSetup set_up(Recipe& recipe, const RunRequest& request);

/// load_data(), or what the request's cache has.
SplitData data_of(const Recipe& recipe, const RunRequest& request);
/// The same, with place_groups() for who writes the recipe down afterwards.
SplitData data_of(Recipe& recipe, const RunRequest& request);

/// What environment.json says of a run: the request and, where they are given, the hashes of its data.
Environment environment_of(const RunRequest& request);
Environment environment_of(const RunRequest& request, const SplitData& data);
/// How the request goes on with a run that is there. Changes are not accepted where persons who trained it until
/// now would stand among its `test` films: their results would count them as unseen.
Resume resume_of(const RunRequest& request, const data::Dataset& dataset, const std::vector<int64_t>& test,
                 bool allow_leak);
/// Throws leak as data::check_leaks() does; where the leak is allowed, the sentence that environment.json keeps among
/// its warnings. "" where there is none.
std::string leak_warning(const data::Dataset& dataset, const std::vector<int64_t>& test,
                         const std::vector<data::TrainedPatients>& trained, bool allow);
/// What of the run's own test films was trained on, or chose its checkpoint where validations do (data::check_twins()):
/// throws leak, or returns sentences for environment.json; also where pixels are not known (data.check_images).
Strings own_leaks(const Recipe& recipe, const data::Dataset& dataset, std::vector<int64_t> train,
                  const std::vector<int64_t>& validation, const std::vector<int64_t>& test);
/// As leak_warning(), of those who trained the run in DIR until now, or the models in its chain.
std::string check_trained_until_now(const std::string& dir, const data::Dataset& dataset,
                                    const std::vector<int64_t>& test, bool allow_leak);
/// "leak": "allowed" into a summary, where the environment.json of one of the runs keeps such a sentence.
void say_leak(const std::vector<std::string>& runs, Json* summary);
/// Prints the environment's warnings once, unless the request is quiet.
void print_warnings(const Environment& environment, const RunRequest& request);
/// What every checkpoint of the run carries: the resolved recipe, and hashes of the persons that train it as
/// `kind` ("detector").
Checkpoint first_checkpoint(const Recipe& recipe, const RunSetup& setup, const std::string& kind);
/// Makes the run folder with recipe.toml, environment.json (with the hashes of the chain that checkpoints carry)
/// and split.csv. `init_hash`: of the weights that training starts from, or "". Throws as RunFolder does.
std::unique_ptr<RunFolder> open_run(const RunRequest& request, const RunSetup& setup, const Checkpoint& first,
                                    const std::string& init_hash);

/// The manifest that a stand-in gives for the run at `place`; null where there is none, and the run itself counts.
const std::string* stand_in_for(const RunRequest& request, const std::string& place);
/// initialise(), which throws for weights that are missing or do not fit. Where a stand-in is in place of what `init` names,
/// random weights and its manifest.
InitResult first_weights(nn::Module& module, const Recipe& recipe, uint64_t seed, bool detector,
                         const RunRequest& request);

/// The hashes that environment.json keeps of a run: of data, split, initial weights (`init_hash`, "" where they are
/// random) and the chain that its checkpoints carry.
Hashes hashes_of_run(const SplitData& data, const Checkpoint& first, const std::string& init_hash);
/// With check_only, to whom asked for them: those of what stand-ins are in place of are empty.
void give_hashes(const RunRequest& request, const Recipe& recipe, Hashes hashes);

/// With check_only, resume and accepted changes: throws data where the run in request.out has a checkpoint whose weights
/// do not fit the network.
void check_continues(const RunRequest& request, nn::Module& network);

/// A network on one rank, ready to be trained.
struct RankTask {
  std::shared_ptr<nn::Module> network;  ///< kept as long as the task
  std::unique_ptr<Task> task;
  std::string init_manifest;  ///< hashes of the persons that trained its initial weights
};
/// Trains on request.ranks in-process ranks; `make` is called once on each. Writes the time to timings.csv.
TrainResult train_on_ranks(const RunRequest& request, const RunSetup& setup, const Checkpoint& first,
                           RunFolder* run, const std::function<RankTask(int rank)>& make);

}  // namespace cawe::train
