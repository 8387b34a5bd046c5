// SPDX-License-Identifier: Apache-2.0
// Reliability diagrams, three in a row.
#include "report/figures/reliability.h"

#include <algorithm>
#include <cmath>

#include "report/charts/svg.h"
#include "report/figures/draw.h"
#include "tensor/error.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

constexpr size_t kInARow = 3;
constexpr double kPanelWidth = 356, kPanelHeight = 452, kPlot = 280, kCounts = 50;

/// Where a panel's square [0, 1] x [0, 1] lies.
struct Plot {
  double left, top;
  double x(double score) const { return left + kPlot * score; }
  double y(double share) const { return top + kPlot * (1 - share); }
  double counts_bottom() const { return top + kPlot + 12 + kCounts; }
};

std::string axes(const Plot& p, const std::string& items) {
  std::string out;
  for (int i = 0; i <= 5; ++i) {
    const double at = 0.2 * i;
    out += svg::line_at(p.x(0), p.y(at), p.x(1), p.y(at)) +
           svg::text_at(p.left - 8, p.y(at) + 4.5, svg::number(at), "end", "soft") +
           svg::text_at(p.x(at), p.counts_bottom() + 18, svg::number(at), "middle", "soft");
  }
  out += svg::line_at(p.x(0), p.counts_bottom(), p.x(1), p.counts_bottom());
  out += "<path class=\"diagonal\" d=\"M" + svg::number(p.x(0)) + " " + svg::number(p.y(0)) + "L" +
         svg::number(p.x(1)) + " " + svg::number(p.y(1)) +
         "\" fill=\"none\" stroke=\"var(--soft)\" stroke-dasharray=\"4 4\"/>";
  out += svg::text_at(p.x(0.5), p.counts_bottom() + 38, "mean score of the " + items + " in a bin", "middle",
                      "soft");
  return out + "<text class=\"soft\" transform=\"translate(" + svg::number(p.left - 38) + "," +
         svg::number(p.y(0.5)) + ") rotate(-90)\" text-anchor=\"middle\">share that is right</text>";
}

/// How many items each bin has: bars from the lowest line, with numbers on end.
std::string counts(const Plot& p, const std::vector<eval::CalibrationBin>& bins) {
  int64_t most = 1;
  for (const eval::CalibrationBin& bin : bins) most = std::max(most, bin.items);
  std::string out;
  for (const eval::CalibrationBin& bin : bins) {
    const double height = kCounts * double(bin.items) / double(most), left = p.x(bin.low) + 1.5,
                 width = kPlot * (bin.high - bin.low) - 3;
    out += "<rect class=\"count\" x=\"" + svg::number(left) + "\" y=\"" +
           svg::number(p.counts_bottom() - height, 2) + "\" width=\"" + svg::number(width) + "\" height=\"" +
           svg::number(height, 2) + "\" fill=\"var(--rule)\"/>" +
           "<text class=\"small\" transform=\"translate(" + svg::number(left + width / 2 + 4) + "," +
           svg::number(p.counts_bottom() - 3) + ") rotate(-90)\">" + std::to_string(bin.items) + "</text>";
  }
  return out;
}

/// Bins as dots with intervals, joined in their order.
std::string dots(const Plot& p, const std::vector<eval::CalibrationBin>& bins) {
  std::string line, out;
  for (const eval::CalibrationBin& bin : bins) {
    const std::string x = svg::number(p.x(bin.mean_score), 2), y = svg::number(p.y(bin.share.value), 2);
    line += (line.empty() ? "M" : "L") + x + " " + y;
    if (!std::isnan(bin.share.low))
      out += "<path class=\"whisker\" d=\"M" + x + " " + svg::number(p.y(bin.share.low), 2) + "V" +
             svg::number(p.y(bin.share.high), 2) + "\" stroke=\"" + svg::colour(0) +
             "\" stroke-width=\"1.2\"/>";
    out += "<circle class=\"bin\" cx=\"" + x + "\" cy=\"" + y + "\" r=\"3.4\" fill=\"" + svg::colour(0) +
           "\" stroke=\"var(--ground)\" stroke-width=\".8\"/>";
  }
  return "<path class=\"line control\" stroke=\"" + svg::colour(0) + "\" d=\"" + line + "\"/>" + out;
}

std::string panel_svg(const ReliabilityPanel& panel, const std::string& letter, double x, double y) {
  const Plot p{x + 60, y + 52};
  std::string out = svg::lettered(p.left, y + 20, letter, panel.title);
  if (!panel.undefined.empty())
    return out + svg::text_at(p.left, p.top + 24, "not defined: " + panel.undefined, "start", "small");
  out += axes(p, panel.items) + counts(p, panel.bins.bins) + dots(p, panel.bins.bins);
  const eval::Interval& ece = panel.bins.ece;
  const std::string interval =
      std::isnan(ece.low) ? "" : " (" + fixed(ece.low, 3) + " to " + fixed(ece.high, 3) + ")";
  out += svg::text_at(p.left, y + 40, "ECE " + fixed(ece.value, 3) + interval, "start", "small");
  return out;
}

std::string panel_csv(const ReliabilityPanel& panel, const std::string& letter) {
  std::string csv;
  for (const eval::CalibrationBin& b : panel.bins.bins)
    csv += csv_line({letter, panel.title, panel.items, csv_number(b.low), csv_number(b.high),
                     std::to_string(b.items), std::to_string(b.ones), csv_number(b.mean_score),
                     csv_number(b.share.value), csv_number(b.share.low), csv_number(b.share.high)});
  return csv;
}

/// "a" … "z", then "aa", "ab" …
std::string letter_of(size_t k) {
  return (k < 26 ? "" : std::string(1, char('a' + k / 26 - 1))) + char('a' + k % 26);
}

}  // namespace

Figure figure_reliability(const std::vector<ReliabilityPanel>& panels, const std::string& about,
                          data::FilmUnit unit) {
  CAWE_CHECK(!panels.empty(), Code::internal, "figure 5: no panel");
  Figure figure;
  figure.name = "figure5";
  figure.title = "Figure 5: are scores probabilities?";
  figure.caption =
      "Reliability: in ten bins of equal width, the share that is right over the mean score, with intervals "
      "over " +
      data::unit_words(unit) +
      "; on the dashed line both are equal. Bars and numbers below: how many each bin has. ECE: "
      "expected calibration error, whose interval may lie above it. " +
      about;
  figure.csv = csv_line({"panel", "title", "items_are", "bin_low", "bin_high", "items", "right", "mean_score",
                         "share", "low", "high"});
  std::string parts;
  for (size_t k = 0; k < panels.size(); ++k) {
    parts += panel_svg(panels[k], letter_of(k), kPanelWidth * double(k % kInARow),
                       kPanelHeight * double(k / kInARow));
    figure.csv += panel_csv(panels[k], letter_of(k));
  }
  const size_t rows = (panels.size() + kInARow - 1) / kInARow;
  const double width = kPanelWidth * double(kInARow);  // of fewer panels, too: one scale for all
  figure.svg =
      svg::begin({figure.title, figure.caption}, width, kPanelHeight * double(rows)) + parts + "</svg>\n";
  return figure;
}

}  // namespace cawe::report
