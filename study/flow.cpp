// SPDX-License-Identifier: Apache-2.0
// Which films a study is made from: found, rejected, in each fold; and of whom they are.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "eval/subgroups.h"
#include "report/figures/flow.h"
#include "study/study.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::study {
namespace {

const std::string kNotStated = "not stated", kAll = "all";

/// Counts of some films.
struct Films {
  int64_t films = 0, with_lesion = 0, lesions = 0;
  std::set<std::string> units;
  void add(const data::Sample& s) {
    ++films;
    with_lesion += !s.boxes.empty();
    lesions += int64_t(s.boxes.size());
    units.insert(s.patient_id);
  }
};

/// A fold's films, and those of its annotated ones that have one value of an attribute.
struct Fold {
  std::string name;
  Films read, used;
  int64_t not_annotated = 0;
  std::map<std::string, std::map<std::string, Films>> by;  ///< "sex" -> "F" -> films; not stated: ""
  std::vector<float> ages;

  void add(const data::Sample& s) {
    read.add(s);
    if (!s.has_box_annotation) {
      ++not_annotated;
      return;
    }
    used.add(s);
    by["lesion"][s.boxes.empty() ? "no" : "yes"].add(s);
    by["sex"][s.sex].add(s);
    by["age"][eval::age_group(double(s.age))].add(s);
    by["view"][s.view].add(s);
    if (!std::isnan(s.age)) ages.push_back(s.age);
  }
};

/// train, val, test; numbers by size; others by name.
bool comes_before(const std::string& a, const std::string& b) {
  const auto key = [](const std::string& name) {
    const std::vector<std::string> usual{"train", "val", "test"};
    const int64_t at = std::find(usual.begin(), usual.end(), name) - usual.begin();
    double number = 0;
    const bool is_number = parse_number(name, &number);
    return std::tuple<int64_t, bool, double, std::string>(at, !is_number, number, name);
  };
  return key(a) < key(b);
}

/// Folds in their order, all films together last.
std::vector<Fold> folds_of(const train::SplitData& data) {
  std::vector<std::string> names(data.split.fold.begin(), data.split.fold.end());
  std::sort(names.begin(), names.end(), comes_before);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::vector<Fold> folds;
  for (const std::string& name : names) folds.push_back({name, {}, {}, 0, {}, {}});
  folds.push_back({kAll, {}, {}, 0, {}, {}});
  for (size_t i = 0; i < data.dataset.samples.size(); ++i) {
    const size_t at = size_t(std::find(names.begin(), names.end(), data.split.fold[i]) - names.begin());
    folds[at].add(data.dataset.samples[i]);
    folds.back().add(data.dataset.samples[i]);
  }
  return folds;
}

/// "F 40, M 38, not stated 2"
std::string shares(const std::map<std::string, Films>& groups) {
  std::string out, unknown;
  for (const auto& [name, films] : groups) {
    std::string& text = name.empty() ? unknown : out;
    text +=
        (text.empty() ? "" : ", ") + (name.empty() ? kNotStated : name) + " " + std::to_string(films.films);
  }
  return out.empty() || unknown.empty() ? out + unknown : out + ", " + unknown;
}

/// "median 52 (18 to 90)" and how many do not say it.
std::string ages(std::vector<float> known, int64_t films) {
  if (known.empty()) return kNotStated;
  std::sort(known.begin(), known.end());
  const double middle = 0.5 * (double(known[(known.size() - 1) / 2]) + double(known[known.size() / 2]));
  const int64_t unknown = films - int64_t(known.size());
  return "median " + rounded(middle, 3) + " (" + rounded(double(known.front()), 3) + " to " +
         rounded(double(known.back()), 3) + ")" +
         (unknown > 0 ? ", " + kNotStated + " " + std::to_string(unknown) : "");
}

std::string flow_csv(const data::Dataset& dataset, const std::vector<Fold>& folds) {
  const auto units = [](const Films& f) { return std::to_string(f.units.size()); };
  std::string csv = csv_line({"stage", "fold", "attribute", "value", "films", "units", "lesions"});
  csv += csv_line(
      {"found", kAll, "", "", std::to_string(dataset.samples.size() + dataset.rejected.size()), "", ""});
  std::map<std::pair<std::string, std::string>, int64_t> reasons;
  for (const data::Rejected& r : dataset.rejected) ++reasons[{r.field, r.reason}];
  for (const auto& [reason, films] : reasons)
    csv += csv_line({"rejected", kAll, reason.first, reason.second, std::to_string(films), "", ""});
  for (const Fold& fold : folds) {
    csv += csv_line({"read", fold.name, "", "", std::to_string(fold.read.films), units(fold.read),
                     std::to_string(fold.read.lesions)});
    csv += csv_line({"not annotated", fold.name, "", "", std::to_string(fold.not_annotated), "", ""});
    csv += csv_line({"used", fold.name, "", "", std::to_string(fold.used.films), units(fold.used),
                     std::to_string(fold.used.lesions)});
    for (const auto& [attribute, groups] : fold.by)
      for (const auto& [value, films] : groups)
        csv += csv_line({"used", fold.name, attribute, value.empty() ? kNotStated : value,
                         std::to_string(films.films), units(films), std::to_string(films.lesions)});
  }
  return csv;
}

/// How many films were rejected for each field.
std::map<std::string, int64_t> rejected_by_field(const data::Dataset& dataset) {
  std::map<std::string, int64_t> fields;
  for (const data::Rejected& r : dataset.rejected) ++fields[r.field];
  return fields;
}

/// Which folds train, as a sentence behind another one.
std::string who_trains(const Strings& train) {
  return train.empty() ? " Each fold is tested by detectors that the others trained."
                       : " Detectors train on " + listed(train) + ".";
}

report::ReportTable flow_table(const data::Dataset& dataset, data::FilmUnit unit,
                               const std::vector<Fold>& folds) {
  std::vector<std::string> reasons;
  for (const auto& [field, films] : rejected_by_field(dataset))
    reasons.push_back(field + " " + std::to_string(films));
  report::ReportTable t;
  t.title = "Films of each fold";
  t.caption =
      "The detectors' data set: " +
      counted(int64_t(dataset.samples.size() + dataset.rejected.size()), "film") + " found, " +
      std::to_string(dataset.rejected.size()) + " rejected" +
      (reasons.empty() ? "" : " (" + listed(reasons) + ")") +
      ". Figures behind “used” are of films that were searched for boxes. films_flow.csv has the reasons and "
      "age groups.";
  t.header = {"fold",    "films",   "without box annotation", "used", "with a lesion",
              "without", "lesions", data::unit_words(unit),   "sex",  "age in years",
              "view"};
  for (const Fold& fold : folds) {
    const auto of = [&](const char* attribute) {
      const auto found = fold.by.find(attribute);
      return found == fold.by.end() ? std::string("–") : shares(found->second);
    };
    const Films& used = fold.used;
    t.rows.push_back({fold.name, std::to_string(fold.read.films), std::to_string(fold.not_annotated),
                      std::to_string(used.films), std::to_string(used.with_lesion),
                      std::to_string(used.films - used.with_lesion), std::to_string(used.lesions),
                      std::to_string(used.units.size()), of("sex"), ages(fold.ages, used.films), of("view")});
  }
  return t;
}

report::FilmFlow flow_of(const data::Dataset& dataset, data::FilmUnit unit, const std::vector<Fold>& folds) {
  report::FilmFlow flow;
  flow.unit = unit;
  flow.found = int64_t(dataset.samples.size() + dataset.rejected.size());
  for (const auto& [field, films] : rejected_by_field(dataset)) flow.rejected.emplace_back(field, films);
  flow.not_annotated = folds.back().not_annotated;
  for (const Fold& fold : folds)
    if (&fold != &folds.back())
      flow.folds.push_back({fold.name, fold.used.films, fold.used.with_lesion, fold.used.lesions,
                            int64_t(fold.used.units.size())});
  return flow;
}

}  // namespace

void study_flow(StudyResult& study) {
  const data::Dataset& dataset = study.data.dataset;
  const std::vector<Fold> folds = folds_of(study.data);
  write_file(study.out + "/films_flow.csv", flow_csv(dataset, folds));
  study.tables.push_back(flow_table(dataset, study.data.unit, folds));
  study.drawings.push_back(report::figure_flow(flow_of(dataset, study.data.unit, folds)));
  for (std::string* caption : {&study.tables.back().caption, &study.drawings.back().caption})
    *caption += who_trains(study.train_folds);
}

}  // namespace cawe::study
