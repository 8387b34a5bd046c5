// SPDX-License-Identifier: Apache-2.0
// cawe study: every row of the table, figures, report.html.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "apps/commands.h"
#include "apps/named_files.h"
#include "study/study.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/parallel.h"

namespace cawe::apps {
namespace {

struct Options {
  std::string recipe, out, ablate, ablate_row;
  std::vector<std::string> set;
  bool resume = false, accept_changes = false, allow_leak = false;
};

void run(Common& common, const Options& o) {
  common.begin();
  train::RunRequest request;
  request.out = o.out.empty() ? "runs/" + std::filesystem::path(o.recipe).stem().string() : o.out;
  check_out_folder(request.out, "--out");
  train::Recipe recipe = train::Recipe::read(o.recipe, "study", o.set);
  CAWE_CHECK(recipe.task() == "study", Code::usage, recipe.where("task"), " is \"", recipe.task(),
             "\" (`cawe train` trains it; expected \"study\")");
  if (!o.ablate.empty()) recipe.put("ablate", o.ablate);
  if (!o.ablate_row.empty()) recipe.put("ablate_row", o.ablate_row);
  if (o.allow_leak) recipe.put("allow_leak", true);
  if (!common.quiet) warn(recipe);
  request.command_line = common.command_line;
  CAWE_CHECK(o.resume || !o.accept_changes, Code::usage,
             "--accept-changes without --resume (it says how to resume)");
  request.resume = o.resume;
  request.accept_changes = o.accept_changes;
  request.quiet = common.quiet;
  request.threads = num_threads();
  const std::string summary = study::run_study(recipe, request);
  if (common.json)
    std::printf("%s\n", summary.c_str());
  else
    std::printf("%s\n%s\n", read_file(request.out + "/results.csv").c_str(),
                (request.out + "/report.html").c_str());
}

}  // namespace

void add_study(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      add_command(app, common, "study", "Train and compare every row of the table; write the report.",
                  "cawe study recipes/demo/study.toml --out runs/demo");
  sub->add_option("recipe", o->recipe, "TOML file")->required();
  sub->add_option("--set", o->set, "key=value, over the study's recipe; may be repeated")
      ->allow_extra_args(false);
  sub->add_option("--out", o->out, "folder of the study (default runs/NAME)");
  sub->add_option("--ablate", o->ablate,
                  "key=a,b,c: a row more for each value of a key of the detector's recipe");
  sub->add_option("--ablate-row", o->ablate_row,
                  "DETECTOR/ENHANCEMENT that --ablate varies (default: .../cawe)");
  sub->add_flag("--resume", o->resume, "go on; rows that are done are kept");
  sub->add_flag(
      "--allow-leak", o->allow_leak,
      "go on although test persons trained a model of the chain (the key allow_leak); the report says so");
  sub->add_flag("--accept-changes", o->accept_changes,
                "with --resume: go on although recipes, data or weights are others now; the report says so");
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
