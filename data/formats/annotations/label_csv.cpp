// SPDX-License-Identifier: Apache-2.0
// Label tables to samples.
#include "data/formats/annotations/label_csv.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>

#include "data/dataset.h"
#include "data/formats/table/csv.h"
#include "data/formats/table/persons.h"
#include "data/image_files.h"
#include "data/subject.h"
#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

std::vector<std::string> split_words(const std::string& text, const std::string& separator) {
  if (separator.empty()) return {text};
  std::vector<std::string> words;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != text.npos; begin = end + separator.size())
    words.push_back(text.substr(begin, end - begin));
  words.push_back(text.substr(begin));
  return words;
}

/// CheXpert and MIMIC write -1 where the report leaves a finding open.
bool is_uncertain(std::string_view cell) {
  const std::string_view word = trimmed(cell);
  return word == "-1" || word == "-1.0" || word == "-1,0";
}

/// Whether a column's name says that it is a fact of the film or its place in the table, whatever stands in it: Sex,
/// PatientAge, "Image Index", study_no. "No Finding" and "Skin fold" are none.
bool names_a_fact(const std::string& column) {
  if (begins_with(column, "Unnamed: ")) return true;
  static const std::vector<std::string> kFacts = split_words(
      "sex gender age view position viewposition appa frontallateral laterality width height fold split id "
      "uid index "
      "no nr number num date time followup name path file filename",
      " ");
  std::string word;
  for (const char c : lower(column))
    if (std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) > 127) word += c;
  for (const std::string whose :
       {"patient", "person", "subject", "image", "film", "study", "series", "exam"}) {
    if (!begins_with(word, whose)) continue;
    word.erase(0, whose.size());
    break;
  }
  return word.empty() || std::count(kFacts.begin(), kFacts.end(), word) > 0;
}

/// The columns that are labels by what stands in them, for label_columns = {"*"}.
class LabelColumns {
 public:
  /// `others`: columns that are read as something else.
  LabelColumns(const CsvTable& table, const std::set<std::string>& others) : table_(table), others_(others) {}

  /// `warning` says which columns are taken and which are not: a name or a cell may mislead.
  std::vector<std::string> find(std::string* warning) const {
    std::vector<std::string> names, taken, left;
    for (size_t column = 0; column < table_.header().size(); ++column) {
      const std::string& name = table_.header()[column];
      if (others_.count(name)) continue;
      const bool label = !names_a_fact(name) && holds_answers(column);
      if (label) names.push_back(name);
      (label ? taken : left).push_back(printable(name, 80));
    }
    CAWE_CHECK(!names.empty(), Code::data, table_.name(),
               ": no column holds labels (expected one with 1 and 0, TRUE and FALSE or yes and no, or "
               "data.label_columns, or data.finding_column)");
    *warning = detail::concat(table_.name(), ": taken as labels: ", listed(taken),
                              "; left out: ", left.empty() ? "nothing" : listed(left),
                              " (name the labels in data.label_columns if that is not right)");
    return names;
  }

 private:
  bool holds_answers(size_t column) const {
    const std::string& name = table_.header()[column];
    size_t answers = 0, said = 0, open = 0, odd = 0;  // odd: the first row whose cell is no answer
    for (size_t row = 0; row < table_.rows(); ++row) {
      float answer = 0;
      const bool uncertain = is_uncertain(table_.at(row, column));
      const bool good = uncertain || parse_answer(table_.at(row, column), &answer);
      if (good && std::isnan(answer)) continue;
      if (!good && said == answers) odd = row;
      ++said;
      answers += good;
      open += uncertain;
    }
    CAWE_CHECK(
        answers == said || answers * 10 < said * 9, Code::data, table_.where(odd), ": ", name, " is '",
        table_.at(odd, column), "', while ", answers, " of ", said,
        " cells of this column are 1, 0, yes or no: is it a label? (correct the cell, or name the labels in "
        "data.label_columns)");
    return said > open && answers == said;
  }

  const CsvTable& table_;
  const std::set<std::string> others_;
};

class Reader {
 public:
  Reader(CsvTable table, const LabelCsvOptions& options)
      : table_(std::move(table)),
        options_(options),
        image_(table_.column(options.image_column, "data.image_column names it")),
        files_({options.images_dir, options.root, options.allow_outside}) {
    const bool by_finding = !options.finding_column.empty();
    CAWE_CHECK(options.label_columns.empty() || !by_finding, Code::usage, options.csv,
               ": give label columns or a finding column, not both");
    if (!options.patient_column.empty())
      patient_ = table_.column(options.patient_column,
                               "data.patient_column names it, \"\" where persons are not known");
    const LabelCsvOptions usual;
    sex_ = known(options.sex_column, usual.sex_column);
    age_ = known(options.age_column, usual.age_column);
    view_ = known(options.view_column, usual.view_column);
    out_.label_names = options.label_columns;
    if (options.label_columns == std::vector<std::string>{"*"})
      out_.label_names = LabelColumns(table_, {options.image_column, options.patient_column,
                                               options.sex_column, options.age_column, options.view_column})
                             .find(&out_.warnings.emplace_back());
    for (const std::string& name : out_.label_names)
      columns_.push_back(
          table_.column(name, "data.label_columns names them, [\"*\"] takes every column of 0 and 1"));
    for (const size_t column : columns_) check_coding(column);
    if (by_finding) {
      columns_ = {table_.column(options.finding_column, "data.finding_column names it")};
      CAWE_CHECK(!options.findings.empty(), Code::usage, options.csv, ": column '", options.finding_column,
                 "' needs a map from its words to labels");
      for (const auto& [word, label] : options.findings)
        if (!label.empty() && label_index(label) == out_.label_names.size())
          out_.label_names.push_back(label);
    }
    source_ = options.source;
    if (source_.empty()) source_ = std::filesystem::path(options.csv).parent_path().filename().string();
    out_.patients_known = !options.patient_column.empty();
  }

  Dataset read() {
    for (size_t row = 0; row < table_.rows(); ++row) add(row);
    const std::vector<std::string> ids = image_ids(named_);
    // An image that is its own patient keeps its name without ending, as in a folder without a table.
    const bool itself = options_.patient_column.empty() || options_.patient_column == options_.image_column;
    for (size_t i = 0; i < out_.samples.size(); ++i) {
      Sample& sample = out_.samples[i];
      sample.image_id = ids[place_of_[i]];
      if (itself)
        sample.patient_id =
            (options_.patient_column.empty() ? "" : options_.patient_prefix) + sample.image_id;
    }
    warn_of_unknown();
    out_.counts["rows"] = int64_t(table_.rows());
    count_samples(&out_);
    return std::move(out_);
  }

 private:
  size_t label_index(const std::string& label) const {
    const auto& names = out_.label_names;
    return size_t(std::find(names.begin(), names.end(), label) - names.begin());
  }

  void add(size_t row) {
    const std::string where = table_.where(row), file = table_.at(row, image_);
    CAWE_CHECK(!trimmed(file).empty(), Code::data, where, ": ", options_.image_column, " is empty");
    const ImageFiles::Found found =
        files_.find(file, options_.extension, where + ": " + options_.image_column);
    named_.push_back({found.name, where});
    Sample sample;
    sample.source = source_;
    sample.path = found.path;
    sample.where = where;
    if (!options_.patient_column.empty()) {
      const std::string patient = table_.word(row, patient_);
      const bool itself = options_.patient_column == options_.image_column;
      if (!itself && names_nobody(patient))
        return reject(sample, options_.patient_column, row,
                      patient.empty() ? "is empty" : "is '" + patient + "', which names nobody");
      sample.patient_id = options_.patient_prefix + patient;
      persons_.add(sample.patient_id, where, itself);
    }
    if (sex_) sample.sex = parse_sex(table_.at(row, *sex_));
    if (age_) sample.age = parse_age(table_.at(row, *age_));
    if (view_) sample.view = parse_view(table_.at(row, *view_));
    const bool good =
        options_.finding_column.empty() ? read_columns(row, &sample) : read_finding(row, &sample);
    if (!good) return;
    place_of_.push_back(named_.size() - 1);
    out_.samples.push_back(std::move(sample));
  }

  /// A column that may be missing if it has the usual name; another name was asked for and must exist.
  std::optional<size_t> known(const std::string& column, const std::string& usual) const {
    if (!table_.has_column(column) && column == usual) return {};
    return table_.column(column);
  }

  void reject(const Sample& sample, const std::string& field, size_t row, const std::string& reason) {
    out_.rejected.push_back({sample.path, field, table_.where(row) + ": " + reason});
  }

  /// Where a column has -1 and no 0, its -1 may mean "no". Refused where nothing else stands for that.
  void check_coding(size_t column) {
    int64_t yes = 0, open = 0, empty = 0;
    for (size_t row = 0; row < table_.rows(); ++row) {
      float answer = 0;
      if (is_uncertain(table_.at(row, column)))
        ++open;
      else if (!parse_answer(table_.at(row, column), &answer))
        continue;  // its film is rejected
      else if (answer == 0)
        return;
      else
        ++(std::isnan(answer) ? empty : yes);
    }
    if (open == 0) return;
    const std::string name = printable(table_.header()[column], 80);
    CAWE_CHECK(
        yes == 0 || empty > 0, Code::data, table_.name(), ": ", name,
        " has cells 1 and -1 and none is 0 or empty: is -1 \"no\"? (expected 0 for no; -1 is uncertain)");
    without_no_.push_back(name);
  }

  void warn_of_unknown() {
    if (uncertain_ > 0)
      out_.warnings.push_back(
          detail::concat(table_.name(), ": ", counted(uncertain_, "label"), uncertain_ == 1 ? " is" : " are",
                         " -1 (uncertain): unknown, as an empty cell",
                         without_no_.empty() ? "" : "; no cell is 0 (no) in: " + listed(without_no_)));
    if (unnamed_ > 0)
      out_.warnings.push_back(detail::concat(
          table_.name(), ": ", counted(unnamed_, "film"), " whose ", printable(options_.finding_column, 80),
          " names nothing (first: ", first_unnamed_, unnamed_ == 1 ? ") has" : ") have",
          " unknown labels; a rule for that word, as \" = \" for an empty cell, makes them healthy"));
  }

  bool read_columns(size_t row, Sample* sample) {
    for (const size_t column : columns_) {
      float value = std::numeric_limits<float>::quiet_NaN();
      const bool uncertain = is_uncertain(table_.at(row, column));
      uncertain_ += uncertain;
      if (!uncertain && !parse_answer(table_.at(row, column), &value)) {
        reject(*sample, table_.header()[column], row,
               "is '" + table_.at(row, column) + "' (expected 1, 0, TRUE, FALSE, yes, no or nothing)");
        return false;
      }
      sample->labels.push_back(value);
    }
    return true;
  }

  bool has_rule(const std::string& word) const {
    return std::any_of(options_.findings.begin(), options_.findings.end(),
                       [&](const auto& rule) { return rule.first == word; });
  }

  bool read_finding(size_t row, Sample* sample) {
    const std::string& cell = table_.at(row, columns_[0]);
    // Nobody said that this film is healthy, whatever a rule for "*" makes of other words.
    if (names_nobody(cell) && !has_rule(std::string(trimmed(cell)))) {
      sample->labels.assign(out_.label_names.size(), std::numeric_limits<float>::quiet_NaN());
      if (unnamed_++ == 0) first_unnamed_ = table_.where(row).substr(table_.name().size() + 2);
      return true;
    }
    sample->labels.assign(out_.label_names.size(), 0.f);
    for (const std::string& part : split_words(cell, options_.finding_separator)) {
      const std::string word(trimmed(part));
      const std::string* label = nullptr;
      for (const auto& [known, target] : options_.findings)
        if (known == word || (known == "*" && !label)) label = &target;
      CAWE_CHECK(label, Code::data, table_.where(row), ": ", options_.finding_column, " '", word,
                 "' is not in the map (expected a label for it, \"\" for none, or a rule for \"*\")");
      if (!label->empty()) sample->labels[label_index(*label)] = 1;
    }
    return true;
  }

  CsvTable table_;
  const LabelCsvOptions& options_;
  size_t image_, patient_ = 0;
  std::vector<size_t> columns_;
  std::optional<size_t> sex_, age_, view_;
  std::string source_;
  ImageFiles files_;
  PersonSpellings persons_;
  std::vector<NamedImage> named_;  // of every row
  std::vector<size_t> place_of_;   // of a sample, in named_
  int64_t uncertain_ = 0;
  std::vector<std::string> without_no_;  // columns with -1 of which no cell is 0
  int64_t unnamed_ = 0;                  // films whose finding names nothing
  std::string first_unnamed_;            // its line
  Dataset out_;
};

}  // namespace

Dataset read_label_csv(const LabelCsvOptions& options) {
  return Reader(CsvTable::read(options.csv), options).read();
}

Dataset parse_label_csv(std::string_view text, const LabelCsvOptions& options) {
  return Reader(CsvTable::parse(text, options.csv), options).read();
}

}  // namespace cawe::data
