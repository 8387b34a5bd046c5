// SPDX-License-Identifier: Apache-2.0
// cawe train: a classifier, a colorizer or a detector from a recipe.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "apps/commands.h"
#include "apps/named_files.h"
#include "tensor/backend.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/profile.h"
#include "train/colorizer_task.h"
#include "train/detector_task.h"

namespace cawe::apps {
namespace {

struct Options {
  std::string recipe, out;
  std::vector<std::string> set;
  bool resume = false, accept_changes = false, allow_leak = false, profile = false;
  int ranks = 1;
};

void run(Common& common, const Options& o) {
  common.begin();
  train::RunRequest request;
  request.out = o.out.empty() ? "runs/" + std::filesystem::path(o.recipe).stem().string() : o.out;
  check_out_folder(request.out, "--out");
  train::Recipe recipe = train::Recipe::read(o.recipe, "classifier", o.set);
  CAWE_CHECK(recipe.task() != "study", Code::usage, recipe.where("task"),
             " is \"study\" (`cawe study` runs it)");
  if (o.allow_leak) recipe.put("allow_leak", true);
  if (!common.quiet) warn(recipe);
  if (common.seed_given) recipe.put("seed", int64_t(common.seed));
  CAWE_CHECK(o.ranks == 1 || compute_device() == Device::cpu, Code::usage, "--ranks ", o.ranks,
             " with --device ", name(compute_device()),
             ": ranks of one process share the CPU only (expected 1)");
  CAWE_CHECK(o.ranks >= 1 && (o.ranks & (o.ranks - 1)) == 0, Code::usage, "--ranks ", o.ranks,
             " (expected a power of two)");
  request.command_line = common.command_line;
  CAWE_CHECK(o.resume || !o.accept_changes, Code::usage,
             "--accept-changes without --resume (it says how to resume)");
  request.resume = o.resume;
  request.accept_changes = o.accept_changes;
  request.quiet = common.quiet;
  request.ranks = o.ranks;
  request.threads = num_threads();
  const std::string task = recipe.task();
  set_profiling(o.profile);
  const std::string summary = task == "classifier"  ? train::train_classifier(recipe, request)
                              : task == "colorizer" ? train::train_colorizer(recipe, request)
                                                    : train::train_detector(recipe, request);
  if (o.profile) std::fprintf(stderr, "%s\n", format_profile(take_profile()).c_str());
  std::printf("%s\n", common.json ? summary.c_str() : (request.out + ": done. " + summary).c_str());
}

}  // namespace

void add_train(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      add_command(app, common, "train", "Train a classifier, a colorizer or a detector as a recipe says.",
                  "cawe train recipes/demo/classifier.toml --set train.steps=100 --out runs/classifier");
  sub->add_option("recipe", o->recipe, "TOML file")->required();
  sub->add_option("--set", o->set, "key=value, over the recipe; may be repeated")->allow_extra_args(false);
  sub->add_option("--out", o->out, "run folder (default runs/NAME)");
  sub->add_flag("--resume", o->resume, "go on from the newest checkpoint");
  sub->add_flag(
      "--accept-changes", o->accept_changes,
      "with --resume: go on although recipe, data or weights are others now; environment.json keeps it");
  sub->add_flag("--allow-leak", o->allow_leak,
                "go on although a test person trained a model of the chain (the key allow_leak)");
  sub->add_option("--ranks", o->ranks, "in-process ranks, each with its share of the lanes")
      ->capture_default_str();
  sub->add_flag("--profile", o->profile, "time, FLOP/s, bytes/s and memory by operator");
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
