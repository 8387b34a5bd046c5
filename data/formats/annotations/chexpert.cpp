// SPDX-License-Identifier: Apache-2.0
// CheXpert's CSV to samples.
#include "data/formats/annotations/chexpert.h"

#include <filesystem>
#include <limits>
#include <unordered_set>

#include "data/dataset.h"
#include "data/formats/table/csv.h"
#include "data/image_files.h"
#include "data/subject.h"
#include "tensor/error.h"

namespace cawe::data {
namespace {

float label_value(const CsvTable& table, size_t row, size_t column, const ChexpertOptions& options) {
  constexpr float kMasked = std::numeric_limits<float>::quiet_NaN();
  const std::string& cell = table.at(row, column);
  if (cell.empty()) return options.blank == ChexpertOptions::Blank::zero ? 0.f : kMasked;
  const double value = table.number(row, column);
  if (value == 0 || value == 1) return float(value);
  CAWE_CHECK(value == -1, Code::data, table.where(row), ": ", table.header()[column], " is '", cell,
             "' (expected 1, 0, -1 or nothing)");
  if (options.uncertain == ChexpertOptions::Uncertain::ignore) return kMasked;
  return options.uncertain == ChexpertOptions::Uncertain::ones ? 1.f : 0.f;
}

/// Ids from the last three parts of ".../patient00001/study1/view1_frontal.jpg".
void ids_from_path(const CsvTable& table, size_t row, const std::string& path, Sample* sample) {
  const std::filesystem::path p(path);
  const std::string study = p.parent_path().filename().string();
  const std::string patient = p.parent_path().parent_path().filename().string();
  CAWE_CHECK(patient.rfind("patient", 0) == 0 && study.rfind("study", 0) == 0, Code::data, table.where(row),
             ": Path is '", path, "' (expected …/patientN/studyN/FILE)");
  sample->patient_id = patient;
  sample->image_id = patient + "_" + study + "_" + stem(path);
}

}  // namespace

const std::vector<std::string>& chexpert_labels() {
  static const std::vector<std::string> labels = {"No Finding",       "Enlarged Cardiomediastinum",
                                                  "Cardiomegaly",     "Lung Opacity",
                                                  "Lung Lesion",      "Edema",
                                                  "Consolidation",    "Pneumonia",
                                                  "Atelectasis",      "Pneumothorax",
                                                  "Pleural Effusion", "Pleural Other",
                                                  "Fracture",         "Support Devices"};
  return labels;
}

Dataset read_chexpert(const ChexpertOptions& options) {
  const CsvTable table = CsvTable::read(options.csv);
  const size_t path_column = table.column("Path"), view_column = table.column("Frontal/Lateral");
  std::vector<size_t> columns;
  for (const std::string& label : chexpert_labels()) columns.push_back(table.column(label));

  Dataset out;
  out.label_names = chexpert_labels();
  out.counts["rows"] = int64_t(table.rows());
  std::unordered_set<std::string> seen;
  ImageFiles files({options.root, "", options.allow_outside});
  for (size_t row = 0; row < table.rows(); ++row) {
    Sample sample;
    for (const size_t column : columns) sample.labels.push_back(label_value(table, row, column, options));
    const std::string& view = table.at(row, view_column);
    CAWE_CHECK(view == "Frontal" || view == "Lateral", Code::data, table.where(row), ": Frontal/Lateral is '",
               view, "' (expected Frontal or Lateral)");
    if ((options.views == ChexpertOptions::Views::frontal && view != "Frontal") ||
        (options.views == ChexpertOptions::Views::lateral && view != "Lateral"))
      continue;
    std::string path = table.word(row, path_column);
    if (path.rfind(options.strip_prefix, 0) == 0) path = path.substr(options.strip_prefix.size());
    const ImageFiles::Found found = files.place(path, table.where(row) + ": Path");
    path = found.name;
    ids_from_path(table, row, path, &sample);
    CAWE_CHECK(seen.insert(sample.image_id).second, Code::data, table.where(row), ": image '",
               sample.image_id, "' comes twice");
    sample.source = "chexpert";
    if (table.has_column("Sex")) sample.sex = parse_sex(table.at(row, table.column("Sex")));
    if (table.has_column("Age")) sample.age = parse_age(table.at(row, table.column("Age")));
    if (table.has_column("AP/PA")) sample.view = parse_view(table.at(row, table.column("AP/PA")));
    if (sample.view.empty() && view == "Lateral") sample.view = "LATERAL";
    sample.path = found.path;
    sample.where = table.where(row);
    out.samples.push_back(std::move(sample));
  }
  count_samples(&out);
  return out;
}

}  // namespace cawe::data
