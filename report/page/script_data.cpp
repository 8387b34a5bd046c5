// SPDX-License-Identifier: Apache-2.0
// The input of the report's script: curves, pictures and boxes as JSON.
#include <algorithm>
#include <cmath>

#include "data/formats/json/writer.h"
#include "report/base64.h"
#include "report/page/parts.h"
#include "tensor/error.h"

namespace cawe::report::page {
namespace {

std::string base64_of(const std::vector<uint8_t>& bytes) {
  return base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void box_values(data::JsonWriter* json, const BoxD& b) {
  for (double v : {b.x1, b.y1, b.x2, b.y2}) json->rounded(v, 6);
}

void point(data::JsonWriter* json, const eval::FrocPoint& p) {
  json->array()
      .rounded(p.threshold, 9)
      .rounded(p.fp_per_image, 9)
      .rounded(p.sensitivity, 9)
      .rounded(p.fp_per_negative, 9)
      .end();
}

/// For each sensitivity the first point, which has the highest threshold that reaches it: what Sens@N reads.
void curve_corners(data::JsonWriter* json, const std::vector<eval::FrocPoint>& points) {
  json->key("points").array();
  double height = 0;
  for (const eval::FrocPoint& p : points) {
    if (p.sensitivity <= height) continue;
    height = p.sensitivity;
    point(json, p);
  }
  json->end();
}

/// Points of the curve at the score thresholds 0, 0.01, …, 1 of the viewer's slider; null where no detection
/// scores as high.
void curve_at_thresholds(data::JsonWriter* json, const std::vector<eval::FrocPoint>& points) {
  json->key("at").array();
  for (int k = 0; k <= 100; ++k) {
    const auto below = std::find_if(points.begin(), points.end(),
                                    [&](const eval::FrocPoint& p) { return p.threshold < double(k) / 100; });
    if (below == points.begin())
      json->null();
    else
      point(json, *(below - 1));
  }
  json->end();
}

/// Pictures of a panel by name; identical PNGs are stored once.
void panel_pictures(data::JsonWriter* json, const ReportPanel& panel) {
  std::vector<ReportPicture> pictures = panel.pictures;
  const bool any = std::any_of(pictures.begin(), pictures.end(), [](const auto& p) { return p.fused; });
  CAWE_CHECK(!any || !panel.map_png.empty(), Code::internal, "report: panel '", panel.title,
             "' has a fused picture and no map");
  if (!any && !panel.map_png.empty())
    pictures.push_back({pictures[0].name + " with map", pictures[0].png, true});
  std::vector<size_t> stored;  // pictures whose PNG is new
  json->key("pictures").array();
  for (size_t i = 0; i < pictures.size(); ++i) {
    size_t same = 0;
    while (same < stored.size() && pictures[stored[same]].png != pictures[i].png) ++same;
    if (same == stored.size()) stored.push_back(i);
    json->object().field("name",
                         method_key(pictures[i].name) == "none" ? "Grey" : method_label(pictures[i].name));
    json->field("key", method_key(pictures[i].name)).field("png", int64_t(same));
    json->field("fused", pictures[i].fused).end();
  }
  json->end().key("pngs").array();
  for (const size_t i : stored) json->value(base64_of(pictures[i].png));
  json->end();
}

std::string panel_data(const ReportPanel& panel) {
  CAWE_CHECK(!panel.pictures.empty() && panel.width > 0 && panel.height > 0, Code::internal,
             "report: panel '", panel.title, "' has no picture or no size");
  data::JsonWriter json;
  json.object();
  panel_pictures(&json, panel);
  json.key("map");
  if (panel.map_png.empty())
    json.null();
  else
    json.value(base64_of(panel.map_png));
  json.key("classes").array();
  for (const auto& [name, probability] : panel.classes)
    json.array().value(name).rounded(probability, 4).end();
  json.end().key("truth").array();
  for (const BoxD& b : panel.truth) {
    json.array();
    box_values(&json, b);
    json.end();
  }
  json.end().key("predictions").array();
  for (const auto& row : panel.predictions) {
    json.array();
    for (const ReportBox& b : row) {
      json.array();
      box_values(&json, b.box);
      json.rounded(b.score, 9).value(b.hit ? 1 : 0).end();
    }
    json.end();
  }
  json.end().end();
  return json.text();
}

std::string script_element(const std::string& id, const std::string& json) {
  return "<script type=\"application/json\" id=\"" + id + "\">" + json + "</script>\n";
}

}  // namespace

std::string script_data(const Report& report) {
  const std::vector<size_t> colours = row_colours(report.rows);
  data::JsonWriter json;
  json.object().field("alpha", report.alpha).field("threshold", report.threshold).key("rows").array();
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const ReportRow& row = report.rows[i];
    json.object().field("detector", detector_label(row.detector));
    json.field("enhancement", method_label(row.enhancement)).field("key", method_key(row.enhancement));
    json.field("colour", int64_t(colours[i]));
    curve_corners(&json, row.points);
    curve_at_thresholds(&json, row.points);
    json.end();
  }
  json.end().key("panels").array();
  for (const ReportPanel& panel : report.panels)
    json.object().field("width", panel.width).field("height", panel.height).end();
  json.end().end();
  std::string elements;
  for (size_t i = 0; i < report.panels.size(); ++i)
    elements += script_element("panel-" + std::to_string(i), panel_data(report.panels[i]));
  return elements + script_element("data", json.text());
}

}  // namespace cawe::report::page
