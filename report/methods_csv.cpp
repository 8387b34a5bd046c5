// SPDX-License-Identifier: Apache-2.0
#include "report/methods_csv.h"

#include <cmath>
#include <limits>

#include "report/statements.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

using Fields = std::vector<std::string>;

const Fields kColumns = {"detector",
                         "enhancement",
                         "kind",
                         "seeds",
                         "footing",
                         "mean",
                         "low",
                         "high",
                         "sd_seeds",
                         "delta",
                         "delta_low",
                         "delta_high",
                         "p",
                         "p_holm",
                         "family",
                         "verdict",
                         "patients_low",
                         "patients_high",
                         "p_patients",
                         "films_fixed_low",
                         "films_fixed_high",
                         "two_level_low",
                         "two_level_high",
                         "calibrated_low",
                         "calibrated_high",
                         "standard_error",
                         "df",
                         "var_seeds",
                         "var_patients",
                         "var_rest",
                         "minimum_detectable",
                         "units",
                         "lesions",
                         "draws",
                         "by_seed",
                         "split_unit"};

std::string footing_key(eval::Footing footing) {
  return footing == eval::Footing::method      ? "method"
         : footing == eval::Footing::few_seeds ? "few_seeds"
                                               : "weights_only";
}

std::string support_key(Support support) {
  switch (support) {
    case Support::gain:
      return "gain";
    case Support::loss:
      return "loss";
    case Support::none:
      return "none";
    case Support::no_verdict:
      return "no_verdict";
    case Support::undefined:
      return "undefined";
  }
  return "";
}

void add(Fields* fields, std::initializer_list<double> numbers) {
  for (const double n : numbers) fields->push_back(csv_number(n));
}

void add_difference(const ReportRow& row, Fields* fields) {
  const eval::Interval& d = row.delta_mean.interval;
  add(fields, {d.value, d.low, d.high, row.delta_mean.p, row.p_holm});
  fields->push_back(std::isnan(row.p_holm) ? "" : std::to_string(row.family));
  fields->push_back(support_key(support(claim_of(row))));
  const eval::MethodFigure& f = row.difference.figures[eval::kComparedMean];
  add(fields, {f.patients.interval.low, f.patients.interval.high, f.patients.p});
  if (row.difference.footing == eval::Footing::weights_only) {
    fields->resize(fields->size() + 6);
    const double variance = f.mixed.components.patients;
    add(fields, {std::sqrt(variance), kNaN, kNaN, variance, kNaN});
  } else {
    add(fields, {f.films_fixed.low, f.films_fixed.high, f.two_level.interval.low, f.two_level.interval.high,
                 f.two_level_calibrated.low, f.two_level_calibrated.high, f.mixed.interval.standard_error,
                 f.mixed.interval.df, f.mixed.components.seeds, f.mixed.components.patients,
                 f.mixed.components.rest});
  }
  add(fields, {f.minimum_detectable});
}

}  // namespace

std::string methods_csv(const std::vector<MethodLine>& lines) {
  std::string text = csv_line(kColumns);
  for (const MethodLine& line : lines) {
    const ReportRow& row = *line.row;
    Fields fields{line.detector, line.enhancement, line.kind, std::to_string(row.own.seeds),
                  footing_key(row.own.footing)};
    add(&fields, {row.mean.value, row.mean.low, row.mean.high, eval::seed_deviation(row.seed_means())});
    if (row.baseline)
      fields.resize(fields.size() + 22);
    else
      add_difference(row, &fields);
    for (const int64_t n : {row.own.patients, row.own.lesions, row.own.draws})
      fields.push_back(std::to_string(n));
    fields.push_back(csv_numbers(row.seed_means()));
    fields.emplace_back(data::unit_key(row.unit));
    text += csv_line(fields);
  }
  return text;
}

}  // namespace cawe::report
