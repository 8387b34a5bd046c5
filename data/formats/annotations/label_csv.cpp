// SPDX-License-Identifier: Apache-2.0
// Label tables to samples.
#include "data/formats/annotations/label_csv.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <unordered_set>

#include "data/dataset.h"
#include "data/formats/table/csv.h"
#include "data/subject.h"
#include "tensor/error.h"
#include "tensor/io/format.h"

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

class Reader {
 public:
  Reader(CsvTable table, const LabelCsvOptions& options)
      : table_(std::move(table)), options_(options), image_(table_.column(options.image_column)) {
    const bool by_finding = !options.finding_column.empty();
    CAWE_CHECK(options.label_columns.empty() || !by_finding, Code::usage, options.csv,
               ": give label columns or a finding column, not both");
    if (!options.patient_column.empty()) patient_ = table_.column(options.patient_column);
    const LabelCsvOptions usual;
    sex_ = known(options.sex_column, usual.sex_column);
    age_ = known(options.age_column, usual.age_column);
    view_ = known(options.view_column, usual.view_column);
    for (const std::string& name : options.label_columns) columns_.push_back(table_.column(name));
    out_.label_names = options.label_columns;
    if (by_finding) {
      columns_ = {table_.column(options.finding_column)};
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
    std::string file = table_.at(row, image_);
    CAWE_CHECK(!file.empty(), Code::data, table_.where(row), ": ", options_.image_column, " is empty");
    if (!options_.extension.empty() && std::filesystem::path(file).extension() != options_.extension)
      file += options_.extension;
    Sample sample;
    sample.image_id = sample.patient_id = stem(file);
    CAWE_CHECK(!sample.image_id.empty(), Code::data, table_.where(row), ": ", options_.image_column, " '",
               file, "' names a folder (expected a file)");
    sample.source = source_;
    sample.path = (std::filesystem::path(options_.images_dir) / file).string();
    CAWE_CHECK(seen_.insert(sample.image_id).second, Code::data, table_.where(row), ": image '",
               sample.image_id, "' has a row already");
    if (!options_.patient_column.empty()) {
      // An image that is its own patient keeps its name without extension, as in a folder without a table.
      const bool itself = options_.patient_column == options_.image_column;
      const std::string& patient = itself ? sample.image_id : table_.at(row, patient_);
      if (patient.empty()) return reject(sample, options_.patient_column, row, "is empty");
      sample.patient_id = options_.patient_prefix + patient;
    }
    if (sex_) sample.sex = parse_sex(table_.at(row, *sex_));
    if (age_) sample.age = parse_age(table_.at(row, *age_));
    if (view_) sample.view = parse_view(table_.at(row, *view_));
    const bool good =
        options_.finding_column.empty() ? read_columns(row, &sample) : read_finding(row, &sample);
    if (good) out_.samples.push_back(std::move(sample));
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
      const std::string& cell = table_.at(row, column);
      double value = std::numeric_limits<double>::quiet_NaN();
      if (!cell.empty() && (!parse_number(cell, &value) || (value != 0 && value != 1))) {
        reject(*sample, table_.header()[column], row, "is '" + cell + "' (expected 1, 0 or nothing)");
        return false;
      }
      sample->labels.push_back(float(value));
    }
    return true;
  }

  bool read_finding(size_t row, Sample* sample) {
    sample->labels.assign(out_.label_names.size(), 0.f);
    for (const std::string& word : split_words(table_.at(row, columns_[0]), options_.finding_separator)) {
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
  std::unordered_set<std::string> seen_;
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
