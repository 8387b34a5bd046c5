// SPDX-License-Identifier: Apache-2.0
// Further figures of a study's rows as a table and a file, by hand.
#include "report/further_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data/formats/table/csv.h"
#include "eval/further.h"
#include "tensor/error.h"
#include "tests/eval/golden_example.h"

namespace cawe::report {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// An evaluation whose figures are given; wAFROC, first rule, second rule, ECE.
eval::Evaluation given(double wafroc, double strict, double lenient, double ece) {
  eval::Evaluation e;
  e.negatives = 5;
  e.patients_known = true;
  const auto interval = [](double v) { return eval::Interval{v, v - .125, v + .125, 0, 0}; };
  e.jafroc = {interval(.5), interval(wafroc), interval(kNaN), interval(kNaN)};
  e.froc_area = {{4, interval(.25), false}, {8, interval(.75), false}};
  e.lroc.area = interval(kNaN);
  e.lroc.undefined = "2 films have several lesions";
  e.mean_paper = interval(strict);
  e.sens_lenient.rule = eval::lenient_rule(e.options.froc);
  e.sens_lenient.mean = interval(lenient);
  e.calibration.width.ece = interval(ece);
  // Draws that move alike in all evaluations: by 1/8 down and up.
  const auto drawn = [](double v) { return std::vector<double>{v - .125, v + .125, v - .125, v + .125}; };
  e.patients = 31;
  e.drawn.assign(eval::kCompared, drawn(strict));
  e.further_drawn.resize(eval::kFurtherKept);
  e.further_drawn[eval::kKeptWafroc] = drawn(wafroc);
  e.further_drawn[eval::kKeptJafroc] = drawn(.5);
  e.further_drawn[eval::kKeptFrocArea] = drawn(.25);
  e.further_drawn[eval::kKeptLenientMean] = drawn(lenient);
  e.further_drawn[eval::kKeptEce] = drawn(ece);
  return e;
}

/// The cell of a row and a column by its name.
std::string cell(const ReportTable& t, size_t row, const std::string& column) {
  for (size_t k = 0; k < t.header.size(); ++k)
    if (t.header[k] == column) return t.rows.at(row).at(k);
  return "no such column";
}

double number(const data::CsvTable& csv, const std::string& row, const std::string& figure,
              const char* column) {
  for (size_t r = 0; r < csv.rows(); ++r)
    if (csv.at(r, csv.column("enhancement")) == row && csv.at(r, csv.column("figure")) == figure)
      return csv.at(r, csv.column(column)).empty() ? kNaN : csv.number(r, csv.column(column));
  ADD_FAILURE() << row << " " << figure;
  return kNaN;
}

struct Rows {
  eval::Evaluation one = given(.5, .25, .375, .125), a = given(.25, .5, .5, .25), b = given(.5, .75, 1, kNaN);
  std::vector<FurtherLine> lines{{"retinanet", "none", "RetinaNet, plain", {&one}, {}},
                                 {"retinanet", "cawe", "RetinaNet, CAWE", {&a, &b}, {}}};
};

TEST(FurtherTable, IntervalOfOneSeedAndMixedModelsOfSeveral) {
  const Rows rows;
  const ReportTable t = further_table(rows.lines, ScoresAre::given);
  ASSERT_EQ(t.rows.size(), 2u);
  for (const auto& row : t.rows) EXPECT_EQ(row.size(), t.header.size());
  EXPECT_EQ(cell(t, 0, "wAFROC"), "0.500 (0.38 to 0.62)");
  // SciPy: SE^2 = 1/64 + 1/48 with 5.14 degrees of freedom, t = 2.5496.
  EXPECT_EQ(cell(t, 1, "wAFROC"), "0.375 (0.00 to 0.86)");
  EXPECT_EQ(cell(t, 0, "FROC area to 4"), "0.250 (0.12 to 0.38)");
  EXPECT_EQ(cell(t, 0, "mean of Sens@1–4"), "0.250 (0.12 to 0.38)");
  EXPECT_EQ(cell(t, 0, "by second rule"), "0.375 (0.25 to 0.50)");
  EXPECT_EQ(cell(t, 1, "by second rule"), "0.750 (0.00 to 1.00)");
  EXPECT_EQ(cell(t, 0, "ECE"), "0.125 (0.00 to 0.25)");
  EXPECT_EQ(cell(t, 1, "ECE"), "– (1 of 2 seeds)") << "what is left would be another set of seeds";
  EXPECT_EQ(cell(t, 0, "LROC area"), "–");
  EXPECT_EQ(cell(t, 1, "LROC area"), "–");
}

TEST(FurtherTable, TheCaptionSaysWhyAndByWhichRules) {
  Rows rows;
  rows.one.unit = data::FilmUnit::patient;
  const std::string text = further_table(rows.lines, ScoresAre::given).caption;
  for (const char* part :
       {"LROC is not defined: 2 films have several lesions.", "pointed at with another outline", "IoU >= 0.5",
        "interval of the mixed model, in which seeds and patients are both drawn; of one seed the 95 % "
        "interval over patients, for these weights: another seed's differ by more",
        "from 20000 draws, of the other figures from 2000", "No difference between rows was tested"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(text.find("need lesion-free"), std::string::npos);
  EXPECT_NE(text.find("lesion-free films alone, here 5 films: too few to go by."), std::string::npos);
  rows.one.negatives = 10;
  EXPECT_EQ(further_table(rows.lines, ScoresAre::given).caption.find("too few to go by"), std::string::npos);
  rows.one.negatives = 0;
  rows.one.unit = data::FilmUnit::image;
  rows.b.calibration.undefined = "there is nothing to be calibrated";
  const std::string other = further_table(rows.lines, ScoresAre::given).caption;
  EXPECT_NE(other.find("need lesion-free films"), std::string::npos);
  EXPECT_NE(other.find("over images"), std::string::npos);
  EXPECT_NE(other.find("Where ECE is not defined: there is nothing to be calibrated."), std::string::npos);
}

TEST(FurtherTable, RanksHaveNoCalibration) {
  const Rows rows;
  const ReportTable t = further_table(rows.lines, ScoresAre::ranks);
  EXPECT_EQ(cell(t, 0, "ECE"), "–");
  EXPECT_EQ(cell(t, 1, "ECE"), "–");
  EXPECT_NE(t.caption.find("ranks within folds"), std::string::npos);
  const auto csv = data::CsvTable::parse(further_csv(rows.lines, ScoresAre::ranks), "further.csv");
  EXPECT_TRUE(std::isnan(number(csv, "none", "ece", "value")));
  EXPECT_EQ(number(csv, "cawe", "ece", "undefined_seeds"), 2);
}

TEST(FurtherCsv, HasTheSameNumbersAndEmptyFields) {
  const Rows rows;
  const auto csv = data::CsvTable::parse(further_csv(rows.lines, ScoresAre::given), "further.csv");
  ASSERT_EQ(csv.rows(), 2u * 10);
  EXPECT_EQ(number(csv, "none", "wafroc", "value"), .5);
  EXPECT_EQ(number(csv, "none", "wafroc", "ci_low"), .375);
  EXPECT_EQ(number(csv, "none", "wafroc", "ci_high"), .625);
  EXPECT_TRUE(std::isnan(number(csv, "none", "wafroc", "sd_seeds")));
  EXPECT_EQ(number(csv, "none", "jafroc", "value"), .5);
  EXPECT_EQ(number(csv, "none", "froc_area_4", "value"), .25);
  EXPECT_EQ(number(csv, "none", "lenient_gain", "value"), .125);
  EXPECT_EQ(number(csv, "cawe", "lenient_gain", "value"), .125) << "of 0 and 0.25";
  EXPECT_DOUBLE_EQ(number(csv, "cawe", "mean_sens", "sd_seeds"), .125 * std::sqrt(2.0));
  EXPECT_NEAR(number(csv, "cawe", "mean_sens", "ci_low"), 0.1381614934020532, 1e-9) << "SciPy";
  EXPECT_NEAR(number(csv, "cawe", "mean_sens", "ci_high"), 1.1118385065979468, 1e-9);
  EXPECT_TRUE(std::isnan(number(csv, "cawe", "lenient_gain", "ci_low")))
      << "of a difference no draws are kept";
  EXPECT_TRUE(std::isnan(number(csv, "cawe", "sens_at_threshold", "value"))) << "no threshold was fixed";
  EXPECT_EQ(number(csv, "cawe", "mean_sens", "seeds"), 2);
  EXPECT_EQ(number(csv, "cawe", "ece", "undefined_seeds"), 1);
  EXPECT_TRUE(std::isnan(number(csv, "cawe", "ece", "value")));
  EXPECT_EQ(number(csv, "none", "lroc_area", "undefined_seeds"), 1);
}

TEST(FurtherTable, TheSecondRulesDifferenceIsPairedBySeedAndFilm) {
  Rows rows;
  EXPECT_EQ(cell(further_table(rows.lines, ScoresAre::given), 1, "minus plain"), "no such column");
  const eval::Evaluation other = given(.5, .25, .75, .125);
  rows.lines[1].plain = {&rows.one, &other};
  const ReportTable t = further_table(rows.lines, ScoresAre::given);
  for (const auto& row : t.rows) EXPECT_EQ(row.size(), t.header.size());
  EXPECT_NE(t.caption.find("“Minus plain”: by the second rule"), std::string::npos);
  EXPECT_EQ(cell(t, 0, "minus plain"), "–");
  // .5 - .375 and 1 - .75: SD .0884 over two seeds, and the draws of a row and of plain move alike, so that films add nothing.
  EXPECT_EQ(cell(t, 1, "minus plain"), "+0.188 (−0.607 to +0.982)") << "SciPy: t of one degree of freedom";
  const auto csv = data::CsvTable::parse(further_csv(rows.lines, ScoresAre::given), "further.csv");
  EXPECT_EQ(number(csv, "cawe", "mean_sens_lenient", "delta"), .1875);
  EXPECT_NEAR(number(csv, "cawe", "mean_sens_lenient", "delta_low"), -.6066378, 1e-6);
  EXPECT_NEAR(number(csv, "cawe", "mean_sens_lenient", "delta_high"), .9816378, 1e-6);
  EXPECT_EQ(number(csv, "cawe", "mean_sens", "delta"), .375);
  EXPECT_TRUE(std::isnan(number(csv, "cawe", "ece", "delta"))) << "undefined in one seed";
  EXPECT_TRUE(std::isnan(number(csv, "none", "mean_sens", "delta"))) << "compared with nothing";
  EXPECT_EQ(csv.at(15, csv.column("by_seed")), "0.5 1");
  // One seed: percentiles of the differences draw by draw, here of rows that move against each other.
  eval::Evaluation against = rows.a;
  for (double& v : against.further_drawn[eval::kKeptLenientMean]) v = 1 - v;
  rows.lines[1] = {"retinanet", "cawe", "RetinaNet, CAWE", {&against}, {&rows.one}};
  EXPECT_EQ(cell(further_table(rows.lines, ScoresAre::given), 1, "minus plain"), "+0.125 (−0.125 to +0.375)");
  rows.lines[1].plain = {&rows.one, &other};
  EXPECT_THROW(further_table(rows.lines, ScoresAre::given), Error);
}

TEST(FurtherTable, AFixedThresholdHasColumnsWhereThereIsOne) {
  Rows rows;
  EXPECT_EQ(cell(further_table(rows.lines, ScoresAre::given), 0, "FP per image there"), "no such column");
  rows.one.at_threshold = {.5, {.75, .5, .875, 0, 0}, {1.25, 1, 1.5, 0, 0}, 3, 5};
  const ReportTable t = further_table(rows.lines, ScoresAre::given);
  EXPECT_EQ(cell(t, 0, "sens. at fixed threshold"), "0.750 (0.50 to 0.88)");
  EXPECT_EQ(cell(t, 0, "FP per image there"), "1.250 (1.00 to 1.50)");
  EXPECT_EQ(cell(t, 1, "FP per image there"), "–");
  EXPECT_NE(t.caption.find("chosen on validation films"), std::string::npos);
}

TEST(FurtherCsv, TakesItsFiguresFromAnEvaluation) {
  eval::EvaluateOptions options;
  options.draws = 50;
  const eval::Evaluation e =
      eval::evaluate(eval::testing::golden_truth(), eval::testing::golden_detections(), options);
  const auto csv = data::CsvTable::parse(
      further_csv({{"retinanet", "none", "RetinaNet", {&e}, {}}}, ScoresAre::given), "further.csv");
  EXPECT_EQ(number(csv, "none", "wafroc", "value"), e.jafroc.wafroc.value);
  EXPECT_EQ(number(csv, "none", "jafroc", "value"), e.jafroc.jafroc.value);
  EXPECT_NE(e.jafroc.jafroc.value, e.jafroc.wafroc.value);
  EXPECT_EQ(number(csv, "none", "froc_area_4", "value"), e.froc_area[0].area.value);
  EXPECT_EQ(number(csv, "none", "mean_sens", "value"), e.mean_paper.value);
  EXPECT_EQ(number(csv, "none", "mean_sens_lenient", "value"), e.sens_lenient.mean.value);
  EXPECT_EQ(number(csv, "none", "ece", "value"), e.calibration.width.ece.value);
}

/// The draws that are kept of each figure are those that its own interval is made of.
TEST(FurtherCsv, KeepsTheDrawsOfEachFigure) {
  eval::EvaluateOptions options;
  options.draws = 50;
  options.threshold = .5;
  const eval::Evaluation e =
      eval::evaluate(eval::testing::golden_truth(), eval::testing::golden_detections(), options);
  ASSERT_EQ(e.further_drawn.size(), size_t(eval::kFurtherKept));
  const std::vector<std::pair<eval::FurtherKept, eval::Interval>> kept{
      {eval::kKeptWafroc, e.jafroc.wafroc},
      {eval::kKeptJafroc, e.jafroc.jafroc},
      {eval::kKeptFrocArea, e.froc_area[0].area},
      {eval::kKeptLenientMean, e.sens_lenient.mean},
      {eval::kKeptEce, e.calibration.width.ece},
      {eval::kKeptSensitivityAtThreshold, e.at_threshold.sensitivity},
      {eval::kKeptFpAtThreshold, e.at_threshold.fp_per_image}};
  for (const auto& [figure, interval] : kept) {
    const eval::Interval again =
        eval::percentile_interval(interval.value, e.further_drawn[figure], options.level);
    EXPECT_EQ(again.low, interval.low) << figure;
    EXPECT_EQ(again.high, interval.high) << figure;
  }
}

}  // namespace
}  // namespace cawe::report
