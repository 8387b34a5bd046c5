// SPDX-License-Identifier: Apache-2.0
// Figure 4: curves, their points and intervals by the table of what is drawn.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <set>

#include "report/charts/svg.h"
#include "report/page/parts.h"
#include "tests/report/drawn.h"
#include "tests/report/made_up_report.h"

namespace cawe::report {
namespace {

using testing::count;
using testing::table;
using testing::where;

/// A step curve's value at x, from the rows of the figure's table.
double read(const data::CsvTable& csv, const ReportRow& row, const char* part, double x, const char* column) {
  double found = std::nan("");
  for (const size_t i : where(csv, "part", part)) {
    if (csv.at(i, 0) != page::detector_label(row.detector) ||
        csv.at(i, 1) != page::method_label(row.enhancement))
      continue;
    if (std::string(part) == "curve" ? csv.number(i, 3) <= x : csv.number(i, 3) == x)
      found = csv.number(i, csv.column(column));
  }
  return found;
}

TEST(Figure4, DrawsEveryRowInThePapersOrderWithItsInterval) {
  const Report report = testing::made_up_report(0);
  const Figure figure = figure_froc(report.rows);
  EXPECT_EQ(count(figure.svg, "<circle class=\"sens\""), 2 * 6 * 4u)
      << "two detectors, six methods, at 1, 2, 3, 4";
  EXPECT_EQ(count(figure.svg, "<circle class=\"seed\""), 5 * 6 * 4u) << "five seeds of one detector";
  EXPECT_LT(figure.svg.find("Faster R-CNN</text>"), figure.svg.find("RetinaNet</text>"));
  for (const char* letter : {">a<", ">b<"})
    EXPECT_EQ(count(figure.svg, std::string("class=\"strong\"") + letter), 1u);
  const data::CsvTable csv = table(figure);
  EXPECT_EQ(csv.at(0, csv.column("detector")), "Faster R-CNN");
  EXPECT_EQ(csv.at(0, csv.column("enhancement")), "Plain");
  for (const ReportRow& row : report.rows) {
    // With one seed the band at two false positives is the row's own interval.
    if (row.seed_sens.size() == 1) {
      EXPECT_EQ(read(csv, row, "interval", 2, "sensitivity"), row.sens[1].value);
      EXPECT_EQ(read(csv, row, "interval", 2, "low"), row.sens[1].low);
      EXPECT_EQ(read(csv, row, "interval", 2, "high"), row.sens[1].high);
    }
    if (row.seed_sens.size() > 1) {
      // The band's covariance is of the first kBandDraws draws.
      EXPECT_NEAR(read(csv, row, "interval", 2, "low"), std::max(0.0, row.sens[1].low), 2e-3);
      EXPECT_NEAR(read(csv, row, "interval", 2, "high"), std::min(1.0, row.sens[1].high), 2e-3);
    }
    EXPECT_EQ(read(csv, row, "sens", 2, "low"), row.sens[1].low);
    EXPECT_EQ(read(csv, row, "seed", 3, "sensitivity"), row.seed_sens.back()[2]);
  }
}

TEST(Figure4, PointsLieOnTheirCurvesByBothAxes) {
  const Report report = testing::made_up_report(0);
  const Figure figure = figure_froc(report.rows);
  EXPECT_EQ(figure.other_name, "figure4-log");
  const data::CsvTable csv = table(figure);
  for (const ReportRow& row : report.rows) {
    double seeds = 0;
    for (const auto& of_seed : row.seed_sens) seeds += of_seed[2] / double(row.seed_sens.size());
    EXPECT_NEAR(row.sens[2].value, seeds, 1e-12);
    for (size_t k = 0; k < 4; ++k) {
      const double n = double(k + 1), on_curve = read(csv, row, "curve", n, "sensitivity");
      EXPECT_NEAR(row.sens[k].value, on_curve, 1e-12)
          << row.detector << " " << row.enhancement << " at " << n;
      if (row.control) continue;
      // The panels' axes: 0 … 8 and 1/16 … 8 over 434 from 62, sensitivities over 300 upward from 340.
      const double panel = row.detector == "retinanet" ? 540 : 0, y = 340 - 300 * on_curve;
      const double even = panel + 62 + 434 * n / 8, octaves = panel + 62 + 434 * std::log2(16 * n) / 7;
      for (const auto& [svg, x] :
           {std::pair<const std::string&, double>{figure.svg, even}, {figure.other_svg, octaves}})
        EXPECT_NE(svg.find("cx=\"" + fixed(x, 2) + "\" cy=\"" + fixed(y, 2) + "\""), std::string::npos)
            << row.enhancement << " at " << n;
    }
  }
}

/// A row with a curve, all that a drawing of its look needs.
ReportRow drawn_row(const std::string& enhancement, bool control) {
  ReportRow row;
  row.detector = "retinanet";
  row.enhancement = enhancement;
  row.control = control;
  row.line.points = {{0, .5, .5, .5}, {8, .9, .1, .1}};
  return row;
}

/// The paper's six rows and `others` more, controls or not.
std::vector<ReportRow> drawn_rows(size_t others, bool controls) {
  std::vector<ReportRow> rows;
  for (const char* name : {"none", "afda", "medga", "color", "cawe", "color+cawe"})
    rows.push_back(drawn_row(name, false));
  for (size_t k = 0; k < others; ++k) rows.push_back(drawn_row("form " + std::to_string(k), controls));
  return rows;
}

std::string without_colour(std::string text) {
  for (size_t at = text.find("var(--s"); at != std::string::npos; at = text.find("var(--s"))
    text.erase(at, text.find(')', at) + 1 - at);
  return text;
}

TEST(Figure4, CurvesDifferWithoutColour) {
  for (const size_t others : {7u, 18u}) {
    const std::vector<ReportRow> rows = drawn_rows(others, false);
    const std::vector<size_t> colours = page::row_colours(rows);
    std::set<std::string> looks, dashes, marks;
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::string path = without_colour(svg::curve_path({0, 1, 0, 1}, {{1, 1}}, false, colours[i], ""));
      const std::string mark = without_colour(svg::mark_at(0, 0, colours[i], false, ""));
      looks.insert(path + mark);
      if (i >= series_count()) continue;
      dashes.insert(path);
      marks.insert(mark);
    }
    EXPECT_EQ(looks.size(), rows.size()) << "two rows have the same dashes and marks";
    EXPECT_EQ(dashes.size(), series_count()) << "as long as there are some, each row has dashes of its own";
    EXPECT_EQ(marks.size(), series_count());
  }
}

TEST(Figure4, ThePagesKeyTellsAllRowsApart) {
  Report report;
  report.rows = drawn_rows(18, true);
  const std::string html = report_html(report);
  std::set<std::string> samples;
  for (size_t at = html.find("<svg class=\"sample\""); at != std::string::npos;
       at = html.find("<svg class=\"sample\"", at + 1))
    samples.insert(without_colour(html.substr(at, html.find("</svg>", at) - at)));
  EXPECT_EQ(samples.size(), report.rows.size());
  // Whatever their dashes, curves have colours that the page's style sheet knows.
  for (size_t k = series_count(); k < 10 * series_count(); ++k)
    EXPECT_EQ(html.find("var(--s" + std::to_string(k) + ")"), std::string::npos) << k;
}

/// A text of a drawing's key, and where it begins.
struct KeyText {
  double x, y;
  std::string text;
};

/// Texts below the panels, in the order in which they are drawn.
std::vector<KeyText> key_of(const std::string& svg) {
  std::vector<KeyText> key;
  for (size_t at = svg.find("<text x=\""); at != std::string::npos; at = svg.find("<text x=\"", at + 1)) {
    const size_t y = svg.find("y=\"", at), from = svg.find('>', at) + 1;
    key.push_back({std::stod(svg.substr(at + 9)), std::stod(svg.substr(y + 3)),
                   svg.substr(from, svg.find('<', from) - from)});
    if (key.back().y < 400) key.pop_back();
  }
  return key;
}

/// Where it ends at least: letters of 13 px are 7 wide on average.
double end_of(const KeyText& text) { return text.x + 7 * double(text.text.size()); }

TEST(Figure4, NamesOfTheKeyFitTheirColumnsAndTheDrawing) {
  const std::string channel = "shuffled map, CAWE as a channel", longest(120, 'n');
  for (const std::string& name : {std::string("form"), channel, longest}) {
    std::vector<ReportRow> rows = drawn_rows(3, true);
    rows.push_back(drawn_row(name, true));
    rows.push_back(drawn_row(name + "s", true));
    for (const bool two : {false, true}) {
      if (two) {
        const ReportRow last = rows.back();
        rows.push_back(last);
        rows.back().detector = "faster_rcnn";
      }
      const std::string svg = figure_froc(rows).svg;
      const double width = std::stod(svg.substr(svg.find("viewBox=\"0 0 ") + 13));
      const std::vector<KeyText> key = key_of(svg);
      ASSERT_EQ(key.size(), rows.size());
      for (const KeyText& a : key) {
        EXPECT_LE(end_of(a), width) << a.text;
        for (const KeyText& b : key) {
          if (b.y != a.y || b.x <= a.x) continue;
          EXPECT_LE(end_of(a), b.x - 48) << a.text << " and " << b.text << ", whose sample stands before it";
        }
      }
      EXPECT_EQ(std::count_if(key.begin(), key.end(), [](const KeyText& t) { return t.y < 413; }),
                (name == "form" ? 2 : 1) + (two ? 1 : 0))
          << "two columns where names are short";
      if (name == longest)
        EXPECT_GT(width, 840) << "wider than the panels";
      else
        EXPECT_EQ(width, two ? 1048 : 508);
    }
  }
}

}  // namespace
}  // namespace cawe::report
