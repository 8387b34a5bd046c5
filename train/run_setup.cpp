// SPDX-License-Identifier: Apache-2.0
#include "train/run_setup.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/hash.h"
#include "data/leak.h"
#include "tensor/communicator.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/detector_recipe.h"
#include "train/learner.h"
#include "train/run_changes.h"

namespace cawe::train {

namespace {

SplitData cached_data(const Recipe& recipe, const RunRequest& request) {
  if (request.data_cache == nullptr) return load_data(recipe, request.quiet, request.person_folds.get());
  // What load_data() reads; it asks of the task whether boxes or labels are learnt.
  std::string key = is_detector(recipe.task()) ? "detector\n" : recipe.task() + "\n";
  for (const auto& [name, value] : recipe.resolved_values())
    if (begins_with(name, "data.") || name == "allow_leak") key += name + " = " + value + "\n";
  if (request.person_folds != nullptr)
    for (const auto& [person, fold] : *request.person_folds) key += person + '\0' + fold + '\0';
  key = data::sha256(key);
  const auto found = request.data_cache->find(key);
  if (found != request.data_cache->end()) return found->second;
  return request.data_cache->emplace(key, load_data(recipe, request.quiet, request.person_folds.get()))
      .first->second;
}

}  // namespace

SplitData data_of(const Recipe& recipe, const RunRequest& request) {
  Recipe placed = recipe;
  return data_of(placed, request);
}

SplitData data_of(Recipe& recipe, const RunRequest& request) {
  place_groups(&recipe);  // first: by the path the cache tells two tables of one name apart
  SplitData data = cached_data(recipe, request);
  // Rows that share their data may validate differently.
  for (std::string& warning : empty_folds(recipe, data.split)) data.warnings.push_back(std::move(warning));
  return data;
}

namespace {

/// The stand-ins for those models that the recipe's chain takes from their places.
std::map<std::string, std::string> chain_of(const Recipe& recipe, const StandIns& stand_ins) {
  std::map<std::string, std::string> chain;
  for (const auto& [role, bytes] : stand_ins.chain)
    if (recipe.word("enhance." + role) == stand_ins.places.at(role)) chain[role] = bytes;
  return chain;
}

}  // namespace

RunSetup set_up(Recipe& recipe, const RunRequest& request) {
  RunSetup s;
  s.start = std::chrono::steady_clock::now();
  s.seed = uint64_t(recipe.whole("seed"));
  s.allow_leak = recipe.flag("allow_leak");
  check_batch_norm(recipe);
  s.schedule = schedule_from(recipe);
  s.optimizer = optimizer_from(recipe);
  s.trainer = trainer_from(recipe);
  s.trainer.resume = request.resume;
  s.trainer.quiet = request.quiet;
  s.trainer.label = recipe.task();
  s.chain = request.stand_ins != nullptr ? chain_from(recipe, chain_of(recipe, *request.stand_ins))
                                         : chain_from(recipe);
  s.loader = loader_from(recipe, s.trainer.batch, s.seed);
  s.loader.enhance = enhance_callback(s.chain);
  s.data = data_of(recipe, request);
  recipe.fill("data.split_unit", std::string(s.data.persons_known ? "patient" : "image"));
  s.train = fold_indices(s.data.split, recipe.words("data.train_folds"));
  s.validation = fold_indices(s.data.split, recipe.words("data.val_folds"));
  s.test = fold_indices(s.data.split, recipe.words("data.test_folds"));
  return s;
}

Environment environment_of(const RunRequest& request) {
  Environment e;
  e.command_line = request.command_line;
  e.threads = request.threads;
  e.ranks = request.ranks;
  return e;
}

namespace {

Hashes hashes_of(const SplitData& data) {
  Hashes hashes{{"data", data.hashes.all}, {"split", data.split_hash}};
  hashes.insert(hashes.end(), data.hashes.parts.begin(), data.hashes.parts.end());
  return hashes;
}

}  // namespace

Environment environment_of(const RunRequest& request, const SplitData& data) {
  Environment e = environment_of(request);
  e.hashes = hashes_of(data);
  e.warnings = data.dataset.warnings;
  e.warnings.insert(e.warnings.end(), data.warnings.begin(), data.warnings.end());
  return e;
}

void print_warnings(const Environment& environment, const RunRequest& request) {
  if (!request.quiet)
    for (const std::string& warning : environment.warnings) warn_once(warning);
}

std::string leak_warning(const data::Dataset& dataset, const std::vector<int64_t>& test,
                         const std::vector<data::TrainedPatients>& trained, bool allow) {
  const std::string leak = data::check_leaks(dataset, test, trained, allow);
  return leak.empty() ? "" : kLeakAllowed + leak;
}

Strings own_leaks(const Recipe& recipe, const data::Dataset& dataset, std::vector<int64_t> train,
                  const std::vector<int64_t>& validation, const std::vector<int64_t>& test) {
  if (test.empty()) return {};
  if (!recipe.flag("data.check_images"))
    return {
        "whether test films have the pixels of films that train was not looked at: data.check_images is "
        "false"};
  if (recipe.whole("train.eval_every") > 0) train.insert(train.end(), validation.begin(), validation.end());
  const std::string leak = data::check_twins(dataset, train, test, recipe.flag("allow_leak"));
  return leak.empty() ? Strings() : Strings{kLeakAllowed + leak};
}

void say_leak(const std::vector<std::string>& runs, Json* summary) {
  for (const std::string& run : runs)
    for (const std::string& warning : kept_sentences(run, "warnings"))
      if (begins_with(warning, kLeakAllowed)) (*summary)["leak"] = "allowed";
}

std::string check_trained_until_now(const std::string& dir, const data::Dataset& dataset,
                                    const std::vector<int64_t>& test, bool allow_leak) {
  const Checkpoint before = newest_checkpoint(dir);
  return leak_warning(dataset, test,
                      {data::parse_manifest("run " + dir + " until now", before.manifest_with_chain(dir))},
                      allow_leak);
}

Resume resume_of(const RunRequest& request, const data::Dataset& dataset, const std::vector<int64_t>& test,
                 bool allow_leak) {
  Resume resume;
  resume.on = request.resume;
  resume.accept_changes = request.accept_changes;
  resume.quiet = request.quiet;
  resume.check = [&request, &dataset, &test, allow_leak] {
    const std::string leak = check_trained_until_now(request.out, dataset, test, allow_leak);
    return leak.empty() ? Strings() : Strings{leak};
  };
  return resume;
}

Checkpoint first_checkpoint(const Recipe& recipe, const RunSetup& setup, const std::string& kind) {
  Checkpoint first;
  first.recipe = recipe.resolved();
  first.manifest = data::manifest_text(data::trained_patients(kind, setup.data.dataset, setup.train));
  return first;
}

Hashes hashes_of_run(const SplitData& data, const Checkpoint& first, const std::string& init_hash) {
  Hashes hashes = hashes_of(data);
  if (!init_hash.empty()) hashes.emplace_back("init", init_hash);
  for (const auto& [name, bytes] : first.chain) hashes.emplace_back(name, data::sha256(bytes));
  return hashes;
}

void give_hashes(const RunRequest& request, const Recipe& recipe, Hashes hashes) {
  if (request.hashes == nullptr) return;
  if (request.stand_ins != nullptr)
    for (auto& [name, hash] : hashes)
      if (request.stand_ins->chain.count(name) > 0) hash.clear();
  for (const auto& [name, key] : {std::pair("init", "init"), {"phi", "gan.phi_init"}})
    if (recipe.value(key) && stand_in_for(request, recipe.word(key)) != nullptr)
      hashes.emplace_back(name, "");
  *request.hashes = std::move(hashes);
}

std::unique_ptr<RunFolder> open_run(const RunRequest& request, const RunSetup& setup, const Checkpoint& first,
                                    const std::string& init_hash) {
  Environment environment = environment_of(request, setup.data);
  environment.hashes = hashes_of_run(setup.data, first, init_hash);
  print_warnings(environment, request);
  auto run =
      std::make_unique<RunFolder>(request.out, first.recipe, environment,
                                  resume_of(request, setup.data.dataset, setup.test, setup.allow_leak));
  run->describe("split.csv", data::split_text(setup.data.dataset, setup.data.split));
  return run;
}

const std::string* stand_in_for(const RunRequest& request, const std::string& place) {
  if (request.stand_ins == nullptr) return nullptr;
  const auto found = request.stand_ins->manifests.find(place);
  return found == request.stand_ins->manifests.end() ? nullptr : &found->second;
}

InitResult first_weights(nn::Module& module, const Recipe& recipe, uint64_t seed, bool detector,
                         const RunRequest& request) {
  const std::string* manifest = stand_in_for(request, recipe.word("init"));
  if (manifest == nullptr) return initialise(module, recipe, seed, detector);
  module.initialise(seed);
  InitResult result;
  result.manifest = *manifest;
  return result;
}

void check_continues(const RunRequest& request, nn::Module& network) {
  if (!request.resume || !request.accept_changes) return;
  const Checkpoint newest = newest_checkpoint(request.out);
  if (newest.step > 0) restore_network(network, "model", newest, checkpoint_path(request.out, newest.step));
}

TrainResult train_on_ranks(const RunRequest& request, const RunSetup& setup, const Checkpoint& first,
                           RunFolder* run, const std::function<RankTask(int rank)>& make) {
  TrainResult result;
  run_in_process_ranks(request.ranks, std::max(1, request.threads / request.ranks), [&](int rank) {
    const RankTask mine = make(rank);
    data::LoaderOptions part = setup.loader;
    part.rank = rank;
    part.ranks = request.ranks;
    data::Loader loader(setup.data.dataset, setup.train, part);
    Checkpoint carried = first;
    carried.manifest += mine.init_manifest;
    const TrainResult r = train(*mine.task, loader, setup.data.dataset, run, carried, setup.schedule,
                                setup.optimizer, setup.trainer);
    if (rank == 0) result = r;
  });
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - setup.start;
  run->timing("train", taken.count());
  return result;
}

}  // namespace cawe::train
