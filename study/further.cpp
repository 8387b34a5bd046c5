// SPDX-License-Identifier: Apache-2.0
// What eval/further.h and eval/subgroups.h say of a study's rows: more figures, lesions by size and finding, calibration.
#include "report/further_table.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "eval/subgroups.h"
#include "report/figures/reliability.h"
#include "report/subgroup_table.h"
#include "study/study.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/io/strict_json.h"
#include "train/detector_recipe.h"

namespace cawe::study {
namespace {

/// Rows whose lesions are shown by groups.
bool by_groups(const RowPlan& plan) {
  return plan.kind == RowKind::paper && (plan.method == "none" || train::needs_classifier(plan.method));
}

/// The test set's boxes with the classes that the data give them; the detectors know one class alone.
std::vector<eval::TruthImage> with_classes(const StudyResult& study) {
  std::vector<eval::TruthImage> truth = study.truth;
  for (size_t i = 0; i < truth.size(); ++i) {
    const std::vector<int>& classes = study.data.dataset.samples[size_t(study.test[i])].box_classes;
    for (size_t k = 0; k < truth[i].boxes.size(); ++k)
      truth[i].boxes[k].label = k < classes.size() ? classes[k] : -1;
  }
  return truth;
}

/// The label of each film that has one alone; "" of others.
std::vector<std::string> film_labels(const StudyResult& study) {
  const data::Dataset& dataset = study.data.dataset;
  std::vector<std::string> labels;
  for (const int64_t i : study.test) {
    const std::vector<float>& of_film = dataset.samples[size_t(i)].labels;
    std::vector<std::string> positive;
    for (size_t k = 0; k < of_film.size() && k < dataset.label_names.size(); ++k)
      if (of_film[k] == 1) positive.push_back(dataset.label_names[k]);
    labels.push_back(positive.empty() ? "" : positive.size() == 1 ? positive[0] : "several labels");
  }
  return labels;
}

/// Groups by size, and by finding: the lesions' own, else their films', where the data tell them apart.
std::vector<eval::LesionGrouping> groupings(const StudyResult& study) {
  std::vector<eval::LesionGrouping> all{eval::size_thirds(study.truth)};
  all.push_back(eval::by_lesion_label(with_classes(study), study.data.dataset.class_names));
  if (all[1].names.empty()) all[1] = eval::by_film_label(study.truth, film_labels(study));
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const eval::LesionGrouping& g) { return g.names.size() < 2; }),
            all.end());
  return all;
}

std::string group_line(const RowPlan& plan, const eval::SubgroupRow& row) {
  std::vector<std::string> cells{
      plan.detector,      plan.enhancement, row.attribute, row.group, std::to_string(row.lesions),
      row.few ? "1" : "0"};
  const auto add = [&](const eval::Interval& i) {
    for (const double v : {i.value, i.low, i.high}) cells.push_back(csv_number(v));
  };
  for (const eval::Interval& i : row.sens) add(i);
  add(row.mean);
  return csv_line(cells);
}

void lesions_by_group(StudyResult& study) {
  const std::vector<eval::LesionGrouping> all = groupings(study);
  std::string csv =
      csv_line({"detector",  "enhancement", "attribute", "group",     "lesions",   "few",    "sens@1",
                "ci_low@1",  "ci_high@1",   "sens@2",    "ci_low@2",  "ci_high@2", "sens@3", "ci_low@3",
                "ci_high@3", "sens@4",      "ci_low@4",  "ci_high@4", "mean_sens", "ci_low", "ci_high"});
  struct OfDetector {
    std::vector<std::string> subjects;
    std::vector<std::vector<eval::SubgroupRow>> rows;
  };
  std::vector<std::pair<std::string, OfDetector>> detectors;
  for (const StudyRow& row : study.rows) {
    if (!by_groups(row.plan)) continue;
    if (detectors.empty() || detectors.back().first != row.plan.detector)
      detectors.emplace_back(row.plan.detector, OfDetector{});
    std::vector<const std::vector<eval::Detection>*> seeds;
    for (const auto& detections : row.detections) seeds.push_back(&detections);
    OfDetector& mine = detectors.back().second;
    mine.subjects.push_back(row_name(row.plan));
    mine.rows.emplace_back();
    for (const eval::LesionGrouping& grouping : all)
      for (const eval::SubgroupRow& group :
           eval::lesion_groups(grouping, study.truth, seeds, study.settings.options)) {
        mine.rows.back().push_back(group);
        csv += group_line(row.plan, group);
      }
  }
  write_file(study.out + "/lesions_by.csv", csv);
  if (all.empty()) return;
  for (const auto& [detector, mine] : detectors)
    study.tables.push_back(report::lesion_group_table(train::detector_title(detector), mine.subjects,
                                                      mine.rows, study.data.unit));
}

/// The reliability that report::calibration_json() wrote; nothing where the text is another.
eval::Reliability read_reliability(const Json& json) {
  eval::Reliability r;
  const auto interval = [](const Json& i) {
    const auto number = [&](const char* key) {
      return i.at(key).is_null() ? std::nan("") : i.at(key).get<double>();
    };
    return eval::Interval{number("value"), number("ci_low"), number("ci_high"), 0, 0};
  };
  r.ece = interval(json.at("ece"));
  r.mce = interval(json.at("mce"));
  for (const Json& bin : json.at("bins")) {
    eval::CalibrationBin b;
    b.low = bin.at("low").get<double>();
    b.high = bin.at("high").get<double>();
    b.items = bin.at("items").get<int64_t>();
    b.mean_score = bin.at("mean_score").get<double>();
    b.share = interval(bin.at("share"));
    b.ones = int64_t(std::llround(b.share.value * double(b.items)));
    r.bins.push_back(b);
  }
  return r;
}

/// A panel for each label that the study's classifier was tested on, by the run's results.json; none where there is none.
std::vector<report::ReliabilityPanel> classifier_panels(const StudyResult& study) {
  const std::string path = study.classifier + "/results.json";
  std::error_code error;
  if (study.classifier.empty() || !std::filesystem::is_regular_file(path, error)) return {};
  std::vector<report::ReliabilityPanel> panels;
  try {
    const Json results = Json::parse(read_file(path));
    for (const auto& [label, c] : results.at("calibration").items()) {
      report::ReliabilityPanel panel;
      panel.title = "classifier, " + label;
      panel.items = "films";
      if (!c.at("undefined").is_null())
        panel.undefined = c.at("undefined").get<std::string>();
      else
        panel.bins = read_reliability(c.at("equal_width"));
      panels.push_back(std::move(panel));
    }
  } catch (const Json::exception&) {
    return {};  // a run of an older program: it says nothing of calibration
  }
  return panels;
}

}  // namespace

double fixed_threshold(const std::string& run, std::string* chosen) {
  chosen->clear();
  const Json results = read_json(run + "/results.json");
  const auto at = results.find("at_threshold");
  if (at == results.end()) return std::nan("");
  try {
    *chosen = at->at("chosen").get<std::string>();
    return at->at("threshold").is_null() ? std::nan("") : at->at("threshold").get<double>();
  } catch (const Json::exception&) {
    fail(Code::data, run, "/results.json: at_threshold has no threshold (expected a run's results)");
  }
}

void study_further(StudyResult& study) {
  const report::ScoresAre scores =
      study.settings.ranks_folds() ? report::ScoresAre::ranks : report::ScoresAre::given;
  std::vector<report::FurtherLine> lines;
  for (const StudyRow& row : study.rows) {
    lines.push_back({row.plan.detector, row.plan.enhancement, full_name(row.plan), {}, {}});
    for (const auto& seed : row.seeds) lines.back().seeds.push_back(seed.get());
    const StudyRow& plain = study.baseline(row);
    if (&row == &plain || row.plan.seeds != plain.plan.seeds) continue;
    for (const auto& seed : plain.seeds) lines.back().plain.push_back(seed.get());
  }
  study.tables.push_back(report::further_table(lines, scores));
  write_file(study.out + "/further.csv", report::further_csv(lines, scores));
  lesions_by_group(study);
}

std::vector<report::Figure> study_reliability(const StudyResult& study) {
  std::vector<report::ReliabilityPanel> panels;
  std::string about;
  if (study.settings.ranks_folds()) {
    about = "The boxes' scores are ranks within folds, which have no calibration.";
  } else {
    for (const StudyRow& row : study.rows)
      if (row.is_baseline())
        panels.push_back(
            {train::detector_title(row.plan.detector) + ", plain, seed " + std::to_string(row.plan.seeds[0]),
             "boxes", row.seeds[0]->calibration.width, row.seeds[0]->calibration.undefined});
    about = "A box is right where it finds a lesion by the FROC rule (" +
            eval::describe(study.settings.options.froc) +
            "); lesions that no box finds have no score and play no part.";
  }
  std::vector<report::ReliabilityPanel> labels = classifier_panels(study);
  if (!labels.empty()) about += " A film is right where it has the label.";
  if (study.classifier.empty() && !study.map_method().empty())
    about +=
        " The classifier is another one in each fold: its calibration stands in the results.json of each.";
  panels.insert(panels.end(), labels.begin(), labels.end());
  if (panels.empty()) return {};
  return {report::figure_reliability(panels, about, study.data.unit)};
}

}  // namespace cawe::study
