// SPDX-License-Identifier: Apache-2.0
#include "report/evaluation.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "eval/further.h"
#include "report/charts/chart.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/text.h"

namespace cawe::report {
namespace {

constexpr const char* kFrocHeader =
    "threshold,sensitivity,fp_per_image,fp_per_negative,found,false_positives\n";

std::string number(double v, int digits = 4) { return std::isnan(v) ? "n/a" : fixed(v, digits); }

std::string bounds(const eval::Interval& i) {
  return "[" + number(i.low, 3) + ", " + number(i.high, 3) + "]";
}

Json interval_json(const eval::Interval& i) {
  return {{"value", i.value}, {"ci_low", i.low}, {"ci_high", i.high}};
}

/// Where a curve was read, behind the value that was read there.
Json sens_json(Json value, const eval::SensAt& s) {
  value.update({{"threshold", s.threshold}, {"curve_ends", s.curve_ends}, {"ends_at", s.ends_at}});
  return value;
}

/// "0.812 [0.754, 0.866]", or "n/a".
std::string with_bounds(const eval::Interval& i) {
  return std::isnan(i.value) ? "n/a" : number(i.value) + " " + bounds(i);
}

/// Groups of lesions; of many (COCO has 80 categories) only their number.
std::string lesions_text(const std::vector<eval::SubgroupRow>& all) {
  constexpr size_t kMost = 12;
  std::map<std::string, std::vector<const eval::SubgroupRow*>> by_attribute;
  std::vector<std::string> order;
  for (const eval::SubgroupRow& row : all) {
    if (row.lesions == 0) continue;
    if (by_attribute[row.attribute].empty()) order.push_back(row.attribute);
    by_attribute[row.attribute].push_back(&row);
  }
  std::string text;
  for (const std::string& attribute : order) {
    const auto& rows = by_attribute[attribute];
    text += "  by " + attribute;
    if (rows.size() > kMost) {
      text += ": " + std::to_string(rows.size()) + " groups, in --json and results.json\n";
      continue;
    }
    text += attribute == "lesion size" ? " (side as a share of the film's)" : "";
    text += ", mean of Sens@1, 2, 3, 4:\n";
    size_t width = 0;
    const auto name = [](const eval::SubgroupRow& row) { return printable(row.group, 40); };
    for (const auto* row : rows) width = std::max(width, name(*row).size());
    for (const auto* row : rows)
      text +=
          printf_text("    %-*s  %s  %s%s\n", int(width), name(*row).c_str(), with_bounds(row->mean).c_str(),
                      counted(row->lesions, "lesion").c_str(), row->few ? ", few" : "");
  }
  return text;
}

/// Everything behind FROC's table and mean AP, a line or two for each kind.
std::string further_text(const eval::Evaluation& e) {
  std::string text = "  second rule: " + eval::describe(e.sens_lenient.rule) + "\n   ";
  for (size_t k = 0; k < e.sens_lenient.sens.size(); ++k)
    text += " Sens@" + std::to_string(k + 1) + " " + number(e.sens_lenient.sens[k].value);
  text += "  mean " + with_bounds(e.sens_lenient.mean) + "\n";
  if (!std::isnan(e.at_threshold.threshold))
    text += "  at score >= " + number(e.at_threshold.threshold) + ": sensitivity " +
            with_bounds(e.at_threshold.sensitivity) + ", false positives per image " +
            with_bounds(e.at_threshold.fp_per_image) + "\n";
  if (!e.options.threshold_from.empty()) text += "  fixed threshold: " + e.options.threshold_from + "\n";
  text += "  AFROC area: JAFROC " + with_bounds(e.jafroc.jafroc) + "  wAFROC " +
          with_bounds(e.jafroc.wafroc) + "\n    with false positives of all films: JAFROC1 " +
          with_bounds(e.jafroc.jafroc1) + "  wAFROC1 " + with_bounds(e.jafroc.wafroc1) +
          "\n  area under FROC:";
  for (const eval::FrocAreaRow& row : e.froc_area)
    text += (row.limit == e.froc_area[0].limit ? " to " : ", to ") + shortest(row.limit) + " FP/image " +
            with_bounds(row.area) + (row.curve_ends ? " (curve ends before)" : "");
  text += "\n  LROC: ";
  text += e.lroc.undefined.empty() ? "area " + with_bounds(e.lroc.area) + "  correct localisation " +
                                         with_bounds(e.lroc.correct_localisation)
                                   : "n/a, " + e.lroc.undefined;
  text += "\n  calibration of scores: ";
  const eval::Calibration& c = e.calibration;
  text += c.undefined.empty()
              ? "ECE " + with_bounds(c.width.ece) + ", largest error " + number(c.width.mce.value) + " in " +
                    std::to_string(c.bins) + " bins of equal width; " + number(c.count.ece.value) + " and " +
                    number(c.count.mce.value) + " of equal count; Brier " + number(c.brier.value) + " (" +
                    counted(c.items, "detection") +
                    (e.options.froc.duplicates == eval::Duplicates::fp ? ")" : ", duplicates left out)")
              : "n/a, " + c.undefined;
  return text + "\n" + lesions_text(e.lesions_by);
}

Json reliability_json(const eval::Reliability& r) {
  Json bins = Json::array();
  for (const eval::CalibrationBin& bin : r.bins) {
    Json one{{"low", bin.low}, {"high", bin.high}, {"items", bin.items}, {"mean_score", bin.mean_score}};
    one["share"] = interval_json(bin.share);
    bins.push_back(one);
  }
  return {{"ece", interval_json(r.ece)}, {"mce", interval_json(r.mce)}, {"bins", bins}};
}

void put_lroc(const eval::LrocFigures& lroc, Json* json) {
  (*json)["lroc"] = {{"area", interval_json(lroc.area)},
                     {"correct_localisation", interval_json(lroc.correct_localisation)},
                     {"undefined", lroc.undefined.empty() ? Json(nullptr) : Json(lroc.undefined)}};
}

void put_lesions(const std::vector<eval::SubgroupRow>& rows, Json* json) {
  Json& groups = (*json)["lesions_by"] = Json::array();
  for (const eval::SubgroupRow& row : rows) {
    Json one{{"attribute", row.attribute}, {"group", row.group}, {"lesions", row.lesions}, {"few", row.few}};
    for (size_t k = 0; k < row.sens.size(); ++k)
      one["sens"][std::to_string(k + 1)] = interval_json(row.sens[k]);
    one["sens_mean_1_2_3_4"] = interval_json(row.mean);
    groups.push_back(one);
  }
}

void put_further(const eval::Evaluation& e, Json* json) {
  Json& lenient = (*json)["sens_lenient"] = {{"rule", eval::describe(e.sens_lenient.rule)}};
  for (size_t k = 0; k < e.sens_lenient.sens.size(); ++k)
    lenient["sens"][std::to_string(k + 1)] = interval_json(e.sens_lenient.sens[k]);
  lenient["sens_mean_1_2_3_4"] = interval_json(e.sens_lenient.mean);
  if (!std::isnan(e.at_threshold.threshold))
    (*json)["at_threshold"] = {{"threshold", e.at_threshold.threshold},
                               {"sensitivity", interval_json(e.at_threshold.sensitivity)},
                               {"fp_per_image", interval_json(e.at_threshold.fp_per_image)},
                               {"found", e.at_threshold.found},
                               {"false_positives", e.at_threshold.false_positives}};
  if (!e.options.threshold_from.empty()) {
    if (std::isnan(e.at_threshold.threshold)) (*json)["at_threshold"] = {{"threshold", nullptr}};
    (*json)["at_threshold"]["chosen"] = e.options.threshold_from;
  }
  (*json)["afroc"] = {{"jafroc", interval_json(e.jafroc.jafroc)},
                      {"wafroc", interval_json(e.jafroc.wafroc)},
                      {"jafroc1", interval_json(e.jafroc.jafroc1)},
                      {"wafroc1", interval_json(e.jafroc.wafroc1)}};
  for (const eval::FrocAreaRow& row : e.froc_area) {
    Json area = interval_json(row.area);
    area["curve_ends"] = row.curve_ends;
    (*json)["froc_area"][shortest(row.limit)] = area;
  }
  put_lroc(e.lroc, json);
  (*json)["calibration"] = calibration_json(e.calibration);
  put_lesions(e.lesions_by, json);
}

}  // namespace

Json calibration_json(const eval::Calibration& c) {
  return {{"items", c.items},
          {"ones", c.ones},
          {"undefined", c.undefined.empty() ? Json(nullptr) : Json(c.undefined)},
          {"equal_width", reliability_json(c.width)},
          {"equal_count", reliability_json(c.count)},
          {"brier", interval_json(c.brier)}};
}

std::string evaluation_text(const eval::Evaluation& e) {
  std::string text;
  text += counted(e.images, "image") + " (" + std::to_string(e.negatives) + " lesion-free), " +
          (e.unit == data::FilmUnit::image ? "" : data::counted_units(e.patients, e.unit) + ", ") +
          counted(e.lesions, "lesion") + ", " + counted(e.detections, "detection") + "\n";
  text += printf_text("FROC rule: %s\n\n", eval::describe(e.options.froc).c_str());
  text += printf_text(
      "  FP/image  sensitivity  %2.0f %% interval    score >=  sensitivity at that FP of lesion-free "
      "images\n",
      100 * e.options.level);
  for (const eval::SensRow& row : e.sens) {
    const std::string threshold = std::isinf(row.at.threshold) ? "-" : number(row.at.threshold);
    text += printf_text("  %8s  %11s  %-16s %9s  %11s%s\n", shortest(row.at.fp).c_str(),
                        number(row.at.sensitivity).c_str(), bounds(row.interval).c_str(), threshold.c_str(),
                        number(row.negatives.sensitivity).c_str(),
                        row.at.curve_ends ? ("   curve ends at " + number(row.at.ends_at, 3)).c_str() : "");
  }
  text += printf_text("  mean of 1, 2, 3, 4: %s %s   mean of 1/8 ... 8: %s %s\n\n",
                      number(e.mean_paper.value).c_str(), bounds(e.mean_paper).c_str(),
                      number(e.mean_luna.value).c_str(), bounds(e.mean_luna).c_str());
  text +=
      printf_text("  mAP50, labels as one: %s %s\n", number(e.map50.value).c_str(), bounds(e.map50).c_str());
  text += "  COCO:";
  for (const auto& [name, value] : e.coco.named()) text += " " + name + " " + number(value, 6);
  text += "\n  Pascal AP (11 points / every point):";
  for (const eval::PascalRow& row : e.pascal)
    text += " IoU " + shortest(row.threshold) + ": " + number(row.ap.eleven_point, 6) + " / " +
            number(row.ap.every_point, 6);
  text += "\n" + further_text(e);
  for (const std::string& note : e.notes) text += "  note: " + note + "\n";
  text += printf_text(
      "  intervals: %s bootstrap of these detections, %lld draws%s, seed %llu; another training's differ by "
      "more.\n"
      "  For research use only.\n",
      data::unit_key(e.unit), (long long)e.options.draws,
      e.options.draws > eval::kFurtherDraws
          ? printf_text(
                " (second rule, fixed threshold, areas, calibration and groups of lesions: the first %lld)",
                (long long)eval::kFurtherDraws)
                .c_str()
          : "",
      (unsigned long long)e.options.seed);
  return text;
}

std::string evaluation_json(const eval::Evaluation& e) {
  Json json{{"froc_rule", eval::describe(e.options.froc)},
            {"images", e.images},
            {"lesion_free_images", e.negatives},
            {"patients", e.patients_known ? Json(e.patients) : Json(nullptr)},
            {"split_unit", data::unit_key(e.unit)},
            {"units", e.patients},
            {"patients_known", e.patients_known},
            {"lesions", e.lesions},
            {"detections", e.detections}};
  if (e.films.from_files) {
    json["films_list"] = e.films.list.empty() ? Json(nullptr) : Json(e.films.list);
    json["truth_films_left_out"] = e.films.left_out;
    json["films_without_person"] = e.without_person;
    json["films_that_trained"] = e.films.list.empty() ? Json(nullptr) : Json(e.films.trained);
  }
  for (const eval::SensRow& row : e.sens) {
    const std::string fp = shortest(row.at.fp);
    Json all = interval_json(row.interval);
    all["value"] = row.at.sensitivity;
    json["sens"][fp] = sens_json(all, row.at);
    json["sens_lesion_free"][fp] = sens_json({{"value", row.negatives.sensitivity}}, row.negatives);
  }
  json["sens_mean_1_2_3_4"] = interval_json(e.mean_paper);
  json["sens_mean_luna"] = interval_json(e.mean_luna);
  json["map50"] = interval_json(e.map50);
  for (const auto& [name, value] : e.coco.named()) json["coco"][name] = value;
  Json& pascal = json["pascal"] = {{"11_point", Json::object()}, {"every_point", Json::object()}};
  for (const eval::PascalRow& row : e.pascal) {
    pascal["11_point"][shortest(row.threshold)] = row.ap.eleven_point;
    pascal["every_point"][shortest(row.threshold)] = row.ap.every_point;
  }
  put_further(e, &json);
  json["bootstrap"] = {{"unit", data::unit_key(e.unit)},
                       {"varies", data::unit_words(e.unit) + ", not weights"},
                       {"draws", e.options.draws},
                       {"further_draws", std::min(e.options.draws, eval::kFurtherDraws)},
                       {"seed", e.options.seed},
                       {"level", e.options.level},
                       {"draws_without_lesion", e.map50.skipped}};
  json["notes"] = Json(e.notes);
  json["use"] = "for research use only";
  return json_text(json) + "\n";
}

std::string froc_csv(const eval::Evaluation& e) {
  std::string text = kFrocHeader;
  for (const eval::FrocPoint& p : e.curve.points)
    text +=
        csv_line({shortest(p.threshold), csv_number(p.sensitivity), shortest(p.fp_per_image),
                  csv_number(p.fp_per_negative), std::to_string(p.found), std::to_string(p.false_positives)});
  return text;
}

const std::vector<std::pair<std::string, std::string>>& evaluation_files() {
  static const std::vector<std::pair<std::string, std::string>> files = {
      {"froc.csv", kFrocHeader},
      {"froc.svg", R"(<svg xmlns="http://www.w3.org/2000/svg" class="cawe-chart")"},
      {"results.json", R"({"froc_rule":)"}};
  return files;
}

void write_evaluation(const eval::Evaluation& e, const std::string& dir, const std::string& name) {
  make_folders(dir);
  const std::filesystem::path folder(dir);
  write_file((folder / "froc.csv").string(), froc_csv(e));
  ChartLabels labels{"FROC: " + name, "Sensitivity over false positives per image with " +
                                          number(100 * e.options.level, 0) + " % intervals; " +
                                          eval::describe(e.options.froc)};
  write_file((folder / "froc.svg").string(),
             e.lesions > 0 ? froc_svg(labels, {froc_line(name, {&e})}, true) : froc_svg(labels, {}, true));
  write_file((folder / "results.json").string(), evaluation_json(e));
}

}  // namespace cawe::report
