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
const std::string kHead = "figure1-arrow", kTruth = "#4c8dff", kFound = "#ff9a4d";

struct Stage {
  const FigurePicture* picture;
  double x, y;
  std::string letter, name, from, operation;
};

/// How a method gives the detector its map: in plain letters for the file, in words for the caption, its equation.
struct Fusion {
  std::string operation, words, equation;
};

Fusion fusion_of(const PipelineExample& e) {
  const std::string alpha = svg::number(e.alpha, 2);
  if (e.method == "cawe" || e.method == "color+cawe")
    return {"I (alpha + (1 - alpha) L) with alpha = " + alpha + " (Eq. 7)",
            "I (α + (1 − α) L), here with α = " + alpha, "Eq. 7"};
  if (e.method == "cawe-drawn")
    return {"I (alpha + (1 - alpha) L) with alpha = " + alpha + ", drawn for each film in training (Eq. 7)",
            "I (α + (1 − α) L), here with α = " + alpha + ", in training with an α drawn for each film",
            "Eq. 7"};
  if (e.method == "cawe-lift")
    return {"I + (1 - alpha) L I (1 - I) with alpha = " + alpha,
            "I + (1 − α) L I (1 − I), here with α = " + alpha, "lift"};
  if (e.method == "cawe-channel")
    return {"(I, I, L)", "the film in two channels and L in the third", "(I, I, L)"};
  return {e.method, "what " + e.method + " makes of film and map", e.method};
}

std::string at(double x, double y) { return svg::number(x) + " " + svg::number(y); }

/// The stages of one film; `first` is the letter of its first panel.
std::vector<Stage> stages(const PipelineExample& e, char first) {
  const bool colour = !e.colour.empty();
  const double upper = 24, lower = 276, middle = colour ? 150 : 24;
  const auto letter = [&](int k) { return std::string(1, char(first + k)); };
  const std::string a = letter(0), b = letter(1);
  std::vector<Stage> out = {{&e.grey, 16, middle, a, "grey film", "", "input"},
                            {&e.map, 316, upper, b, "attention map L", a,
                             "classifier trained on image labels; class-aware map (Eq. 1, 2)"}};
  if (colour) out.push_back({&e.colour, 316, lower, letter(2), "colorized film I", a, "colorizer (Eq. 3-6)"});
  const int next = colour ? 3 : 2;
  out.push_back({&e.fused, 600, middle, letter(next), "fused film", b + "+" + (colour ? letter(2) : a),
                 fusion_of(e).operation});
  out.push_back(
      {&e.fused, 868, middle, letter(next + 1), "boxes of " + e.detector, letter(next), e.detector});
  return out;
}

std::string stage_svg(const Stage& s) {
  return svg::picture_at(*s.picture, svg::place(*s.picture, s.x, s.y, kSide), s.name) +
         svg::text_at(s.x, s.y + kSide + 20, s.letter, "start", "strong") +
         svg::text_at(s.x + 16, s.y + kSide + 20, s.name);
}

/// Two short lines of text above an arrow's middle.
std::string label(double x, double y, const std::string& first, const std::string& second) {
  return svg::text_at(x, y - 8, first, "middle") + svg::text_at(x, y + 18, second, "middle", "small");
}

std::string arrows(const PipelineExample& e) {
  const double fused = 600, boxes = 868, row = e.colour.empty() ? 122 : 248;
  std::string out;
  if (e.colour.empty()) {
    out += svg::arrow("M" + at(216, 122) + "H310", kHead) + label(262, 122, "classifier", "Eq. 1, 2");
    out += svg::arrow("M" + at(516, 122) + "H594", kHead) + label(554, 122, "fusion", fusion_of(e).equation);
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

const char* judgement(const ReportBox& b) { return b.hit ? "right" : b.uncounted ? "not counted" : "wrong"; }

svg::BoxLine line_of(const ReportBox& b) {
  return b.hit ? svg::BoxLine::solid : b.uncounted ? svg::BoxLine::dotted : svg::BoxLine::dashed;
}

std::string boxes_svg(const PipelineExample& e, const Stage& stage) {
  const svg::Placed place = svg::place(*stage.picture, stage.x, stage.y, kSide);
  std::string out;
  for (const BoxD& b : e.truth) out += svg::box_at(b, e.width, e.height, place, kTruth, svg::BoxLine::thick);
  for (const ReportBox& b : e.found) out += svg::box_at(b.box, e.width, e.height, place, kFound, line_of(b));
  return out;
}

/// What the lines of boxes mean.
std::string key(double y) {
  const struct {
    svg::BoxLine line;
    const std::string& colour;
    const char* name;
    double x;
  } entries[] = {
      {svg::BoxLine::thick, kTruth, "true lesion", 16},
      {svg::BoxLine::solid, kFound, "right: finds a lesion", 180},
      {svg::BoxLine::dashed, kFound, "wrong", 400},
      {svg::BoxLine::dotted, kFound, "not counted: a duplicate, or in a region that is not scored", 530}};
  std::string out;
  for (const auto& entry : entries)
    out += svg::box_at({0, 0, 1, 1}, 1, 1, {entry.x, y - 12, 24, 14}, entry.colour, entry.line) +
           svg::text_at(entry.x + 34, y, entry.name);
  return out;
}

std::string pipeline_csv(const PipelineExample& e, const std::vector<Stage>& all) {
  std::string csv;
  for (const Stage& s : all)
    csv += csv_line({s.letter, s.name, s.from, s.operation, std::to_string(s.picture->width),
                     std::to_string(s.picture->height), "", "", "", "", "", e.image});
  const auto line = [&](const std::string& kind, const BoxD& b, const std::string& score) {
    csv += csv_line({"box", kind, "", "", "", "", csv_number(b.x1), csv_number(b.y1), csv_number(b.x2),
                     csv_number(b.y2), score, e.image});
  };
  for (const BoxD& b : e.truth) line("true", b, "");
  for (const ReportBox& b : e.found) line(judgement(b), b.box, csv_number(b.score));
  return csv;
}

std::string caption_of(const std::vector<PipelineExample>& films) {
  const PipelineExample& e = films[0];
  std::string which, rule = e.rule;
  if (const size_t at_least = rule.find(">="); at_least != rule.npos) rule.replace(at_least, 2, "≥");
  for (size_t k = 0; k < films.size(); ++k)
    which += (k == 0 ? " on " : "; below, on ") + films[k].image +
             (films[k].chosen.empty() ? "" : ", " + films[k].chosen);
  return "The pipeline" + which + ". A classifier that knows image labels only gives the map L" +
         (e.colour.empty() ? " of the film I"
                           : "; a colorizer that never saw a medical image gives the picture I") +
         "; the detector gets " + fusion_of(e).words +
         ". Blue: true lesions. Orange: the detector's surest boxes as the rule" +
         (rule.empty() ? "" : " (" + rule + ")") +
         " counts them: solid right, dashed wrong, dotted neither (a duplicate, or in a region that is not "
         "scored).";
}

}  // namespace

Figure figure_pipeline(const std::vector<PipelineExample>& films) {
  CAWE_CHECK(!films.empty(), Code::internal, "figure 1: no film");
  Figure figure;
  figure.name = "figure1";
  figure.title = "Figure 1: the pipeline";
  figure.caption = caption_of(films);
  figure.csv = csv_line(
      {"part", "name", "from", "operation", "width", "height", "x1", "y1", "x2", "y2", "score", "image"});
  std::string parts = svg::arrow_head(kHead);
  double y = 0;
  char letter = 'a';
  for (const PipelineExample& e : films) {
    CAWE_CHECK(!e.grey.empty() && !e.map.empty() && !e.fused.empty() && e.width > 0 && e.height > 0,
               Code::internal, "figure 1: a picture or the frame's size is missing");
    const std::vector<Stage> all = stages(e, letter);
    letter = char(letter + all.size());
    // Each film in a frame of its own, under a line that says which it is, and one that says why: together they are too long.
    parts += svg::text_at(16, y + 20, e.image);
    if (!e.chosen.empty()) {
      y += 18;
      parts += svg::text_at(16, y + 20, e.chosen, "start", "small");
    }
    parts += "<g transform=\"translate(0," + svg::number(y + 12) + ")\">" + arrows(e);
    for (const Stage& s : all) parts += stage_svg(s);
    parts += boxes_svg(e, all.back()) + "</g>";
    figure.csv += pipeline_csv(e, all);
    y += e.colour.empty() ? 300 : 522;
  }
  figure.svg = svg::begin({figure.title, figure.caption}, 1080, y + 36) + parts + key(y + 20) + "</svg>\n";
  return figure;
}

}  // namespace cawe::report
