// SPDX-License-Identifier: Apache-2.0
// Fuzzes label tables; the first byte chooses the column map.
#include "data/formats/annotations/label_csv.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  cawe::data::LabelCsvOptions options;
  options.csv = "f.csv";
  if (data[0] & 1) options.patient_column.clear();
  if (data[0] & 2) options.extension = ".png";
  if (data[0] & 4) {
    options.label_columns = {"a", "b"};
  } else if (data[0] & 8) {
    options.finding_column = "finding";
    options.finding_separator = "|";
    options.findings = {{"Mass", "mass"}, {"No Finding", ""}, {"Nodule", "nodule"}};
    if (data[0] & 16) options.findings.push_back({"*", "other"});
  }
  cawe::fuzz::expect_result_or_data_error([&] {
    const auto set =
        cawe::data::parse_label_csv({reinterpret_cast<const char*>(data) + 1, size - 1}, options);
    for (const auto& sample : set.samples) {
      FUZZ_CHECK(!sample.image_id.empty() && !sample.patient_id.empty());
      FUZZ_CHECK(sample.labels.size() == set.label_names.size());
      for (const float label : sample.labels) FUZZ_CHECK(label == 0 || label == 1 || label != label);
    }
  });
  return 0;
}
