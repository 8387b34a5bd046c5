// SPDX-License-Identifier: Apache-2.0
// The input of the report's script: curves, pictures and boxes as JSON.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/base64.h"
#include "report/page/parts.h"
#include "tensor/error.h"
#include "tensor/io/json.h"

namespace cawe::report::page {
namespace {

std::string base64_of(const std::vector<uint8_t>& bytes) {
  return base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Json box_values(const BoxD& b) {
  Json values = Json::array();
  for (double v : {b.x1, b.y1, b.x2, b.y2}) values.push_back(json_rounded(v, 6));
  return values;
}

Json point(const eval::FrocPoint& p) {
  Json values = Json::array();
  for (double v : {p.threshold, p.fp_per_image, p.sensitivity, p.fp_per_negative})
    values.push_back(json_rounded(v, 9));
  return values;
}

Json threshold(double v) { return std::isfinite(v) ? Json(json_rounded(v, 9)) : Json(nullptr); }

/// [x, sensitivity, thresholds from … to] of the drawn curve: its corners, each the first point that reaches its height
/// where the curve is read in steps.
Json curve_points(const std::vector<CurvePoint>& points, bool straight) {
  Json out = Json::array();
  double height = 0;
  for (const CurvePoint& p : points) {
    if (!straight && p.sensitivity <= height) continue;
    height = p.sensitivity;
    out.push_back(Json::array(
        {json_rounded(p.x, 9), json_rounded(p.sensitivity, 9), threshold(p.from), threshold(p.to)}));
  }
  return out;
}

/// Points of the curve at the score thresholds 0, 0.01, …, 1 of the viewer's slider; null where no detection
/// scores as high.
Json curve_at_thresholds(const std::vector<eval::FrocPoint>& points) {
  Json at = Json::array();
  for (int k = 0; k <= 100; ++k) {
    const auto below = std::find_if(points.begin(), points.end(),
                                    [&](const eval::FrocPoint& p) { return p.threshold < double(k) / 100; });
    at.push_back(below == points.begin() ? Json(nullptr) : point(*(below - 1)));
  }
  return at;
}

/// Pictures of a panel by name; identical PNGs are stored once.
void add_pictures(const ReportPanel& panel, Json* json) {
  std::vector<ReportPicture> pictures = panel.pictures;
  const bool any = std::any_of(pictures.begin(), pictures.end(), [](const auto& p) { return p.fused; });
  CAWE_CHECK(!any || !panel.map_png.empty(), Code::internal, "report: panel '", panel.title,
             "' has a fused picture and no map");
  if (!any && !panel.map_png.empty()) pictures.push_back({mapped_label(panel), pictures[0].png, true});
  std::vector<size_t> stored;  // pictures whose PNG is new
  Json& list = (*json)["pictures"] = Json::array();
  for (size_t i = 0; i < pictures.size(); ++i) {
    size_t same = 0;
    while (same < stored.size() && pictures[stored[same]].png != pictures[i].png) ++same;
    if (same == stored.size()) stored.push_back(i);
    list.push_back({{"name", picture_label(pictures[i].name)},
                    {"key", method_key(pictures[i].name)},
                    {"png", same},
                    {"fused", pictures[i].fused}});
  }
  Json& pngs = (*json)["pngs"] = Json::array();
  for (const size_t i : stored) pngs.push_back(base64_of(pictures[i].png));
}

Json panel_data(const ReportPanel& panel) {
  CAWE_CHECK(!panel.pictures.empty() && panel.width > 0 && panel.height > 0, Code::internal,
             "report: panel '", panel.title, "' has no picture or no size");
  Json json;
  add_pictures(panel, &json);
  json["map"] = panel.map_png.empty() ? Json(nullptr) : Json(base64_of(panel.map_png));
  json["classes"] = describe(panel.classes);
  Json& truth = json["truth"] = Json::array();
  for (const BoxD& b : panel.truth) truth.push_back(box_values(b));
  Json& predictions = json["predictions"] = Json::array();
  for (const auto& row : panel.predictions) {
    Json boxes = Json::array();
    for (const ReportBox& b : row) {
      boxes.push_back(box_values(b.box));
      boxes.back().push_back(json_rounded(b.score, 9));
      boxes.back().push_back(b.hit ? 1 : 0);
      boxes.back().push_back(b.uncounted ? 1 : 0);
    }
    predictions.push_back(boxes);
  }
  return json;
}

std::string script_element(const std::string& id, const Json& json) {
  return "<script type=\"application/json\" id=\"" + id + "\">" + json_text(json, JsonLayout::script) +
         "</script>\n";
}

}  // namespace

std::string script_data(const Report& report) {
  const std::vector<size_t> colours = row_colours(report.rows);
  Json json{{"alpha", report.alpha}, {"threshold", report.threshold}};
  Json& rows = json["rows"] = Json::array();
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const ReportRow& row = report.rows[i];
    rows.push_back({{"detector", detector_label(row.detector)},
                    {"enhancement", method_label(row.enhancement)},
                    {"key", row.again ? "none" : method_key(row.enhancement)},
                    {"colour", colours[i] % series_count()},
                    {"seeds", row.seed_sens.size()},
                    {"straight", row.line.straight},
                    {"curve", curve_points(row.line.points, row.line.straight)},
                    {"negatives", curve_points(row.line.negative_points, row.line.straight)},
                    {"at", curve_at_thresholds(row.points)}});
  }
  Json& panels = json["panels"] = Json::array();
  for (const ReportPanel& panel : report.panels)
    panels.push_back({{"width", panel.width}, {"height", panel.height}});
  std::string elements;
  for (size_t i = 0; i < report.panels.size(); ++i)
    elements += script_element("panel-" + std::to_string(i), panel_data(report.panels[i]));
  return elements + script_element("data", json);
}

}  // namespace cawe::report::page
