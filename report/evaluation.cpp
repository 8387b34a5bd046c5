// SPDX-License-Identifier: Apache-2.0
#include "report/evaluation.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

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

}  // namespace

std::string evaluation_text(const eval::Evaluation& e) {
  std::string text;
  text += counted(e.images, "image") + " (" + std::to_string(e.negatives) + " lesion-free), " +
          (e.unit == data::FilmUnit::image ? "" : data::counted_units(e.patients, e.unit) + ", ") +
          counted(e.lesions, "lesion") + ", " + counted(e.detections, "detection") + "\n";
  text += printf_text("FROC rule: %s\n\n", eval::describe(e.options.froc).c_str());
  text += printf_text("  FP/image  sensitivity  %2.0f %% interval    score >=  FP on lesion-free images\n",
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
  text += "\n";
  for (const std::string& note : e.notes) text += "  note: " + note + "\n";
  text += printf_text("  intervals: %s bootstrap, %lld draws, seed %llu. For research use only.\n",
                      data::unit_key(e.unit), (long long)e.options.draws, (unsigned long long)e.options.seed);
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
  json["bootstrap"] = {{"unit", data::unit_key(e.unit)},
                       {"draws", e.options.draws},
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
             e.lesions > 0 ? froc_svg(labels, {froc_line(name, e)}, true) : froc_svg(labels, {}, true));
  write_file((folder / "results.json").string(), evaluation_json(e));
}

}  // namespace cawe::report
