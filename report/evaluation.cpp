// SPDX-License-Identifier: Apache-2.0
#include "report/evaluation.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <filesystem>

#include "data/formats/json/writer.h"
#include "data/formats/table/csv.h"
#include "report/charts/chart.h"
#include "tensor/error.h"

namespace cawe::report {
namespace {

__attribute__((format(printf, 2, 3))) void add(std::string* text, const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  *text += line;
}

std::string number(double v, int digits = 4) {
  if (std::isnan(v)) return "n/a";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, v);
  return text;
}

std::string bounds(const eval::Interval& i) {
  return "[" + number(i.low, 3) + ", " + number(i.high, 3) + "]";
}

void interval_fields(data::JsonWriter* json, const eval::Interval& i) {
  json->field("value", i.value).field("ci_low", i.low).field("ci_high", i.high);
}

void sens_fields(data::JsonWriter* json, const eval::SensAt& s) {
  json->field("threshold", s.threshold).field("curve_ends", s.curve_ends).field("ends_at", s.ends_at);
}

}  // namespace

std::string evaluation_text(const eval::Evaluation& e) {
  std::string text;
  add(&text, "%lld images (%lld lesion-free), %lld %s, %lld lesions, %lld detections\n", (long long)e.images,
      (long long)e.negatives, (long long)e.patients,
      e.patients_known ? "patients" : "units (patients unknown)", (long long)e.lesions,
      (long long)e.detections);
  add(&text, "FROC rule: %s\n\n", eval::describe(e.options.froc).c_str());
  add(&text, "  FP/image  sensitivity  %2.0f %% interval    score >=  FP on lesion-free images\n",
      100 * e.options.level);
  for (const eval::SensRow& row : e.sens) {
    const std::string threshold = std::isinf(row.at.threshold) ? "-" : number(row.at.threshold);
    add(&text, "  %8s  %11s  %-16s %9s  %11s%s\n", data::shortest(row.at.fp).c_str(),
        number(row.at.sensitivity).c_str(), bounds(row.interval).c_str(), threshold.c_str(),
        number(row.negatives.sensitivity).c_str(),
        row.at.curve_ends ? ("   curve ends at " + number(row.at.ends_at, 3)).c_str() : "");
  }
  add(&text, "  mean of 1, 2, 3, 4: %s %s   mean of 1/8 ... 8: %s %s\n\n", number(e.mean_paper.value).c_str(),
      bounds(e.mean_paper).c_str(), number(e.mean_luna.value).c_str(), bounds(e.mean_luna).c_str());
  add(&text, "  mAP50, labels as one: %s %s\n", number(e.map50.value).c_str(), bounds(e.map50).c_str());
  text += "  COCO:";
  for (const auto& [name, value] : e.coco.named()) text += " " + name + " " + number(value, 6);
  text += "\n  Pascal AP (11 points / every point):";
  for (const eval::PascalRow& row : e.pascal)
    text += " IoU " + data::shortest(row.threshold) + ": " + number(row.ap.eleven_point, 6) + " / " +
            number(row.ap.every_point, 6);
  text += "\n";
  for (const std::string& note : e.notes) text += "  note: " + note + "\n";
  add(&text, "  intervals: %s bootstrap, %lld draws, seed %llu. For research use only.\n",
      e.patients_known ? "patient" : "image", (long long)e.options.draws, (unsigned long long)e.options.seed);
  return text;
}

std::string evaluation_json(const eval::Evaluation& e) {
  data::JsonWriter json;
  json.object().field("froc_rule", eval::describe(e.options.froc));
  json.field("images", e.images).field("lesion_free_images", e.negatives).field("patients", e.patients);
  json.field("patients_known", e.patients_known)
      .field("lesions", e.lesions)
      .field("detections", e.detections);
  json.key("sens").object();
  for (const eval::SensRow& row : e.sens) {
    json.key(data::shortest(row.at.fp)).object();
    json.field("value", row.at.sensitivity)
        .field("ci_low", row.interval.low)
        .field("ci_high", row.interval.high);
    sens_fields(&json, row.at);
    json.end();
  }
  json.end().key("sens_lesion_free").object();
  for (const eval::SensRow& row : e.sens) {
    json.key(data::shortest(row.at.fp)).object().field("value", row.negatives.sensitivity);
    sens_fields(&json, row.negatives);
    json.end();
  }
  json.end();
  json.key("sens_mean_1_2_3_4").object();
  interval_fields(&json, e.mean_paper);
  json.end().key("sens_mean_luna").object();
  interval_fields(&json, e.mean_luna);
  json.end().key("map50").object();
  interval_fields(&json, e.map50);
  json.end().key("coco").object();
  for (const auto& [name, value] : e.coco.named()) json.field(name, value);
  json.end().key("pascal").object();
  for (const char* kind : {"11_point", "every_point"}) {
    json.key(kind).object();
    for (const eval::PascalRow& row : e.pascal)
      json.field(data::shortest(row.threshold), kind[0] == '1' ? row.ap.eleven_point : row.ap.every_point);
    json.end();
  }
  json.end().key("bootstrap").object();
  json.field("unit", e.patients_known ? "patient" : "image").field("draws", e.options.draws);
  json.field("seed", int64_t(e.options.seed)).field("level", e.options.level);
  json.field("draws_without_lesion", e.map50.skipped).end();
  json.key("notes").array();
  for (const std::string& note : e.notes) json.value(note);
  json.end().field("use", "for research use only").end();
  return json.text() + "\n";
}

std::string froc_csv(const eval::Evaluation& e) {
  std::string text = "threshold,sensitivity,fp_per_image,fp_per_negative,found,false_positives\n";
  for (const eval::FrocPoint& p : e.curve.points)
    text += data::shortest(p.threshold) + "," + data::shortest(p.sensitivity) + "," +
            data::shortest(p.fp_per_image) + "," +
            (std::isnan(p.fp_per_negative) ? "" : data::shortest(p.fp_per_negative)) + "," +
            std::to_string(p.found) + "," + std::to_string(p.false_positives) + "\n";
  return text;
}

void write_evaluation(const eval::Evaluation& e, const std::string& dir, const std::string& name) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  CAWE_CHECK(!error, Code::io, dir, ": cannot make this folder (", error.message(), ")");
  const std::filesystem::path folder(dir);
  data::write_text((folder / "froc.csv").string(), froc_csv(e));
  ChartLabels labels{"FROC: " + name, "Sensitivity over false positives per image with " +
                                          number(100 * e.options.level, 0) + " % intervals; " +
                                          eval::describe(e.options.froc)};
  data::write_text((folder / "froc.svg").string(), froc_svg(labels, {froc_line(name, e)}, true));
  data::write_text((folder / "results.json").string(), evaluation_json(e));
}

}  // namespace cawe::report
