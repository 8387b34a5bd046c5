// SPDX-License-Identifier: Apache-2.0
// Reader of tables with a header row (RFC 4180, and what hospitals' tools make of it). Cells are written
// by tensor/io/format.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cawe::data {

/// A table with named columns. Accepted: a UTF-8 byte order mark, LF or CRLF, quoted fields (with
/// delimiters, doubled quotes and line breaks), a missing newline at the end, blank lines (or rows of empty
/// cells) at the end; commas, semicolons or tabs between the cells, whichever the header line has (or a
/// first line "sep=;" says); blanks around a column's name, which are cut off; a first column without a
/// name, which is a row number and left out; a delimiter behind the last name, as in NIH's
/// Data_Entry_2017.csv, with nothing below it. Everything else is an error of Code::data that names the
/// file and the line: rows of another width, a header in which two delimiters are possible, a quote inside
/// a bare field, text after a closing quote, a lone CR, NUL, a repeated column name, one without a name
/// elsewhere, and more than the limits below.
class CsvTable {
 public:
  static constexpr size_t kMaxBytes = size_t(1) << 30;
  static constexpr size_t kMaxColumns = 10000, kMaxCellBytes = size_t(1) << 20, kMaxCells = size_t(1) << 26;

  static CsvTable read(const std::string& path);
  static CsvTable parse(std::string_view text, const std::string& name);

  const std::string& name() const { return name_; }
  const std::vector<std::string>& header() const { return header_; }
  size_t rows() const { return lines_.size(); }
  /// Index of a column by its name; throws data naming the nearest one and ten of those that are there, and behind
  /// them `what_to_do`.
  size_t column(const std::string& name, const std::string& what_to_do = "") const;
  bool has_column(const std::string& name) const;
  const std::string& at(size_t row, size_t column) const { return cells_[row * header_.size() + column]; }

  /// "PATH: line 7": where messages about a row begin. Lines count from 1, the header's is 1.
  std::string where(size_t row) const;
  /// The cell without blanks around it: what an id or a word is.
  std::string word(size_t row, size_t column) const;
  /// The cell as a finite number, blanks around it allowed; throws data, naming line and column, where it
  /// is anything else (also "1x" and "nan"). Between semicolons or tabs a comma may stand for the point.
  /// Where every comma of the column has three digits behind it ("1,234") it may as well group thousands,
  /// and where other cells have points, nobody knows: both are refused.
  double number(size_t row, size_t column) const;

 private:
  bool comma_is_point(size_t row, size_t column) const;

  std::string name_;
  char delimiter_ = ',';
  std::vector<std::string> header_, cells_;
  std::vector<size_t> lines_;
  mutable std::vector<signed char>
      commas_;  ///< of a column: what a comma in a number is; 0: not looked at yet
};

/// What a cell of a column with answers says: 1 for "1", "1.0", TRUE, yes, y, t (any case), 0 for "0", FALSE, no, n, f,
/// and so for TRUE and FALSE of German, French, Spanish and Italian spreadsheets (WAHR, FALSCH, VRAI, FAUX, ...); NaN for
/// nothing and for NA, N/A, NaN, <NA> (unknown). False where it is anything else.
bool parse_answer(std::string_view cell, float* answer);

/// Text without blanks (space, tab, no-break space) at its ends.
std::string_view trimmed(std::string_view text);

/// A line of a table that assigns images to patients.
struct PatientLine {
  std::string image, patient, where;  ///< where: its file and line, for messages
};
/// Reads the columns image (or RSNA's patientId; as it is written) and patient (or patient_id) of any table.
/// Throws data for an empty patient.
std::vector<PatientLine> read_patient_lines(const std::string& path);
std::vector<PatientLine> patient_lines(const CsvTable& table);

}  // namespace cawe::data
