// SPDX-License-Identifier: Apache-2.0
// The pipeline as a drawing.
#include "report/figures/pipeline.h"

#include "report/charts/svg.h"
#include "report/figures/draw.h"
#include "tensor/error.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

constexpr double kSide = 196;
const std::string kHead = "figure1-arrow";

struct Stage {
  const FigurePicture* picture;
  double x, y;
  const char* letter;
  std::string name, from, operation;
};

std::string at(double x, double y) { return svg::number(x) + " " + svg::number(y); }

std::vector<Stage> stages(const PipelineExample& e) {
  const bool colour = !e.colour.empty();
  const double upper = 24, lower = 276, middle = colour ? 150 : 24;
  const std::string alpha = svg::number(e.alpha, 2);
  std::vector<Stage> out = {{&e.grey, 16, middle, "a", "grey film", "", "input"},
                            {&e.map, 316, upper, "b", "attention map L", "a",
                             "classifier trained on image labels; class-aware map (Eq. 1, 2)"}};
  if (colour) out.push_back({&e.colour, 316, lower, "c", "colorized film I", "a", "colorizer (Eq. 3-6)"});
  const std::string base = colour ? "c" : "a";
  out.push_back({&e.fused, 600, middle, colour ? "d" : "c", "fused film", "b+" + base,
                 "I (alpha + (1 - alpha) L) with alpha = " + alpha + " (Eq. 7)"});
  out.push_back(
      {&e.fused, 868, middle, colour ? "e" : "d", "boxes of " + e.detector, colour ? "d" : "c", e.detector});
  return out;
}

std::string stage_svg(const Stage& s, const std::string& caption) {
  return svg::picture_at(*s.picture, svg::place(*s.picture, s.x, s.y, kSide), s.name) +
         svg::text_at(s.x, s.y + kSide + 20, s.letter, "start", "strong") +
         svg::text_at(s.x + 16, s.y + kSide + 20, caption);
}

/// Two short lines of text above an arrow's middle.
std::string label(double x, double y, const std::string& first, const std::string& second) {
  return svg::text_at(x, y - 8, first, "middle") + svg::text_at(x, y + 18, second, "middle", "small");
}

std::string arrows(const PipelineExample& e) {
  const double fused = 600, boxes = 868, row = e.colour.empty() ? 122 : 248;
  std::string out = svg::arrow_head(kHead);
  if (e.colour.empty()) {
    out += svg::arrow("M" + at(216, 122) + "H310", kHead) + label(262, 122, "classifier", "Eq. 1, 2");
    out += svg::arrow("M" + at(516, 122) + "H594", kHead) + label(554, 122, "fusion", "Eq. 7");
    out += svg::arrow("M114 248V286H698V252", kHead) +
           svg::text_at(406, 280, "the film itself", "middle", "small");
  } else {
    out += svg::arrow("M" + at(216, 210) + "H262V122H310", kHead) + label(262, 100, "classifier", "");
    out += svg::text_at(262, 110, "Eq. 1, 2", "middle", "small");
    out += svg::arrow("M" + at(216, 286) + "H262V374H310", kHead) +
           svg::text_at(262, 396, "colorizer", "middle");
    out += svg::text_at(262, 414, "Eq. 3–6", "middle", "small");
    out += svg::arrow("M" + at(516, 122) + "H556V210H594", kHead);
    out += svg::arrow("M" + at(516, 374) + "H556V286H594", kHead) + label(556, 246, "fusion", "");
    out += svg::text_at(556, 256, "Eq. 7", "middle", "small");
  }
  return out + svg::arrow("M" + at(fused + kSide + 4, row) + "H" + svg::number(boxes - 6), kHead) +
         svg::text_at((fused + kSide + boxes) / 2, row - 8, "detector", "middle");
}

std::string pipeline_csv(const PipelineExample& e, const std::vector<Stage>& all) {
  std::string csv =
      csv_line({"part", "name", "from", "operation", "width", "height", "x1", "y1", "x2", "y2", "score"});
  for (const Stage& s : all)
    csv += csv_line({s.letter, s.name, s.from, s.operation, std::to_string(s.picture->width),
                     std::to_string(s.picture->height), "", "", "", "", ""});
  const auto line = [&](const std::string& kind, const BoxD& b, const std::string& score) {
    csv += csv_line({"box", kind, "", "", "", "", csv_number(b.x1), csv_number(b.y1), csv_number(b.x2),
                     csv_number(b.y2), score});
  };
  for (const BoxD& b : e.truth) line("true", b, "");
  for (const ReportBox& b : e.found) line(b.hit ? "right" : "wrong", b.box, csv_number(b.score));
  return csv;
}

}  // namespace

Figure figure_pipeline(const PipelineExample& e) {
  CAWE_CHECK(!e.grey.empty() && !e.map.empty() && !e.fused.empty() && e.width > 0 && e.height > 0,
             Code::internal, "figure 1: a picture or the frame's size is missing");
  const bool colour = !e.colour.empty();
  Figure figure;
  figure.name = "figure1";
  figure.title = "Figure 1: the pipeline";
  figure.caption = "The pipeline on " + e.image +
                   ". A classifier that knows image labels only gives the map L" +
                   (colour ? "; a colorizer that never saw a medical image gives the picture I" : "") +
                   "; the detector gets I (α + (1 − α) L), here with α = " + svg::number(e.alpha, 2) +
                   ". Blue: true lesions. Orange: the detector's boxes, dashed where they are wrong.";
  const std::vector<Stage> all = stages(e);
  std::string out = svg::begin({figure.title, figure.caption}, 1080, colour ? 512 : 316) + arrows(e);
  for (const Stage& s : all) out += stage_svg(s, s.name);
  const svg::Placed last = svg::place(e.fused, all.back().x, all.back().y, kSide);
  for (const BoxD& b : e.truth) out += svg::box_at(b, e.width, e.height, last, "#4c8dff", false);
  for (const ReportBox& b : e.found) out += svg::box_at(b.box, e.width, e.height, last, "#ff9a4d", !b.hit);
  figure.svg = out + "</svg>\n";
  figure.csv = pipeline_csv(e, all);
  return figure;
}

}  // namespace cawe::report
