// SPDX-License-Identifier: Apache-2.0
// What the report's script works on: curves, pictures and boxes as JSON.
#include <cmath>

#include "eval/json_writer.h"
#include "eval/report_parts.h"
#include "tensor/error.h"

namespace cawe::eval::report_detail {
namespace {

std::string base64(const std::vector<uint8_t>& bytes) {
  static const char* const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    const uint32_t word = uint32_t(bytes[i]) << 16 | (left > 1 ? uint32_t(bytes[i + 1]) << 8 : 0) |
                          (left > 2 ? uint32_t(bytes[i + 2]) : 0);
    text += letters[word >> 18];
    text += letters[word >> 12 & 63];
    text += left > 1 ? letters[word >> 6 & 63] : '=';
    text += left > 2 ? letters[word & 63] : '=';
  }
  return text;
}

void box_values(JsonWriter* json, const BoxD& b) {
  for (double v : {b.x1, b.y1, b.x2, b.y2}) json->rounded(v, 6);
}

/// Corners of the curve are enough for the read-outs: the last point of each run of equal sensitivity, which
/// has the run's largest x, and the first one.
void curve_points(JsonWriter* json, const std::vector<FrocPoint>& points) {
  json->array();
  for (size_t i = 0; i < points.size(); ++i) {
    const bool inner = i > 0 && i + 1 < points.size() && points[i - 1].sensitivity == points[i].sensitivity &&
                       points[i + 1].sensitivity == points[i].sensitivity && points.size() > 600;
    if (inner && i % (points.size() / 300) != 0) continue;
    json->array()
        .rounded(points[i].threshold, 6)
        .rounded(points[i].fp_per_image, 6)
        .rounded(points[i].sensitivity, 6)
        .rounded(points[i].fp_per_negative, 6)
        .end();
  }
  json->end();
}

void panel_data(JsonWriter* json, const ReportPanel& panel) {
  CAWE_CHECK(!panel.pictures.empty() && panel.width > 0 && panel.height > 0, Code::internal,
             "report: panel '", panel.title, "' has no picture or no size");
  json->object().field("title", panel.title).field("width", panel.width).field("height", panel.height);
  json->key("pictures").array();
  for (const ReportPicture& picture : panel.pictures)
    json->object().field("name", picture.name).field("png", base64(picture.png)).end();
  json->end().key("map");
  if (panel.map_png.empty())
    json->null();
  else
    json->value(base64(panel.map_png));
  json->key("classes").array();
  for (const auto& [name, probability] : panel.classes)
    json->array().value(name).rounded(probability, 4).end();
  json->end().key("truth").array();
  for (const BoxD& b : panel.truth) {
    json->array();
    box_values(json, b);
    json->end();
  }
  json->end().key("predictions").array();
  for (const auto& row : panel.predictions) {
    json->array();
    for (const ReportBox& b : row) {
      json->array();
      box_values(json, b.box);
      json->rounded(b.score, 5).value(b.hit ? 1 : 0).end();
    }
    json->end();
  }
  json->end().end();
}

}  // namespace

std::string script_data(const Report& report, const std::vector<size_t>& colours) {
  JsonWriter json;
  json.object().field("alpha", report.alpha).field("threshold", report.threshold).key("rows").array();
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const ReportRow& row = report.rows[i];
    json.object().field("detector", row.detector).field("enhancement", method_name(row));
    json.field("colour", int64_t(colours[i])).key("points");
    curve_points(&json, row.points);
    json.end();
  }
  json.end().key("panels").array();
  for (const ReportPanel& panel : report.panels) panel_data(&json, panel);
  json.end().end();
  return json.text();
}

}  // namespace cawe::eval::report_detail
