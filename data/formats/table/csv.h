// SPDX-License-Identifier: Apache-2.0
// Strict reader of comma-separated tables (RFC 4180 with a header row). Their cells are written by
// tensor/io/format.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cawe::data {

/// A table with named columns. Accepted: a UTF-8 byte order mark, LF or CRLF, quoted fields (with commas,
/// doubled quotes and line breaks), a missing newline at the end, blank lines at the end. Everything else is
/// an error of Code::data that names the file and the line: rows of another width, a quote inside a bare
/// field, text after a closing quote, a lone CR, NUL, a repeated or empty column name.
class CsvTable {
 public:
  static constexpr size_t kMaxBytes = size_t(1) << 30;

  static CsvTable read(const std::string& path);
  static CsvTable parse(std::string_view text, const std::string& name);

  const std::string& name() const { return name_; }
  const std::vector<std::string>& header() const { return header_; }
  size_t rows() const { return lines_.size(); }
  /// Index of a column by its name; throws data naming the nearest one that is there.
  size_t column(const std::string& name) const;
  bool has_column(const std::string& name) const;
  const std::string& at(size_t row, size_t column) const { return cells_[row * header_.size() + column]; }

  /// "PATH: line 7": where messages about a row begin. Lines count from 1, the header's is 1.
  std::string where(size_t row) const;
  /// The cell as a finite number; throws data where it is anything else (also "1x", "nan", " 1").
  double number(size_t row, size_t column) const;

 private:
  std::string name_;
  std::vector<std::string> header_, cells_;
  std::vector<size_t> lines_;
};

/// A line of a table that assigns images to patients.
struct PatientLine {
  std::string image, patient, where;  ///< where: its file and line, for messages
};
/// Reads the columns image (or RSNA's patientId) and patient (or patient_id) of any table. Throws data for an
/// empty patient.
std::vector<PatientLine> read_patient_lines(const std::string& path);

}  // namespace cawe::data
