// SPDX-License-Identifier: Apache-2.0
// cawe detect: films in, boxes out, with the detector's whole chain out of one file.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/inputs.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "train/detector.h"

namespace cawe::apps {
namespace {

struct Options {
  std::string weights, out, anon = "keep", patients;
  std::vector<std::string> input;
  double threshold = -1;
  bool allow_rejects = false, allow_leak = false, allow_damaged = false;
};

void run(Common& common, const Options& o) {
  common.begin();
  const std::string extension = std::filesystem::path(o.out).extension().string();
  CAWE_CHECK(extension == ".csv" || extension == ".json", Code::usage, o.out, ": --out ends in \"", extension,
             "\" (expected .csv or .json)");
  const std::filesystem::path folder = std::filesystem::path(o.out).parent_path();
  for (const char* list : {"rejected.csv", "damaged.csv"})
    CAWE_CHECK(std::filesystem::path(o.out).filename() != list, Code::usage, o.out,
               ": this name is for the list of bad inputs. Choose another --out");
  CAWE_CHECK(folder.empty() || std::filesystem::is_directory(folder), Code::usage, o.out,
             ": there is no folder ", folder.string(), " (--out)");
  CAWE_CHECK(!std::isnan(o.threshold), Code::usage, "--threshold is no number (expected 0 to 1)");
  train::Detector detector(o.weights);
  if (o.threshold >= 0) detector.score_threshold() = o.threshold;
  data::Dataset dataset = read_inputs(o.input, common.quiet, o.allow_damaged);
  if (!o.patients.empty()) name_patients(&dataset, o.patients);
  std::vector<int64_t> all(dataset.samples.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = int64_t(i);
  const std::string leak = data::check_leaks(dataset, all, detector.trained(), o.allow_leak);
  if (!leak.empty()) std::fprintf(stderr, "cawe: warning: %s\n", leak.c_str());
  auto found = detector.detect(dataset, all, common.quiet);
  if (o.anon == "hash")
    for (auto& image : found)
      for (train::FoundBox& box : image) box.patient = data::anonymous_id(box.patient);
  write_file(o.out, extension == ".csv" ? train::detections_csv(found)
                                        : train::detections_json(found, detector.classes()));
  const size_t damaged = report_damaged(dataset, folder.string());
  common.status = report_rejected(dataset, folder.string(), o.allow_rejects);
  size_t boxes = 0;
  for (const auto& image : found) boxes += image.size();
  if (common.json)
    print_json({{"out", o.out},
                {"images", found.size()},
                {"boxes", boxes},
                {"rejected", dataset.rejected.size()},
                {"damaged", damaged}});
  else
    std::printf("%s: %zu boxes on %zu films, %zu rejected%s. For research use only.\n", o.out.c_str(), boxes,
                found.size(), dataset.rejected.size(),
                damaged > 0 ? (", " + std::to_string(damaged) + " damaged").c_str() : "");
}

}  // namespace

void add_detect(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = add_command(app, common, "detect", "Find lesions in films with a trained detector.",
                              "cawe detect --weights runs/retinanet --input films/ --out detections.csv");
  sub->add_option("--weights", o->weights, "run folder or checkpoint of a detector")->required();
  sub->add_option("--input", o->input, "files or folders (DICOM, PNG, JPEG)")->required();
  sub->add_option("--out", o->out, "detections.csv or detections.json (COCO results)")->required();
  sub->add_option("--threshold", o->threshold, "least score (default: the recipe's)")
      ->check(CLI::Range(0.0, 1.0));
  sub->add_option("--patients", o->patients, kPatientsHelp);
  sub->add_option("--anon", o->anon, "patient ids in the output: keep or hash")
      ->check(CLI::IsMember({"keep", "hash"}))
      ->capture_default_str();
  sub->add_flag("--allow-rejects", o->allow_rejects, "exit 0 although some inputs are bad");
  sub->add_flag("--allow-damaged", o->allow_damaged, kAllowDamagedHelp);
  sub->add_flag("--allow-leak", o->allow_leak, "go on although a patient trained a model of the chain");
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
