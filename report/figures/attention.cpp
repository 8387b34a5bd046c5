// SPDX-License-Identifier: Apache-2.0
// Probabilities, gradients, feature maps, map and film in one drawing.
#include "report/figures/attention.h"

#include <algorithm>
#include <cmath>

#include "report/charts/svg.h"
#include "report/figures/draw.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::report {
namespace {

constexpr double kWidth = 1080, kLeft = 16, kSide = 240, kTop = 56, kThumb = 114;
constexpr size_t kThumbs = 8, kClasses = 14;
constexpr size_t kHeadLetters = 150;  ///< a line of so many fits above the drawing
constexpr double kHeadLine = 18;
const std::string kTruth = "#4c8dff";

MapClasses classes_of(const AttentionExample& e) {
  MapClasses of{e.kind, {}};
  for (const auto& c : e.classes)
    if (c.in_map) of.classes.emplace_back(c.name, c.sigma);
  return of;
}

/// A name that has room for `most` characters: of a longer one the beginning, and all of it where a pointer rests on it.
std::string name_at(double x, double y, const std::string& name, size_t most, const char* css_class = "") {
  size_t characters = 0, kept = 0;
  for (size_t at = 0; at < name.size(); ++characters) {
    uint32_t character = 0;
    at += std::max<size_t>(utf8_character(std::string_view(name).substr(at), &character), 1);
    if (characters + 1 < most) kept = at;
  }
  if (characters <= most) return svg::text_at(x, y, name, "start", css_class);
  return "<g><title>" + escape_markup(name) + "</title>" +
         svg::text_at(x, y, name.substr(0, kept) + "…", "start", css_class) + "</g>";
}

/// The film's name and its classes, in lines that are broken behind commas.
std::vector<std::string> head_of(const AttentionExample& e) {
  const std::string classes = describe(classes_of(e));
  const std::string text = e.image + (classes.empty() ? "" : ": " + classes);
  std::vector<std::string> lines{""};
  for (size_t at = 0, next = 0; at < text.size(); at = next) {
    const size_t comma = text.find(", ", at);
    next = comma == text.npos ? text.size() : comma + 2;
    if (!lines.back().empty() && lines.back().size() + next - at > kHeadLetters) lines.emplace_back();
    lines.back() += text.substr(at, next - at);
  }
  return lines;
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
  constexpr double kX = 808, kBar = 952, kSpan = 72;
  constexpr size_t kName = 18;
  const size_t shown = std::min(e.classes.size(), kClasses);
  const double step = std::min(22.0, kSide / double(std::max<size_t>(shown, 1)));
  std::string out = svg::lettered(kX, kTop - 12, "d", "classes with probability σ");
  for (size_t k = 0; k < shown; ++k) {
    const AttentionExample::Class& c = e.classes[k];
    const double y = kTop + step * double(k);
    const bool stands_in = c.in_map && e.kind == MapOf::fallback;
    out += name_at(kX, y + 12, c.name, kName, c.in_map ? "" : "small") + "<rect x=\"" + svg::number(kBar) +
           "\" y=\"" + svg::number(y + 3) + "\" width=\"" + svg::number(std::max(1.0, kSpan * c.sigma)) +
           "\" height=\"10\" rx=\"2\" fill=\"" +
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
  constexpr size_t kName = 24;
  const double step = kSpan / double(c.gradients.size());
  std::string path;
  for (size_t k = 0; k < c.gradients.size(); ++k)
    path += "M" + svg::number(kX + step * (double(k) + 0.5), 2) + " " + svg::number(y) + "v" +
            svg::number(-kHalf * c.gradients[k] / largest, 2);
  return name_at(kLeft, y - 2, c.name, kName) +
         svg::text_at(kLeft, y + 14, std::to_string(c.gradients.size()) + " channels", "start", "small") +
         svg::line_at(kX, y, kX + kSpan, y) + "<path d=\"" + path + "\" stroke=\"" + svg::colour(0) +
         "\" stroke-width=\"" + svg::number(std::clamp(0.7 * step, 0.4, 4.0), 2) + "\"/>";
}

std::string thumbs(const AttentionExample& e, const std::string& letter, double y) {
  std::string out = svg::lettered(kLeft, y, letter, "feature maps of the largest weights");
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

/// Which classes' gradients make the map.
std::string whose(const AttentionExample& e) {
  return e.kind == MapOf::active     ? "the active classes"
         : e.kind == MapOf::fallback ? "what stands in for active classes"
                                     : "the classes asked for";
}

/// The largest gradient; 0 where none is drawn, as of a map of no class.
double largest_gradient(const AttentionExample& e) {
  double largest = 0;
  for (const auto& c : e.classes)
    for (const double g : c.gradients) largest = std::max(largest, std::abs(g));
  return largest;
}

/// Says of every part that is drawn what it is.
std::string caption_of(const AttentionExample& e) {
  const std::string classes = describe(classes_of(e));
  const bool gradients = largest_gradient(e) > 0;
  std::string caption = "The class-aware map of " + e.image + (e.chosen.empty() ? "" : ", " + e.chosen) +
                        (classes.empty() ? "" : "; " + classes) +
                        ". (a) The film, (b) its map, (c) both; (d) σ of each class.";
  if (gradients)
    caption += " (e) The gradients of σ of " + whose(e) +
               ", one value a channel, are added and cut at zero: the channels' weights (Eq. 1).";
  if (!e.channels.empty())
    caption += std::string(gradients ? " (f)" : " (e)") + " The feature maps' sum with " +
               (gradients ? "these" : "their") + " weights is the map (Eq. 2).";
  return caption + " The map comes from image labels alone: the true box, in blue, took no part.";
}

}  // namespace

Figure figure_attention(const AttentionExample& e) {
  CAWE_CHECK(!e.film.empty() && !e.map.empty() && e.width > 0 && e.height > 0, Code::internal,
             "figure 2: a picture or the frame's size is missing");
  Figure figure;
  figure.name = "figure2";
  figure.title = "Figure 2: from classes to the map";
  figure.caption = caption_of(e);
  std::string head, parts = films(e) + class_bars(e);
  double down = 0, y = kTop + kSide + 44;
  for (const std::string& line : head_of(e)) {
    head += svg::text_at(kLeft, 20 + down, line);
    down += kHeadLine;
  }
  down -= kHeadLine;
  const double largest = largest_gradient(e);
  if (largest > 0) {
    parts += svg::lettered(kLeft, y, "e", "gradients of σ by channel, of " + whose(e));
    y += 38;
    for (const auto& c : e.classes) {
      if (c.gradients.empty()) continue;
      parts += gradient_strip(c, y, largest);
      y += 54;
    }
    y += 8;
  }
  if (!e.channels.empty()) {
    parts += thumbs(e, largest > 0 ? "f" : "e", y);
    y += kThumb + 62;
  }
  figure.svg = svg::begin({figure.title, figure.caption}, kWidth, y + down - 8) + head +
               "<g transform=\"translate(0," + svg::number(down) + ")\">" + parts + "</g></svg>\n";
  figure.csv = attention_csv(e);
  return figure;
}

}  // namespace cawe::report
