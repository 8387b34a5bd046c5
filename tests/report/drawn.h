// SPDX-License-Identifier: Apache-2.0
// What is in a drawing or page, and in the table of what is drawn.
#pragma once

#include <string>
#include <vector>

#include "data/formats/table/csv.h"
#include "report/figures/figure.h"

namespace cawe::report::testing {

inline size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

inline data::CsvTable table(const Figure& figure) { return data::CsvTable::parse(figure.csv, figure.name); }

/// Rows whose column has the given text.
inline std::vector<size_t> where(const data::CsvTable& csv, const char* column, const std::string& text) {
  std::vector<size_t> rows;
  for (size_t i = 0; i < csv.rows(); ++i)
    if (csv.at(i, csv.column(column)) == text) rows.push_back(i);
  return rows;
}

}  // namespace cawe::report::testing
