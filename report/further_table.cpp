// SPDX-License-Identifier: Apache-2.0
#include "report/further_table.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "eval/further.h"
#include "eval/seed_figures.h"
#include "report/page/parts.h"
#include "report/statements.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::report {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/// Below so many lesion-free films a share of them moves by more than a tenth with each.
constexpr int64_t kFewNegatives = 10;

bool has_threshold(const eval::Evaluation& e) { return !std::isnan(e.at_threshold.threshold); }

/// The whole set's figure of one seed, its own interval by unit, and its draws (nullptr: there are none).
struct OfSeed {
  eval::Interval interval;
  const std::vector<double>* drawn = nullptr;
};

/// A figure of the table: its name in the file, its column on the page ("": only in the file), and where it is.
struct FurtherFigure {
  const char *name, *column;
  std::function<OfSeed(const eval::Evaluation&)> of;
  double most = 1;                ///< the largest value that it can have; the least is 0
  bool compared_on_page = false;  ///< its difference to the plain row has a column
};

eval::Interval area_to_limit(const eval::Evaluation& e) {
  for (const eval::FrocAreaRow& row : e.froc_area)
    if (row.limit == eval::kKeptAreaLimit) return row.area;
  fail(Code::internal, "evaluation without the area under FROC to ", eval::kKeptAreaLimit);
}

/// A figure that some evaluations have no value of: NaN there.
eval::Interval where_known(bool known, const eval::Interval& interval) {
  return known ? interval : eval::Interval{kNaN, kNaN, kNaN, 0, 0};
}

/// `at_threshold`: a row of the table has a threshold that was fixed on validation films.
std::vector<FurtherFigure> figures(ScoresAre scores, bool at_threshold) {
  using eval::Evaluation;
  const auto kept = [](const Evaluation& e, eval::FurtherKept k) {
    return k < e.further_drawn.size() ? &e.further_drawn[k] : nullptr;
  };
  return {{"wafroc", "wAFROC",
           [=](const Evaluation& e) {
             return OfSeed{e.jafroc.wafroc, kept(e, eval::kKeptWafroc)};
           }},
          {"jafroc", "JAFROC",
           [=](const Evaluation& e) {
             return OfSeed{e.jafroc.jafroc, kept(e, eval::kKeptJafroc)};
           }},
          {"froc_area_4", "FROC area to 4",
           [=](const Evaluation& e) {
             return OfSeed{area_to_limit(e), kept(e, eval::kKeptFrocArea)};
           }},
          {"lroc_area", "LROC area",
           [=](const Evaluation& e) {
             return OfSeed{e.lroc.area, kept(e, eval::kKeptLroc)};
           }},
          {"mean_sens", "mean of Sens@1–4",
           [](const Evaluation& e) {
             return OfSeed{e.mean_paper, e.drawn.empty() ? nullptr : &e.drawn.at(eval::kComparedMean)};
           }},
          {"mean_sens_lenient", "by second rule",
           [=](const Evaluation& e) {
             return OfSeed{e.sens_lenient.mean, kept(e, eval::kKeptLenientMean)};
           },
           1, true},
          {"lenient_gain", "",
           [](const Evaluation& e) {
             return OfSeed{{e.sens_lenient.mean.value - e.mean_paper.value, kNaN, kNaN, 0, 0}, nullptr};
           }},
          {"ece", "ECE",
           [=](const Evaluation& e) {
             return OfSeed{where_known(scores != ScoresAre::ranks, e.calibration.width.ece),
                           kept(e, eval::kKeptEce)};
           }},
          {"sens_at_threshold", at_threshold ? "sens. at fixed threshold" : "",
           [=](const Evaluation& e) {
             return OfSeed{where_known(has_threshold(e), e.at_threshold.sensitivity),
                           kept(e, eval::kKeptSensitivityAtThreshold)};
           }},
          {"fp_at_threshold", at_threshold ? "FP per image there" : "",
           [=](const Evaluation& e) {
             return OfSeed{where_known(has_threshold(e), e.at_threshold.fp_per_image),
                           kept(e, eval::kKeptFpAtThreshold)};
           },
           std::numeric_limits<double>::infinity()}};
}

bool any_threshold(const std::vector<FurtherLine>& lines) {
  for (const FurtherLine& line : lines)
    for (const eval::Evaluation* e : line.seeds)
      if (has_threshold(*e)) return true;
  return false;
}

/// A figure over the seeds of a row; of several, low and high are the mixed model's (eval/seed_figures.h).
struct Cell {
  int64_t undefined = 0;
  std::vector<double> by_seed;
  double value = kNaN, low = kNaN, high = kNaN, deviation = kNaN;
};

/// The figure of all seeds together; NaN where one seed's is: those that are left would be other seeds. Of one seed without
/// an interval.
Cell cell_of_seeds(const eval::SeedFigures& over, double level) {
  Cell cell;
  cell.by_seed = over.values;
  for (const double value : over.values) cell.undefined += std::isnan(value);
  cell.value = std::accumulate(over.values.begin(), over.values.end(), 0.0) / double(over.values.size());
  cell.deviation = eval::seed_deviation(over.values);
  if (over.values.size() == 1 || over.drawn.size() != over.values.size() || cell.undefined > 0) return cell;
  const eval::TInterval mixed = eval::mixed_model(over, level).interval;
  cell.low = mixed.low;
  cell.high = mixed.high;
  return cell;
}

Cell cell_of(const FurtherLine& line, const FurtherFigure& figure) {
  CAWE_CHECK(!line.seeds.empty(), Code::internal, "further figures: a row without evaluations");
  eval::SeedFigures over;
  over.patients = line.seeds[0]->patients;
  for (const eval::Evaluation* e : line.seeds) {
    const OfSeed one = figure.of(*e);
    over.values.push_back(one.interval.value);
    if (one.drawn != nullptr && !one.drawn->empty()) over.drawn.push_back(*one.drawn);
  }
  Cell cell = cell_of_seeds(over, line.seeds[0]->options.level);
  if (line.seeds.size() == 1) {
    const eval::Interval own = figure.of(*line.seeds[0]).interval;
    cell.low = own.low;
    cell.high = own.high;
  }
  return cell;
}

/// Minus the plain row: differences of the same seeds, and in each draw of the same films.
Cell difference_of(const FurtherLine& line, const FurtherFigure& figure) {
  if (line.plain.empty()) return {};
  CAWE_CHECK(line.plain.size() == line.seeds.size(), Code::internal, "further figures: ", line.label,
             " is compared with a row of other seeds");
  eval::SeedFigures over;
  over.patients = line.seeds[0]->patients;
  for (size_t k = 0; k < line.seeds.size(); ++k) {
    const OfSeed own = figure.of(*line.seeds[k]), plain = figure.of(*line.plain[k]);
    over.values.push_back(own.interval.value - plain.interval.value);
    if (own.drawn == nullptr || plain.drawn == nullptr || own.drawn->size() != plain.drawn->size() ||
        own.drawn->empty())
      continue;
    std::vector<double> drawn(own.drawn->size());
    std::transform(own.drawn->begin(), own.drawn->end(), plain.drawn->begin(), drawn.begin(),
                   std::minus<double>());
    over.drawn.push_back(std::move(drawn));
  }
  const double level = line.seeds[0]->options.level;
  Cell cell = cell_of_seeds(over, level);
  if (over.values.size() == 1 && over.drawn.size() == 1) {
    const eval::Interval one = eval::percentile_interval(cell.value, over.drawn[0], level);
    cell.low = one.low;
    cell.high = one.high;
  }
  return cell;
}

/// The interval ends where the figure's range does, as the table's of sensitivities do.
std::string cell_text(const Cell& cell, double most) {
  const size_t seeds = cell.by_seed.size();
  if (std::isnan(cell.value))
    return seeds > 1 && size_t(cell.undefined) < seeds
               ? "– (" + std::to_string(cell.undefined) + " of " + std::to_string(seeds) + " seeds)"
               : "–";
  const auto within = [&](double v) { return std::isnan(v) ? v : std::clamp(v, 0.0, most); };
  return page::fixed_or_dash(cell.value, 3) + " (" + page::fixed_or_dash(within(cell.low), 2) + " to " +
         page::fixed_or_dash(within(cell.high), 2) + ")";
}

std::string difference_text(const Cell& cell) {
  if (std::isnan(cell.value)) return "–";
  return signed_text(cell.value) +
         (std::isnan(cell.low) ? "" : " (" + signed_text(cell.low) + " to " + signed_text(cell.high) + ")");
}

/// From how many draws intervals and variances are, where that is not one number for all figures.
std::string further_draws(int64_t draws) {
  if (draws <= eval::kFurtherDraws) return "";
  return "; of the mean of Sens@1, 2, 3, 4 by the first rule from " + std::to_string(draws) +
         " draws, of the other figures from " + std::to_string(eval::kFurtherDraws);
}

/// Why cells are dashes.
std::string reasons(const std::vector<FurtherLine>& lines, ScoresAre scores) {
  const eval::Evaluation& first = *lines[0].seeds[0];
  std::string text;
  if (first.negatives == 0) text += " wAFROC, JAFROC and LROC need lesion-free films, and there are none.";
  if (first.negatives > 0 && first.negatives < kFewNegatives)
    text += " wAFROC, JAFROC and LROC take false positives from lesion-free films alone, here " +
            counted(first.negatives, "film") + ": too few to go by.";
  if (!first.lroc.undefined.empty()) text += " LROC is not defined: " + first.lroc.undefined + ".";
  if (scores == ScoresAre::ranks) return text + " Scores are ranks within folds: they have no calibration.";
  std::vector<std::string> why;
  for (const FurtherLine& line : lines)
    for (const eval::Evaluation* e : line.seeds)
      if (const std::string& u = e->calibration.undefined;
          !u.empty() && std::find(why.begin(), why.end(), u) == why.end())
        why.push_back(u);
  return why.empty() ? text : text + " Where ECE is not defined: " + listed(why) + ".";
}

}  // namespace

ReportTable further_table(const std::vector<FurtherLine>& lines, ScoresAre scores) {
  CAWE_CHECK(!lines.empty() && !lines[0].seeds.empty(), Code::internal, "further figures: no row");
  const eval::Evaluation& first = *lines[0].seeds[0];
  const bool several =
      std::any_of(lines.begin(), lines.end(), [](const FurtherLine& line) { return line.seeds.size() > 1; });
  const bool one =
      std::any_of(lines.begin(), lines.end(), [](const FurtherLine& line) { return line.seeds.size() == 1; });
  const bool at_threshold = any_threshold(lines);
  const bool compared =
      std::any_of(lines.begin(), lines.end(), [](const FurtherLine& line) { return !line.plain.empty(); });
  const std::string level = fixed(100 * first.options.level, 0) + " %";
  ReportTable t;
  t.title = "More figures of the same detections";
  t.caption =
      "Areas under AFROC (wAFROC: each film with lesions counts alike; JAFROC: each lesion), under FROC to 4 "
      "false positives per image (divided by 4) and under LROC; the mean of Sens@1, 2, 3, 4 by the first "
      "rule (" +
      eval::describe(first.options.froc) + ") and by a second one (" +
      eval::describe(first.sens_lenient.rule) +
      "): the difference is lesions that were pointed at with another outline. ECE: expected calibration "
      "error of scores as probabilities that a box is right, 10 bins of equal width." +
      (several ? " Mean over seeds and, in brackets, the " + level +
                     " interval of the mixed model, in which seeds and " + data::unit_words(first.unit) +
                     " are both drawn"
               : "") +
      (one ? (several ? "; of one seed" : " In brackets") + (" the " + level + " interval ") +
                 data::over_units(first.unit)
           : "") +
      further_draws(first.options.draws) + "." +
      (at_threshold ? " The fixed threshold is each training's own, chosen on validation films (its "
                      "results.json says how)."
                    : "") +
      (compared ? " “Minus plain”: by the second rule, paired by seed and film." : "") +
      " No difference between rows was tested by these figures, and nothing corrects for their number." +
      reasons(lines, scores);
  t.header = {"row"};
  for (const FurtherFigure& figure : figures(scores, at_threshold)) {
    if (*figure.column != 0) t.header.push_back(figure.column);
    if (compared && figure.compared_on_page) t.header.push_back("minus plain");
  }
  for (const FurtherLine& line : lines) {
    std::vector<std::string> cells{line.label};
    for (const FurtherFigure& figure : figures(scores, at_threshold)) {
      if (*figure.column != 0) cells.push_back(cell_text(cell_of(line, figure), figure.most));
      if (compared && figure.compared_on_page) cells.push_back(difference_text(difference_of(line, figure)));
    }
    t.rows.push_back(cells);
  }
  return t;
}

std::string further_csv(const std::vector<FurtherLine>& lines, ScoresAre scores) {
  const bool at_threshold = any_threshold(lines);
  std::string csv =
      csv_line({"detector", "enhancement", "figure", "seeds", "undefined_seeds", "value", "ci_low", "ci_high",
                "sd_seeds", "delta", "delta_low", "delta_high", "by_seed"});
  for (const FurtherLine& line : lines)
    for (const FurtherFigure& figure : figures(scores, at_threshold)) {
      const Cell c = cell_of(line, figure), d = difference_of(line, figure);
      csv += csv_line({line.detector, line.enhancement, figure.name, std::to_string(c.by_seed.size()),
                       std::to_string(c.undefined), csv_number(c.value), csv_number(c.low),
                       csv_number(c.high), csv_number(c.deviation), csv_number(d.value), csv_number(d.low),
                       csv_number(d.high), csv_numbers(c.by_seed)});
    }
  return csv;
}

}  // namespace cawe::report
