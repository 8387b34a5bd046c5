// SPDX-License-Identifier: Apache-2.0
// cawe evaluate: FROC, Sens@N, mean AP of any system's detections.
#include "eval/evaluate.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <optional>

#include "apps/commands.h"
#include "apps/named_files.h"
#include "apps/outputs.h"
#include "report/evaluation.h"
#include "tensor/error.h"

namespace cawe::apps {
namespace {

struct Options {
  eval::EvaluateFiles files;
  std::string rule = "iou", duplicates = "ignore", interp = "auto", out;
  std::optional<double> iou, threshold;
  int64_t draws = eval::kDraws;
};

/// The rule. Throws usage for an option that it leaves without an effect.
eval::FrocOptions froc_of(const Options& o) {
  eval::FrocOptions froc = eval::froc_preset(o.rule);
  CAWE_CHECK(!o.iou || eval::takes_threshold(froc.rule), Code::usage, "--iou: --rule ", o.rule,
             froc.rule == eval::FrocRule::centre ? " measures no overlap" : " has its own, 0.2",
             " (expected iou, iobb or deeplesion)");
  if (o.iou) froc.threshold = *o.iou;
  froc.duplicates = eval::parse_duplicates(o.duplicates);
  CAWE_CHECK(froc.duplicates == eval::Duplicates::ignore || froc.rule != eval::FrocRule::deeplesion,
             Code::usage, "--duplicates ", o.duplicates,
             ": --rule deeplesion ignores duplicates (expected iou, centre, iobb or overlap_or_centre)");
  eval::set_interpolation(&froc, o.interp);
  return froc;
}

void run(Common& common, const Options& o) {
  common.begin();
  check_out_folder(o.out, "--out");
  eval::EvaluateOptions options;
  options.froc = froc_of(o);
  options.draws = o.draws;
  options.seed = common.seed;
  CAWE_CHECK(!o.threshold || std::isfinite(*o.threshold), Code::usage, "--threshold ", *o.threshold,
             " (expected a finite number)");
  if (o.threshold) options.threshold = *o.threshold;
  check_file_or_folder(o.files.detections, "--detections", Code::data);
  check_file_or_folder(o.files.truth, "--truth", Code::data);
  check_file(o.files.patients, "--patients", Code::data);
  check_file(o.files.films, "--films", Code::data);
  if (!o.out.empty()) {
    const ReadFiles files({o.files.detections, o.files.truth, o.files.patients, eval::films_list(o.files)});
    for (const auto& [name, head] : report::evaluation_files()) {
      files.keep(o.out + "/" + name, "--out");
      check_own(o.out + "/" + name, head, "--out");
    }
  }
  const eval::Evaluation e = eval::evaluate_files(o.files, options);
  if (!o.out.empty()) report::write_evaluation(e, o.out, "detections");
  for (const std::string& doubt : e.doubts) warning(doubt);
  if (common.json)
    std::printf("%s\n", report::evaluation_json(e).c_str());
  else
    print_lines(report::evaluation_text(e));
}

}  // namespace

void add_evaluate(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = add_command(
      app, common, "evaluate", "FROC, Sens@N and mean AP of detections, with intervals.",
      "cawe evaluate --detections detections.csv --truth boxes_rsna.csv --patients metadata.csv\n"
      "A detection belongs to the film of the truth with the same id, image endings aside; an id without "
      "folders\nmay be one with folders where one film alone fits on either side. Everything else is "
      "refused.");
  sub->add_option("--detections", o->files.detections,
                  "detections.csv, COCO results or a folder of text files")
      ->required();
  sub->add_option("--truth", o->files.truth, "RSNA CSV, COCO JSON or a folder of text files")->required();
  sub->add_option("--patients", o->files.patients, "CSV with columns image and patient: intervals by person");
  sub->add_option(
      "--films", o->files.films,
      "list of the films that were looked at (CSV with a column image, or COCO JSON): only these are "
      "judged, each needs its truth. Default: the .films.csv or .films.json beside the detections, where it "
      "is; without, every film of the truth counts as looked at");
  sub->add_option("--iou", o->iou, "least overlap (default 0.5); centre and overlap_or_centre take none")
      ->check(CLI::Range(0.0, 1.0));
  sub->add_option(
         "--rule", o->rule,
         "iou, centre, iobb, deeplesion, or overlap_or_centre: IoU >= 0.2 or the centre in the lesion "
         "box, which every result has as its second rule")
      ->capture_default_str();
  sub->add_option(
      "--threshold", o->threshold,
      "a score that was fixed before, e.g. on validation films: sensitivity and false positives there");
  sub->add_option("--duplicates", o->duplicates, "ignore or fp (false positives); deeplesion ignores them")
      ->capture_default_str();
  sub->add_option("--interp", o->interp, "auto, step or linear: how the curve is read")
      ->capture_default_str();
  sub->add_option("--draws", o->draws, "bootstrap draws")
      ->check(CLI::Range(int64_t(1), int64_t(1000000)))
      ->capture_default_str();
  sub->add_option("--out", o->out, "folder for froc.csv, froc.svg, results.json");
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
