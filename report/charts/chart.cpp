// SPDX-License-Identifier: Apache-2.0
// SVG charts.
#include "report/charts/chart.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "eval/seed_figures.h"
#include "report/charts/svg.h"
#include "tensor/error.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

using svg::colour;
using svg::text_at;

constexpr double kWidth = 720, kHeight = 420, kLeft = 62, kTop = 24;
constexpr svg::FrocScale kScale = {62, 696, 52, 364};

std::string f(double v, int digits = 1) { return svg::number(v, digits); }

/// A place where the curve of one seed changes: its value there, and what it comes to from the left.
struct Knot {
  double x, left, value, threshold;
};

/// The knots of a curve as eval::sens_at() reads it; its sensitivities never fall.
std::vector<Knot> knots_of(const eval::FrocCurve& curve, double eval::FrocPoint::*x) {
  std::vector<Knot> knots;
  if (curve.lesions == 0) return knots;
  const bool step = curve.mode == eval::SensMode::step, linear = curve.mode == eval::SensMode::linear;
  if (linear) knots.push_back({0, 0, 0, std::numeric_limits<double>::infinity()});
  for (const eval::FrocPoint& p : curve.points) {
    const double before = knots.empty() ? 0 : knots.back().value;
    if (step && p.sensitivity <= before) continue;
    if (knots.empty() || knots.back().x != p.*x)
      knots.push_back({p.*x, step ? before : p.sensitivity, p.sensitivity, p.threshold});
    knots.back().value = p.sensitivity;
    knots.back().threshold = p.threshold;
    if (linear) knots.back().left = p.sensitivity;  // it climbs to the best point of an x, and does not jump
  }
  return knots;
}

/// Reads one seed's curve at rising x.
class Reader {
 public:
  Reader(const eval::FrocCurve& curve, double eval::FrocPoint::*x)
      : knots_(knots_of(curve, x)), step_(curve.mode == eval::SensMode::step) {}
  const std::vector<Knot>& knots() const { return knots_; }
  Knot at(double x) {
    while (next_ < knots_.size() && knots_[next_].x <= x) ++next_;
    const double never = std::numeric_limits<double>::infinity();
    if (knots_.empty() || (next_ == 0 && step_)) return {x, 0, 0, never};
    if (next_ == 0) return {x, knots_[0].left, knots_[0].left, knots_[0].threshold};
    const Knot& a = knots_[next_ - 1];
    if (a.x == x) return a;
    if (step_ || next_ == knots_.size()) return {x, a.value, a.value, a.threshold};
    const Knot& b = knots_[next_];
    const double value = a.value + (b.left - a.value) * (x - a.x) / (b.x - a.x);
    return {x, value, value, a.threshold};
  }

 private:
  std::vector<Knot> knots_;
  bool step_;
  size_t next_ = 0;
};

/// The mean over seeds at every x at which one of them changes, and where the last of them ends.
std::vector<CurvePoint> mean_curve(const std::vector<const eval::Evaluation*>& seeds,
                                   double eval::FrocPoint::*x) {
  std::vector<Reader> readers;
  std::set<double> places;
  double end = 0;
  for (const eval::Evaluation* e : seeds) {
    readers.emplace_back(e->curve, x);
    for (const Knot& knot : readers.back().knots()) places.insert(knot.x);
    if (!e->curve.points.empty()) end = std::max(end, e->curve.points.back().*x);
  }
  if (places.empty()) return {};
  places.insert(end);
  std::vector<CurvePoint> points;
  for (const double place : places) {
    double left = 0;
    CurvePoint p{place, 0, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
    for (Reader& reader : readers) {
      const Knot knot = reader.at(place);
      left += knot.left / double(seeds.size());
      p.sensitivity += knot.value / double(seeds.size());
      p.from = std::min(p.from, knot.threshold);
      p.to = std::max(p.to, knot.threshold);
    }
    const bool straight = seeds[0]->curve.mode != eval::SensMode::step;
    if (straight && left != p.sensitivity) points.push_back({place, left, p.from, p.to});
    points.push_back(p);
  }
  return points;
}

/// The band of several seeds: at each x the mixed model's interval of their mean, in which seeds and units are both drawn,
/// kept within 0 and 1. Places where it is undefined are left out.
void add_mixed_band(const std::vector<const eval::Evaluation*>& seeds, FrocLine* line) {
  const eval::Evaluation& first = *seeds[0];
  for (size_t i = 0; i < first.band_x.size(); ++i) {
    eval::SeedFigures over{{}, {}, first.patients};
    for (const eval::Evaluation* e : seeds) {
      over.values.push_back(e->band_value.at(i));
      over.drawn.push_back(e->band_drawn.at(i));
    }
    const eval::TInterval at = eval::mixed_model(over, first.options.level).interval;
    if (std::isnan(at.low) || std::isnan(at.high)) continue;
    line->band_x.push_back(first.band_x[i]);
    line->band_low.push_back(std::max(0.0, at.low));
    line->band_high.push_back(std::min(1.0, at.high));
  }
}

}  // namespace

FrocLine froc_line(const std::string& name, const std::vector<const eval::Evaluation*>& seeds) {
  CAWE_CHECK(!seeds.empty(), Code::internal, "FROC curve ", name, ": no seed");
  const eval::Evaluation& first = *seeds[0];
  FrocLine line;
  line.name = name;
  line.straight = first.curve.mode != eval::SensMode::step;
  line.points = mean_curve(seeds, &eval::FrocPoint::fp_per_image);
  if (first.negatives > 0) line.negative_points = mean_curve(seeds, &eval::FrocPoint::fp_per_negative);
  if (seeds.size() == 1) {
    line.band_x = first.band_x;
    line.band_low = first.band_low;
    line.band_high = first.band_high;
  } else {
    add_mixed_band(seeds, &line);
  }
  return line;
}

double curve_value(const std::vector<CurvePoint>& points, bool straight, double x) {
  if (points.empty()) return 0;
  const auto after = std::upper_bound(points.begin(), points.end(), x,
                                      [](double v, const CurvePoint& p) { return v < p.x; });
  if (after == points.begin()) return straight ? points[0].sensitivity : 0;
  const CurvePoint& a = *(after - 1);
  if (!straight || after == points.end()) return a.sensitivity;
  return a.sensitivity + (after->sensitivity - a.sensitivity) * (x - a.x) / (after->x - a.x);
}

std::string froc_svg(const ChartLabels& labels, const std::vector<FrocLine>& lines, bool bands) {
  std::string out = svg::begin(labels, kWidth, kHeight + 22 * double(lines.size())) + svg::froc_axes(kScale);
  out += text_at(kLeft, 28, labels.title, "start", "strong");
  for (size_t k = 0; bands && k < lines.size(); ++k) out += svg::band_path(kScale, lines[k], k);
  for (size_t k = 0; k < lines.size(); ++k)
    out += svg::curve_path(kScale, lines[k].points, lines[k].straight, k, "line") +
           svg::curve_marks(kScale, lines[k].points, lines[k].straight, {k, lines.size(), k, false, "mark"});
  for (size_t k = 0; k < lines.size(); ++k) {
    const double y = kHeight + 8 + 22 * double(k);
    out += svg::sample_at(kLeft, y - 2, k, false) + text_at(kLeft + 46, y + 3, lines[k].name);
  }
  return out + "</svg>\n";
}

namespace {

/// One row's curves by one axis.
std::string series_svg(const svg::FrocScale& scale, const FrocLine& line, size_t k, size_t n,
                       const FrocStyle& style) {
  const std::string kind = style.control ? "line control" : "line";
  std::string out = "<g class=\"" + std::string(scale.log ? "log" : "lin") + "\">" +
                    svg::band_path(scale, line, style.colour);
  const auto add = [&](const std::vector<CurvePoint>& points, const char* more) {
    out += svg::curve_path(scale, points, line.straight, style.colour, kind + more) +
           svg::curve_marks(scale, points, line.straight,
                            {k, n, style.colour, style.control, std::string("mark") + more});
  };
  add(line.points, "");
  if (!line.negative_points.empty()) add(line.negative_points, " neg");
  return out + "</g>";
}

}  // namespace

std::string froc_svg_inline(const ChartLabels& labels, const std::vector<FrocLine>& lines,
                            const std::string& id, const std::vector<FrocStyle>& styles) {
  svg::FrocScale by_octave = kScale;
  by_octave.log = true;
  std::string out = svg::open(labels, "0 40 720 380", id, "froc") + "<g class=\"lin\">" +
                    svg::froc_axes(kScale) + "</g><g class=\"log\">" + svg::froc_axes(by_octave) + "</g>";
  for (size_t k = 0; k < lines.size(); ++k) {
    const FrocStyle& style = styles.at(k);
    out += "<g class=\"series" + std::string(k == 0 ? " lit" : "") + (style.control ? " off" : "") +
           "\" data-row=\"" + std::to_string(style.row) + "\">";
    for (const svg::FrocScale& scale : {kScale, by_octave})
      out += series_svg(scale, lines[k], k, lines.size(), style);
    out += "</g>";
  }
  return out + "<g class=\"marks\"></g><g class=\"probe\"></g></svg>\n";
}

std::string froc_sample(size_t colour, bool control) {
  return "<svg class=\"sample\" viewBox=\"0 -8 38 16\" width=\"38\" height=\"16\" aria-hidden=\"true\">" +
         svg::sample_at(0, 0, colour, control) + "</svg>";
}

std::string scatter_svg(const ChartLabels& labels, const std::vector<ScatterGroup>& groups,
                        const std::vector<ScatterNotes>& notes) {
  constexpr double kSide = 520, kPlot = 24;
  double low_x = 1e300, high_x = -1e300, low_y = 1e300, high_y = -1e300;
  for (const ScatterGroup& g : groups)
    for (const auto& [x, y] : g.points) {
      low_x = std::min(low_x, x);
      high_x = std::max(high_x, x);
      low_y = std::min(low_y, y);
      high_y = std::max(high_y, y);
    }
  // The same scale for both axes, the points centred.
  const double scale = (kSide - 40) / std::max({high_x - low_x, high_y - low_y, 1e-12});
  const double middle_x = kPlot + kSide / 2 - scale * (low_x + high_x) / 2;
  const double middle_y = kTop + kSide / 2 + scale * (low_y + high_y) / 2;
  std::string out = svg::begin(labels, 860, kTop + kSide + 16);
  out += "<rect x=\"" + f(kPlot) + "\" y=\"" + f(kTop) + "\" width=\"" + f(kSide) + "\" height=\"" +
         f(kSide) + "\" fill=\"none\" class=\"grid\"/>";
  // The groups' marks differ in shape as well as in colour.
  const char* const marks[] = {"M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", "M-3.6 -3.6h7.2v7.2h-7.2Z",
                               "M0 -5L4.6 3.4H-4.6Z", "M0 -5L5 0L0 5L-5 0Z"};
  double y = kTop + 16;
  for (size_t k = 0; k < groups.size(); ++k, y += 26) {
    const std::string fill = groups[k].colour.empty() ? colour(k) : escape_markup(groups[k].colour);
    const std::string open = "<path class=\"dot\" d=\"" + std::string(marks[k % 4]) + "\" fill=\"" + fill +
                             "\" fill-opacity=\".8\" transform=\"translate(";
    for (const auto& [px, py] : groups[k].points)
      out += open + f(middle_x + px * scale) + "," + f(middle_y - py * scale) + ")\"/>";
    out += "<path d=\"" + std::string(marks[k % 4]) + "\" fill=\"" + fill + "\" transform=\"translate(" +
           f(kPlot + kSide + 24) + "," + f(y - 4.5) + ")\"/>" +
           text_at(kPlot + kSide + 38, y, groups[k].name);
  }
  if (!notes.empty()) out += text_at(kPlot + 8, kTop + 18, notes[0].letter, "start", "strong");
  for (size_t k = 0; k < notes.size(); ++k) {
    y += 12;
    if (k > 0 && !notes[k].lines.empty())
      out += text_at(kPlot + kSide + 4, y, notes[k].letter, "start", "strong");
    for (const std::string& line : notes[k].lines) {
      out += text_at(kPlot + kSide + 19, y, line, "start", "small");
      y += 20;
    }
  }
  return out + "</svg>\n";
}

}  // namespace cawe::report
