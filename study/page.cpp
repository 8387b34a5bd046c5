// SPDX-License-Identifier: Apache-2.0
// report.html of a study: findings in words, table, curves, films with maps and boxes, figures.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "data/formats/picture/png.h"
#include "eval/subgroups.h"
#include "report/page/parts.h"
#include "report/statements.h"
#include "report/subgroup_table.h"
#include "study/figures.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/detector_recipe.h"
#include "train/run_changes.h"
#include "train/run_folder.h"

namespace cawe::study {
namespace {

std::string number(const eval::Interval& i) { return report::page::fixed_or_dash(i.value, 3); }

std::string range(const eval::Interval& i) {
  return number(i) + " [" + report::page::fixed_or_dash(i.low, 3) + ", " +
         report::page::fixed_or_dash(i.high, 3) + "]";
}

std::vector<uint8_t> png_bytes(const data::FloatImage& image) {
  const std::string png =
      data::encode_png(image.width, image.height, image.channels, 8, data::to_8bit(image));
  return std::vector<uint8_t>(png.begin(), png.end());
}

/// Films for the viewer, spread over the test set: all but one with lesions.
std::vector<size_t> panel_choice(const StudyResult& study) {
  std::vector<size_t> with, without, out;
  for (size_t i = 0; i < study.truth.size(); ++i)
    (study.truth[i].boxes.empty() ? without : with).push_back(i);
  const size_t wanted = size_t(study.settings.panels), free = wanted > 3 && !without.empty() ? 1 : 0;
  for (size_t k = 0; k + free < wanted && k < with.size(); ++k)
    out.push_back(with[k * with.size() / std::min(wanted - free, with.size())]);
  if (free > 0) out.push_back(without[without.size() / 2]);
  return out;
}

/// Eq. 7's product, which the page's slider makes of film and map; other forms of the map are finished pictures.
bool is_product(const models::Method& method) { return method.name == "cawe" || method.name == "color+cawe"; }

/// The pictures that the viewer shows side by side, each that of a row. Products are given before fusion: the page's slider
/// fuses them.
std::vector<report::ReportPicture> pictures_of(const StudyResult& study, size_t i,
                                               const data::FloatImage& film) {
  std::vector<report::ReportPicture> pictures{{"grey", png_bytes(film)}};
  for (const models::Method& method : models::methods())
    if (study.chains.count(method.name) > 0 && method.name != "none" && !is_product(method))
      pictures.push_back({method.label, png_bytes(study_picture(study, method.name, i))});
  if (study.chains.count("cawe") > 0) pictures.push_back({method_name("cawe"), png_bytes(film), true});
  if (study.chains.count("color+cawe") > 0)
    pictures.push_back({method_name("color+cawe"), png_bytes(study_coloured(study, i)), true});
  return pictures;
}

report::ReportPanel panel(const StudyResult& study, size_t i) {
  const NoGrad no_history;
  const FittedFilm film = study_film(study, i);
  report::ReportPanel p;
  p.title = study.truth[i].id;
  p.width = film.frame.width;
  p.height = film.frame.height;
  p.pictures = pictures_of(study, i, film.image);
  if (const auto maker = study.map_maker(i)) {
    const models::AttentionMaps maps = maker->maps(train::to_tensor(film.image));
    p.map_png = png_bytes(train::to_image(maps.map));
    p.classes = map_classes(study, i, maps);
  }
  p.truth = seen(lesions_in(film.frame, study.truth[i]));
  for (const StudyRow& row : study.rows) {
    std::vector<eval::Detection> mine;
    for (const eval::Detection& d : row.detections[0])
      if (d.image == int64_t(i)) {
        mine.push_back(d);
        mine.back().image = 0;
      }
    p.predictions.push_back(
        seen(film.frame, report::report_boxes(study.truth[i], mine, study.settings.options.froc)));
  }
  return p;
}

/// How many films have no lesion in the frame; "" for none.
std::string cut_off(const StudyResult& study) {
  const int64_t films = std::count_if(study.truth.begin(), study.truth.end(), has_lesion);
  const int64_t without = films - study.localisation[0].images;
  return without == 0 ? ""
                      : " Without " + counted(without, "film") +
                            " of whose lesions image.fit = \"crop\" leaves nothing.";
}

report::ReportTable localisation_table(const StudyResult& study) {
  report::ReportTable t;
  t.title = "Does the map find the lesions?";
  t.caption =
      "Pointing: the map's maximum lies in a true box. Energy: share of the map inside the boxes. Beside it "
      "the maps of other " +
      data::unit_words(study.data.unit) + " (shuffled) and the film's centre." + cut_off(study);
  t.header = {"films", "n", "pointing", "shuffled", "centre", "energy", "shuffled", "centre", "verdict"};
  for (const eval::LocalisationRow& r : study.localisation) {
    const std::string verdict = judged(r) ? eval::describe(r.verdict) : "–";
    t.rows.push_back({r.label, std::to_string(r.images), range(r.pointing), number(r.pointing_shuffled),
                      number(r.pointing_centre), range(r.energy), number(r.energy_shuffled),
                      number(r.energy_centre), verdict.substr(0, verdict.find(':'))});
  }
  return t;
}

/// Adds tables of subgroups (sex, age, view) of a row's detections, where the data have more than one value.
void add_subgroups(const StudyResult& study, const StudyRow& row, std::vector<report::ReportTable>* tables) {
  std::vector<const std::vector<eval::Detection>*> seeds;
  for (const auto& detections : row.detections) seeds.push_back(&detections);
  std::vector<std::string> sex, age, view;
  for (const int64_t i : study.test) {
    const data::Sample& s = study.data.dataset.samples[size_t(i)];
    sex.push_back(s.sex);
    age.push_back(eval::age_group(double(s.age)));
    view.push_back(s.view);
  }
  std::vector<eval::SubgroupRow> all;
  for (const auto& [attribute, labels] :
       {std::pair<const char*, const std::vector<std::string>*>{"sex", &sex},
        {"age", &age},
        {"view", &view}}) {
    const auto part = eval::subgroups(attribute, study.truth, *labels, seeds, study.settings.options);
    if (part.size() > 1) all.insert(all.end(), part.begin(), part.end());
  }
  if (!all.empty()) tables->push_back(report::subgroup_table(full_name(row.plan), all, study.data.unit));
}

std::string map_finding(const eval::LocalisationRow& r, data::FilmUnit unit) {
  return "The attention map points into a lesion on " + percent(r.pointing.value) + " of " +
         counted(r.images, "film") + " with lesions, the maps of other " + data::unit_words(unit) + " on " +
         percent(r.pointing_shuffled.value) + ", the centre on " + percent(r.pointing_centre.value) + ": " +
         (judged(r) ? eval::describe(r.verdict)
                    : "too few " + data::unit_words(unit) + " with lesions to judge it") +
         ".";
}

/// What was said on the way, of every run, each sentence once; then what resumes accepted.
std::vector<std::string> study_warnings(const StudyResult& study) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& sentence) {
    if (std::find(all.begin(), all.end(), sentence) == all.end()) all.push_back(sentence);
  };
  std::vector<std::string> runs = study.shared;
  for (const StudyRow& row : study.rows) runs.insert(runs.end(), row.runs.begin(), row.runs.end());
  for (const std::string& run : runs)
    for (const std::string& sentence : train::kept_sentences(run, "warnings")) add(sentence);
  for (const std::string& sentence : train::kept_sentences(study.out, "warnings")) add(sentence);
  for (const std::string& sentence : study.extra.leaks) add(sentence);
  for (const std::string& run : runs)
    for (const std::string& change : train::kept_sentences(run, "changes"))
      add("Resumed with changes: " + std::filesystem::path(run).filename().string() + ", " + change);
  for (const std::string& change : study.environment.changes)
    add("Resumed with changes: the study, " + change);
  return all;
}

/// How the study was made: the command that wrote the report (and the first one, where another began the study), the
/// machine, and hashes of data and models.
std::vector<std::pair<std::string, std::string>> provenance(const StudyResult& study) {
  train::Environment environment = study.environment;
  for (const auto& [name, hash] : study.weights) environment.hashes.emplace_back("weights_" + name, hash);
  std::vector<std::pair<std::string, std::string>> facts = train::environment_facts(environment);
  const Json kept = train::environment_in(study.out);
  const bool known = kept.is_object() && kept.contains("command_line") && kept["command_line"].is_string();
  const std::string began = known ? kept["command_line"].get<std::string>() : "";
  if (!began.empty() && began != environment.command_line)
    facts.emplace_back("command_line_that_began_it", began);
  return facts;
}

}  // namespace

std::string method_name(const std::string& enhancement) {
  const size_t space = enhancement.find(' ');  // an ablation row, e.g. "cawe fuse.alpha=0.7"
  const std::string method = enhancement.substr(0, space);
  const size_t colon = method.find(':');
  if (method == "aa") return "plain, other seeds";
  if (colon != std::string::npos)
    return method_name(method.substr(0, colon)) + ", " + models::enhancer_label(method.substr(colon + 1));
  if (method.compare(0, 5, "dose=") == 0) return "map of quality " + method.substr(5);
  const std::string label = method == "shuffled" ? "shuffled map" : models::enhancer_label(method);
  if (space == std::string::npos) return label;
  return label == method ? enhancement : label + "," + enhancement.substr(space);
}

std::string row_name(const RowPlan& plan) {
  return plan.enhancement == "none" ? "plain" : method_name(plan.enhancement);
}

std::string full_name(const RowPlan& plan) {
  return train::detector_title(plan.detector) + ", " + row_name(plan);
}

std::string percent(double part, double of) {
  const double share = 100 * part / of;
  return std::isnan(share) ? "n/a" : fixed(share, 0) + " %";
}

void write_study_report(const StudyResult& study) {
  report::Report report;
  report.title = study.settings.title;
  report.subtitle =
      counted(int64_t(study.truth.size()), "test film") + ", " + counted(int64_t(study.rows.size()), "row");
  report.demonstration = study.settings.demonstration;
  report.warnings = study_warnings(study);
  report.alpha = study.alpha;
  report.rows = study.compared;
  if (!study.localisation.empty())
    report.findings.push_back(map_finding(study.localisation[0], study.data.unit));
  for (const SameSystem& same : study.same_system)
    if (same.share.pairs > 0)
      report.findings.push_back(report::same_system_statement(
          train::detector_title(same.detector), same.share, study.settings.options.level, study.data.unit));
  if (const std::string sentence = fallback_finding(study); !sentence.empty())
    report.findings.push_back(sentence);
  const eval::Evaluation& first = *study.rows[0].seeds[0];
  report.facts = {
      {"test films", std::to_string(first.images)},
      {data::unit_words(first.unit), std::to_string(first.patients)},
      {"films without a lesion", std::to_string(first.negatives)},
      {"lesions", std::to_string(first.lesions)},
      {"seeds", study.rows[0].seeds.size() > 1 ? report.rows[0].seeds : "one (" + report.rows[0].seeds + ")"},
      {"training", format_duration(study.seconds)},
      {"split unit", data::unit_key(first.unit)}};
  // That the films are images needs no line beside their number.
  if (first.unit == data::FilmUnit::image) report.facts.erase(report.facts.begin() + 1);
  if (!study.data.split_note.empty()) report.facts.emplace_back("split", study.data.split_note);
  report.froc_rule = eval::describe(study.settings.options.froc);
  if (study.settings.ranks_folds())
    report.table_notes.push_back(std::string("Scores: ") + kRankedInFolds + ".");
  for (const size_t i : panel_choice(study)) report.panels.push_back(panel(study, i));
  if (!study.localisation.empty()) report.tables.push_back(localisation_table(study));
  for (const StudyRow& row : study.rows)
    if (row.is_baseline() || (row.plan.kind == RowKind::paper && row.plan.method == "color+cawe"))
      add_subgroups(study, row, &report.tables);
  for (const report::ReportTable& t : study.tables) report.tables.push_back(t);
  report.figures = study.drawings;
  for (report::Figure& figure : study_figures(study, report.rows))
    report.figures.push_back(std::move(figure));
  for (report::Figure& figure : study_reliability(study)) report.figures.push_back(std::move(figure));
  report::write_figures(study.out + "/figures", report.figures);
  report.recipe = study.recipe_text;
  report.environment = provenance(study);
  report::write_report(study.out + "/report.html", report);
}

}  // namespace cawe::study
