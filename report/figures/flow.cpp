// SPDX-License-Identifier: Apache-2.0
// The flow of films as boxes and arrows.
#include "report/figures/flow.h"

#include <algorithm>

#include "report/charts/svg.h"
#include "report/figures/draw.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::report {
namespace {

constexpr double kWidth = 1080, kMain = 40, kSide = 520, kBox = 380, kLine = 20;
constexpr size_t kInARow = 5;
const std::string kHead = "flow-arrow";

/// A frame around lines of text; returns its height in `height`.
std::string frame(double x, double y, double width, const std::vector<std::string>& lines, double* height) {
  *height = 16 + kLine * double(lines.size());
  std::string out = "<rect x=\"" + svg::number(x) + "\" y=\"" + svg::number(y) + "\" width=\"" +
                    svg::number(width) + "\" height=\"" + svg::number(*height) +
                    "\" rx=\"4\" fill=\"none\" class=\"grid\"/>";
  for (size_t k = 0; k < lines.size(); ++k)
    out += svg::text_at(x + 12, y + 22 + kLine * double(k), lines[k], "start", k == 0 ? "strong" : "");
  return out;
}

std::string arrow(double x1, double y1, double x2, double y2) {
  return svg::arrow(
      "M" + svg::number(x1) + " " + svg::number(y1) + "L" + svg::number(x2) + " " + svg::number(y2), kHead);
}

int64_t sum_rejected(const FilmFlow& f) {
  int64_t sum = 0;
  for (const auto& reason : f.rejected) sum += reason.second;
  return sum;
}

std::vector<std::string> fold_lines(const FilmFlow::Fold& fold, data::FilmUnit unit) {
  std::vector<std::string> lines{fold.name, counted(fold.films, "film"),
                                 std::to_string(fold.with_lesion) + " with a lesion",
                                 counted(fold.lesions, "lesion")};
  if (unit != data::FilmUnit::image) lines.push_back(data::counted_units(fold.units, unit));
  return lines;
}

std::string flow_csv(const FilmFlow& f) {
  std::string csv = csv_line({"stage", "name", "films", "with_lesion", "lesions", "units"});
  csv += csv_line({"found", "", std::to_string(f.found), "", "", ""});
  for (const auto& [reason, films] : f.rejected)
    csv += csv_line({"rejected", reason, std::to_string(films), "", "", ""});
  csv += csv_line({"not annotated", "", std::to_string(f.not_annotated), "", "", ""});
  for (const FilmFlow::Fold& fold : f.folds)
    csv += csv_line({"fold", fold.name, std::to_string(fold.films), std::to_string(fold.with_lesion),
                     std::to_string(fold.lesions), std::to_string(fold.units)});
  return csv;
}

}  // namespace

Figure figure_flow(const FilmFlow& f) {
  const int64_t rejected = sum_rejected(f), read = f.found - rejected, used = read - f.not_annotated;
  int64_t in_folds = 0;
  for (const FilmFlow::Fold& fold : f.folds) in_folds += fold.films;
  CAWE_CHECK(in_folds == used, Code::internal, "film flow: ", in_folds, " films in folds, ", used,
             " left of ", f.found);
  Figure figure;
  figure.name = "flow";
  figure.title = "Film flow";
  figure.caption = "Films of the detectors' data set, from the files that were found to the folds.";
  std::string parts = svg::arrow_head(kHead);
  double y = 16, height = 0, side = 0;
  const auto step = [&](const std::vector<std::string>& lines, const std::vector<std::string>& gone) {
    parts += frame(kMain, y, kBox, lines, &height);
    const double middle = y + height / 2;
    parts +=
        frame(kSide, y, kWidth - kSide - 40, gone, &side) + arrow(kMain + kBox, middle, kSide - 6, middle);
    const double next = y + std::max(height, side) + 34;
    parts += arrow(kMain + kBox / 2, y + height, kMain + kBox / 2, next - 6);
    y = next;
  };
  std::vector<std::string> reasons{std::to_string(rejected) + " rejected"};
  for (const auto& [reason, films] : f.rejected) reasons.push_back(reason + ": " + std::to_string(films));
  step({counted(f.found, "film") + " found"}, reasons);
  step({counted(read, "film") + " read"}, {std::to_string(f.not_annotated) + " without box annotation"});
  parts += frame(kMain, y, kBox, {counted(used, "film") + " used"}, &height);
  const double top = y + height + 34;
  y = top;
  const double width = (kWidth - 80 - 16.0 * (kInARow - 1)) / kInARow;
  double tallest = 0;
  for (size_t k = 0; k < f.folds.size(); ++k) {
    if (k > 0 && k % kInARow == 0) y += tallest + 16;
    const double x = kMain + (width + 16) * double(k % kInARow);
    parts += frame(x, y, width, fold_lines(f.folds[k], f.unit), &tallest);
    if (k < kInARow) parts += arrow(kMain + kBox / 2, top - 34, x + width / 2, top - 6);
  }
  figure.svg = svg::begin({figure.title, figure.caption}, kWidth, y + tallest + 16) + parts + "</svg>\n";
  figure.csv = flow_csv(f);
  return figure;
}

}  // namespace cawe::report
