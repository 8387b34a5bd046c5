// SPDX-License-Identifier: Apache-2.0
// Fuzzes the CSV reader: what it accepts must survive being written and read again.
#include <string>
#include <string_view>
#include <vector>

#include "data/formats/table/csv.h"
#include "tensor/io/format.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using cawe::data::CsvTable;
  cawe::fuzz::expect_result_or_data_error([&] {
    const CsvTable table = CsvTable::parse({reinterpret_cast<const char*>(data), size}, "f.csv");
    if (table.header().size() == 1) return;  // written without quotes, a semicolon in the name divides it
    std::string text = cawe::csv_line(table.header());
    std::vector<size_t> written;
    for (size_t row = 0; row < table.rows(); ++row) {
      std::vector<std::string> fields;
      bool blank = true;
      for (size_t column = 0; column < table.header().size(); ++column) {
        fields.push_back(table.at(row, column));
        blank = blank && table.word(row, column).empty();
      }
      if (blank) continue;  // it had but a row number, which is not written: it would read as a blank line
      text += cawe::csv_line(fields);
      written.push_back(row);
    }
    const CsvTable again = CsvTable::parse(text, "g.csv");
    FUZZ_CHECK(again.rows() == written.size());
    FUZZ_CHECK(again.header() == table.header());
    for (size_t row = 0; row < written.size(); ++row)
      for (size_t column = 0; column < table.header().size(); ++column)
        FUZZ_CHECK(again.at(row, column) == table.at(written[row], column));
  });
  return 0;
}
