// SPDX-License-Identifier: Apache-2.0
// Label tables to samples.
#include "data/formats/annotations/label_csv.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
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

/// The columns that are labels by what stands in them, for label_columns = {"*"}.
class LabelColumns {
 public:
  LabelColumns(const CsvTable& table, const std::vector<std::string>& others) : table_(table) {
    for (const std::string& name : others) others_.insert(lower(name));
    for (const char* name :
         {"sex", "gender", "age", "view", "width", "height", "fold", "split", "id", "index"})
      others_.insert(name);
  }

  std::vector<std::string> find() const {
    std::vector<std::string> names;
    for (size_t column = 0; column < table_.header().size(); ++column)
      if (is_label(column)) names.push_back(table_.header()[column]);
    CAWE_CHECK(!names.empty(), Code::data, table_.name(),
               ": no column holds labels (expected one with 1 and 0, TRUE and FALSE or yes and no, or "
               "data.label_columns, or data.finding_column)");
    return names;
  }

 private:
  bool is_label(size_t column) const {
    const std::string& name = table_.header()[column];
    if (others_.count(lower(name)) || name.rfind("Unnamed: ", 0) == 0) return false;
    size_t answers = 0, said = 0, odd = 0;  // odd: the first row whose cell is no answer
    for (size_t row = 0; row < table_.rows(); ++row) {
      float answer = 0;
      const bool good = parse_answer(table_.at(row, column), &answer);
      if (good && std::isnan(answer)) continue;
      if (!good && said == answers) odd = row;
      ++said;
      answers += good;
    }
    CAWE_CHECK(
        answers == said || answers * 10 < said * 9, Code::data, table_.where(odd), ": ", name, " is '",
        table_.at(odd, column), "', while ", answers, " of ", said,
        " cells of this column are 1, 0, yes or no: is it a label? (correct the cell, or name the labels in "
        "data.label_columns)");
    return said > 0 && answers == said;
  }

  const CsvTable& table_;
  std::set<std::string> others_;
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
                             .find();
    for (const std::string& name : out_.label_names)
      columns_.push_back(
          table_.column(name, "data.label_columns names them, [\"*\"] takes every column of 0 and 1"));
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

  bool read_columns(size_t row, Sample* sample) {
    for (const size_t column : columns_) {
      float value = 0;
      if (!parse_answer(table_.at(row, column), &value)) {
        reject(*sample, table_.header()[column], row,
               "is '" + table_.at(row, column) + "' (expected 1, 0, TRUE, FALSE, yes, no or nothing)");
        return false;
      }
      sample->labels.push_back(value);
    }
    return true;
  }

  bool read_finding(size_t row, Sample* sample) {
    sample->labels.assign(out_.label_names.size(), 0.f);
    for (const std::string& part : split_words(table_.at(row, columns_[0]), options_.finding_separator)) {
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
