// SPDX-License-Identifier: Apache-2.0
#include "train/colorizer_task.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/decode.h"
#include "tensor/communicator.h"
#include "tensor/io/files.h"
#include "tensor/io/folder_claim.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/colorizer_eval.h"
#include "train/datasets.h"
#include "train/gan_course.h"

namespace cawe::train {
namespace {

/// A colorizer's recipe after reading.
struct Plan {
  uint64_t seed = 0;
  SplitData data;
  std::vector<int64_t> train, val, test;
  std::vector<GanPhase> phases;
  GanSettings settings;
  TrainerOptions trainer;
  data::LoaderOptions loader;
  models::ColorSettings color;
  int64_t val_images = 0;
  std::string select;
  bool allow_leak = false;
};

Plan plan_from(Recipe& recipe, const RunRequest& request) {
  Plan p;
  p.seed = uint64_t(recipe.whole("seed"));
  p.allow_leak = recipe.flag("allow_leak");
  content_from(recipe);
  CAWE_CHECK(recipe.whole("train.micro_batch") == 0, Code::usage, recipe.where("train.micro_batch"),
             ": a colorizer's phases have batches of their own (expected a smaller phase.NAME.batch)");
  p.settings = gan_from(recipe);
  p.data = data_of(recipe, request);
  p.train = fold_indices(p.data.split, recipe.words("data.train_folds"));
  p.val = fold_indices(p.data.split, recipe.words("data.val_folds"));
  p.test = fold_indices(p.data.split, recipe.words("data.test_folds"));
  CAWE_CHECK(!p.train.empty(), Code::data, recipe.where("data.train_folds"), ": no image in these folds");
  p.phases = phases_from(recipe, int64_t(p.train.size()));
  p.trainer = trainer_from(recipe);
  p.trainer.resume = request.resume;
  p.trainer.quiet = request.quiet;
  p.trainer.label = "colorizer";
  p.loader = loader_from(recipe, p.phases.back().batch, p.seed);
  p.loader.decode = data::decode_color;
  p.color = color_from(static_cast<const Recipe&>(recipe));
  p.val_images = recipe.whole("train.val_images");
  p.select = recipe.word("train.select");
  return p;
}

ColorEvaluator evaluator_of(const Plan& plan) { return {&plan.data.dataset, plan.loader, plan.color}; }

/// Validation on the first validation images; where it chooses the checkpoint, "score" is minus the chroma
/// error.
std::function<LogLine()> validator(const Plan& plan, models::Generator& generator,
                                   models::ContentLoss& content) {
  if (plan.val.empty()) return {};
  std::vector<int64_t> some = plan.val;
  some.resize(std::min(some.size(), size_t(plan.val_images)));
  return [&plan, &generator, &content, some]() -> LogLine {
    double sum = 0;
    for (const ColorScore& s : evaluator_of(plan).evaluate(generator, content, some, {}, true).scores)
      sum += s.chroma;
    const double error = sum / double(some.size());
    if (plan.select == "last") return {{"val.chroma_error", error}};
    return {{"val.chroma_error", error}, {"score", -error}};
  };
}

struct Trained {
  TrainResult result;
  std::shared_ptr<models::Generator> generator;
  std::shared_ptr<models::ContentLoss> content;
};

Trained run_phases(const Recipe& recipe, const RunRequest& request, const Plan& plan, RunFolder* run,
                   const Checkpoint& first) {
  Trained out;
  run_in_process_ranks(request.ranks, std::max(1, request.threads / request.ranks), [&](int rank) {
    const auto generator = std::make_shared<models::Generator>(generator_from(recipe));
    models::Critic critic(critic_from(recipe));
    const auto content = std::make_shared<models::ContentLoss>(content_from(recipe));
    const ColorizerInit init = initialise_colorizer(*generator, critic, *content, recipe, plan.seed);
    GanJob job;
    job.generator = generator.get();
    job.critic = &critic;
    job.content = content.get();
    job.dataset = &plan.data.dataset;
    job.train = plan.train;
    job.loader = plan.loader;
    job.loader.rank = rank;
    job.loader.ranks = request.ranks;
    job.phases = plan.phases;
    job.settings = plan.settings;
    job.precision = plan.trainer.precision;
    job.graph = plan.trainer.graph;
    job.seed = plan.seed;
    job.validate = validator(plan, *generator, *content);
    GanCourse course(job);
    Checkpoint carried = first;
    carried.manifest += init.manifest;
    const TrainResult result = train(course, run, carried, plan.trainer);
    if (rank == 0) out = {result, generator, content};
  });
  return out;
}

/// The weights that a run begins with; those that stand-ins are in place of stay random.
ColorizerInit first_weights(models::Generator& generator, const Recipe& recipe, uint64_t seed,
                            const RunRequest& request) {
  Recipe mine = recipe;
  const std::string *init = stand_in_for(request, recipe.word("init")),
                    *phi = stand_in_for(request, recipe.word("gan.phi_init"));
  if (init != nullptr) mine.put("init", std::string("random"));
  if (phi != nullptr) mine.put("gan.phi", std::string("none"));
  models::Critic critic(critic_from(mine));
  models::ContentLoss content(content_from(mine));
  ColorizerInit begun = initialise_colorizer(generator, critic, content, mine, seed);
  for (const std::string* manifest : {init, phi})
    if (manifest != nullptr) begun.manifest += *manifest;
  return begun;
}

/// What a run has before its first step.
struct Beginning {
  Plan plan;
  std::shared_ptr<models::Generator> generator;
  Checkpoint first;
  std::string init_manifest;
  Environment environment;
};

/// Throws for bad weights and for leaks. Writes nothing.
Beginning begin(Recipe& recipe, const RunRequest& request) {
  Beginning b;
  b.plan = plan_from(recipe, request);
  b.first.recipe = recipe.resolved();
  b.first.manifest =
      data::manifest_text(data::trained_patients("colorizer", b.plan.data.dataset, b.plan.train));
  b.environment = environment_of(request, b.plan.data);
  b.generator = std::make_shared<models::Generator>(generator_from(recipe));
  const ColorizerInit init = first_weights(*b.generator, recipe, b.plan.seed, request);
  b.init_manifest = init.manifest;
  if (!init.init_hash.empty()) b.environment.hashes.emplace_back("init", init.init_hash);
  if (!init.phi_hash.empty()) b.environment.hashes.emplace_back("phi", init.phi_hash);
  const std::string leak = leak_warning(
      b.plan.data.dataset, b.plan.test,
      {data::parse_manifest("init (" + recipe.word("init") + ") or phi (" + recipe.word("gan.phi_init") + ")",
                            init.manifest)},
      b.plan.allow_leak);
  if (!leak.empty()) b.environment.warnings.push_back(leak);
  for (const std::string& own : own_leaks(recipe, b.plan.data.dataset, b.plan.train, b.plan.val, b.plan.test))
    b.environment.warnings.push_back(own);
  return b;
}

/// Trains one run and returns its evaluation, which has no scores where nothing is held out.
ColorEvaluation one_run(Recipe& recipe, const RunRequest& request, MeanChroma* mean, TrainResult* result) {
  const auto start = std::chrono::steady_clock::now();
  Beginning beginning = begin(recipe, request);
  beginning.generator.reset();  // every rank has its own
  const Plan& plan = beginning.plan;
  const Checkpoint& first = beginning.first;
  const Environment& environment = beginning.environment;
  print_warnings(environment, request);
  RunFolder run(request.out, first.recipe, environment,
                resume_of(request, plan.data.dataset, plan.test, plan.allow_leak));
  run.describe("split.csv", data::split_text(plan.data.dataset, plan.data.split));
  const Trained trained = run_phases(recipe, request, plan, &run, first);
  *result = trained.result;
  run.timing("train", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  ColorEvaluation evaluation;
  if (plan.test.empty()) return evaluation;
  use_best(*trained.generator, run, result->has_score);
  trained.generator->train(false);
  const ColorEvaluator evaluator = evaluator_of(plan);
  *mean = evaluator.mean_chroma(plan.train);
  evaluation = evaluator.evaluate(*trained.generator, *trained.content, plan.test, *mean, request.quiet);
  const std::string phi = recipe.word("gan.phi_init");
  write_file(run.path("scores.csv"), scores_csv(evaluation.scores));
  write_file(run.path("results.json"), color_results_json(evaluation, *mean, phi));
  evaluator.write_pictures(*trained.generator, plan.test, run.path("pictures.png"));
  return evaluation;
}

/// `runs`: the folders of all trainings behind it.
std::string summary_of(const std::string& out, const Strings& runs, const TrainResult& result,
                       const ColorEvaluation& e) {
  Json json{{"run", out},
            {"task", "colorizer"},
            {"steps", result.steps},
            {"loss", json_rounded(result.last_loss, 6)}};
  double ours = 0, gray = 0, mean = 0;
  for (const ColorScore& s : e.scores) {
    ours += s.chroma / double(e.scores.size());
    gray += s.chroma_of_gray / double(e.scores.size());
    mean += s.chroma_of_mean / double(e.scores.size());
  }
  if (!e.scores.empty())
    json.update({{"chroma_error", json_rounded(ours, 6)},
                 {"of_gray", json_rounded(gray, 6)},
                 {"of_mean_colour", json_rounded(mean, 6)}});
  say_leak(runs, &json);
  return json_text(json);
}

/// The recipe of the run that holds out fold `held`.
Recipe fold_recipe(const Recipe& recipe, int64_t folds, int64_t held) {
  Recipe mine = recipe;
  Strings train;
  for (int64_t k = 0; k < folds; ++k)
    if (k != held) train.push_back(std::to_string(k));
  mine.put("data.train_folds", train);
  mine.put("data.val_folds", Strings{});
  mine.put("data.test_folds", Strings{std::to_string(held)});
  return mine;
}

/// Whether DIR is what cross_validate() left before it marked its folder: runs of folds, and results over them.
bool is_older_cross_validation(const std::string& dir) {
  bool any = false;
  for (const std::string& name : names_in(dir)) {
    const bool fold = begins_with(name, "fold-") && is_run(dir + "/" + name);
    if (!fold && name != "scores.csv" && name != "results.json") return false;
    any |= fold;
  }
  return any;
}

/// Holds every fold out once; the results are over all images. FID-lite is left out: it would compare the
/// images of several generators, with features that may differ between folds.
std::string cross_validate(const Recipe& recipe, const RunRequest& request, int64_t folds) {
  const std::string& out = request.out;
  const FolderClaim claim(out, "cross-validation", [&out] { return is_older_cross_validation(out); });
  ColorEvaluation all;
  all.fid_lite = all.fid_lite_of_gray = std::nan("");
  MeanChroma mean;
  TrainResult result;
  Strings runs;
  for (int64_t held = 0; held < folds; ++held) {
    Recipe mine = fold_recipe(recipe, folds, held);
    RunRequest fold = request;
    fold.out = out + "/fold-" + std::to_string(held);
    runs.push_back(fold.out);
    const ColorEvaluation e = one_run(mine, fold, &mean, &result);
    all.scores.insert(all.scores.end(), e.scores.begin(), e.scores.end());
  }
  write_file(out + "/scores.csv", scores_csv(all.scores));
  write_file(out + "/results.json", color_results_json(all, mean, ""));
  return summary_of(out, runs, result, all);
}

}  // namespace

std::string train_colorizer(Recipe& recipe, const RunRequest& request) {
  if (recipe.flag("data.cross_validate")) {
    CAWE_CHECK(recipe.word("data.split") == "k_folds", Code::usage, recipe.where("data.cross_validate"),
               " needs data.split = \"k_folds\"");
    const int64_t folds = recipe.whole("data.folds");
    if (!request.check_only) return cross_validate(recipe, request, folds);
    for (int64_t held = 0; held < folds; ++held) {
      Recipe mine = fold_recipe(recipe, folds, held);
      begin(mine, request);
    }
    return "";
  }
  if (request.check_only) {
    Beginning beginning = begin(recipe, request);
    check_continues(request, *beginning.generator);
    give_hashes(request, recipe, beginning.environment.hashes);
    if (request.stand_in == nullptr) return "";
    beginning.first.manifest += beginning.init_manifest;
    save_network(*beginning.generator, "model", &beginning.first);
    *request.stand_in = checkpoint_bytes(beginning.first);
    return "";
  }
  MeanChroma mean;
  TrainResult result;
  const ColorEvaluation e = one_run(recipe, request, &mean, &result);
  return summary_of(request.out, {request.out}, result, e);
}

}  // namespace cawe::train
