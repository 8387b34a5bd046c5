// SPDX-License-Identifier: Apache-2.0
// Probabilities, gradients, feature maps, map and film in one drawing.
#include "report/figures/attention.h"

#include <algorithm>
#include <cmath>

#include "report/charts/svg.h"
#include "report/figures/draw.h"
#include "tensor/error.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

constexpr double kWidth = 1080, kLeft = 16, kSide = 240, kTop = 56, kThumb = 114;
constexpr size_t kThumbs = 8, kClasses = 14;
const std::string kTruth = "#4c8dff";

MapClasses classes_of(const AttentionExample& e) {
  MapClasses of{e.kind, {}};
  for (const auto& c : e.classes)
    if (c.in_map) of.classes.emplace_back(c.name, c.sigma);
  return of;
}

std::string films(const AttentionExample& e) {
  const struct {
    const char *letter, *name;
    FigurePicture picture;
    bool boxes;
  } parts[] = {{"a", "film, true box in blue", e.film, true},
               {"b", "class-aware map", heat_picture(e.map), false},
               {"c", "map over the film", heat_overlay(e.film, e.map), true}};
  std::string out;
  double x = kLeft;
  for (const auto& part : parts) {
    const svg::Placed at = svg::place(part.picture, x, kTop, kSide);
    out += svg::lettered(x, kTop - 12, part.letter, part.name) + svg::picture_at(part.picture, at, part.name);
    for (size_t i = 0; part.boxes && i < e.truth.size(); ++i)
      out += svg::box_at(e.truth[i], e.width, e.height, at, kTruth, svg::BoxLine::thick);
    x += kSide + 20;
  }
  return out;
}

/// Probabilities as bars, classes of the map in colour (framed where they only stand in), the others grey.
std::string class_bars(const AttentionExample& e) {
  constexpr double kX = 808, kBar = 920, kSpan = 104;
  const size_t shown = std::min(e.classes.size(), kClasses);
  const double step = std::min(22.0, kSide / double(std::max<size_t>(shown, 1)));
  std::string out = svg::lettered(kX, kTop - 12, "d", "classes with probability σ");
  for (size_t k = 0; k < shown; ++k) {
    const AttentionExample::Class& c = e.classes[k];
    const double y = kTop + step * double(k);
    const bool stands_in = c.in_map && e.kind == MapOf::fallback;
    out += svg::text_at(kX, y + 12, c.name, "start", c.in_map ? "" : "small") + "<rect x=\"" +
           svg::number(kBar) + "\" y=\"" + svg::number(y + 3) + "\" width=\"" +
           svg::number(std::max(1.0, kSpan * c.sigma)) + "\" height=\"10\" rx=\"2\" fill=\"" +
           (stands_in  ? "none\" stroke=\"" + svg::colour(0)
            : c.in_map ? svg::colour(0)
                       : "var(--rule)") +
           "\"/>" +
           svg::text_at(kBar + kSpan + 40, y + 12, svg::number(c.sigma, 2), "end", c.in_map ? "" : "small");
  }
  return out;
}

/// One class's channel weights as lines from zero, upward where positive; all classes on one scale.
std::string gradient_strip(const AttentionExample::Class& c, double y, double largest) {
  constexpr double kX = 196, kSpan = kWidth - 2 * kLeft - 180, kHalf = 18;
  const double step = kSpan / double(c.gradients.size());
  std::string path;
  for (size_t k = 0; k < c.gradients.size(); ++k)
    path += "M" + svg::number(kX + step * (double(k) + 0.5), 2) + " " + svg::number(y) + "v" +
            svg::number(-kHalf * c.gradients[k] / largest, 2);
  return svg::text_at(kLeft, y - 2, c.name) +
         svg::text_at(kLeft, y + 14, std::to_string(c.gradients.size()) + " channels", "start", "small") +
         svg::line_at(kX, y, kX + kSpan, y) + "<path d=\"" + path + "\" stroke=\"" + svg::colour(0) +
         "\" stroke-width=\"" + svg::number(std::clamp(0.7 * step, 0.4, 4.0), 2) + "\"/>";
}

std::string thumbs(const AttentionExample& e, double y) {
  std::string out = svg::lettered(kLeft, y, "f", "feature maps of the largest weights");
  double x = kLeft;
  for (size_t k = 0; k < std::min(kThumbs, e.channels.size()); ++k) {
    const AttentionExample::Channel& c = e.channels[k];
    const std::string name = "channel " + std::to_string(c.index);
    out += svg::picture_at(c.map, svg::place(c.map, x, y + 12, kThumb), name) +
           svg::text_at(x, y + kThumb + 30, name) +
           svg::text_at(x, y + kThumb + 46, "weight " + svg::two_digits(c.weight), "start", "small");
    x += kThumb + 19;
  }
  return out;
}

std::string attention_csv(const AttentionExample& e) {
  std::string csv = csv_line({"part", "class", "index", "value", "x1", "y1", "x2", "y2"});
  for (const auto& c : e.classes)
    csv += csv_line({"sigma", c.name, c.in_map ? name(e.kind) : "", csv_number(c.sigma), "", "", "", ""});
  for (const auto& c : e.classes)
    for (size_t k = 0; k < c.gradients.size(); ++k)
      csv += csv_line({"gradient", c.name, std::to_string(k), csv_number(c.gradients[k]), "", "", "", ""});
  for (const auto& c : e.channels)
    csv += csv_line({"channel", "", std::to_string(c.index), csv_number(c.weight), "", "", "", ""});
  for (size_t k = 0; k < e.truth.size(); ++k) {
    const BoxD& b = e.truth[k];
    csv += csv_line({"truth", "", std::to_string(k), "", csv_number(b.x1), csv_number(b.y1), csv_number(b.x2),
                     csv_number(b.y2)});
  }
  return csv;
}

}  // namespace

Figure figure_attention(const AttentionExample& e) {
  CAWE_CHECK(!e.film.empty() && !e.map.empty() && e.width > 0 && e.height > 0, Code::internal,
             "figure 2: a picture or the frame's size is missing");
  Figure figure;
  figure.name = "figure2";
  figure.title = "Figure 2: from classes to the map";
  const std::string classes = describe(classes_of(e));
  const char* const which = e.kind == MapOf::active     ? "the active classes"
                            : e.kind == MapOf::fallback ? "what stands in for active classes"
                                                        : "the classes asked for";
  figure.caption =
      "The class-aware map of " + e.image + (e.chosen.empty() ? "" : ", " + e.chosen) +
      (classes.empty() ? "" : "; " + classes) +
      ". (a) The film, (b) its map, (c) both; (d) σ of each class. (e) The gradients of σ of " + which +
      ", one value a channel, are added and cut at zero: the channels' weights (Eq. 1). (f) The feature "
      "maps' sum with these weights "
      "is the map (Eq. 2). It comes from image labels alone: the true box, in blue, took no part.";
  double largest = 0;
  for (const auto& c : e.classes)
    for (const double g : c.gradients) largest = std::max(largest, std::abs(g));
  std::string parts =
      svg::text_at(kLeft, 20, e.image + (classes.empty() ? "" : ": " + classes)) + films(e) + class_bars(e);
  double y = kTop + kSide + 44;
  if (largest > 0) {
    parts += svg::lettered(kLeft, y, "e", std::string("gradients of σ by channel, of ") + which);
    y += 38;
    for (const auto& c : e.classes) {
      if (c.gradients.empty()) continue;
      parts += gradient_strip(c, y, largest);
      y += 54;
    }
    y += 8;
  }
  if (!e.channels.empty()) {
    parts += thumbs(e, y);
    y += kThumb + 62;
  }
  figure.svg = svg::begin({figure.title, figure.caption}, kWidth, y - 8) + parts + "</svg>\n";
  figure.csv = attention_csv(e);
  return figure;
}

}  // namespace cawe::report
