// SPDX-License-Identifier: Apache-2.0
// Strict CSV in one pass; every irregularity is an error with its line.
#include "data/formats/table/csv.h"

#include <set>

#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

/// Splits a text into records. A record is a list of fields; `line` is where it began.
class Scanner {
 public:
  Scanner(std::string_view text, const std::string& name) : text_(text), name_(name) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    if (text_.substr(0, 3) == kMark) text_.remove_prefix(3);
    if (text_.substr(0, 3) == kMark) bad("two byte order marks (expected one or none)");
  }

  bool next(std::vector<std::string>* fields, size_t* line) {
    fields->clear();
    if (at_ >= text_.size()) return false;
    *line = line_;
    while (true) {
      fields->push_back(csv_text(field()));
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      end_of_line();
      return true;
    }
  }

 private:
  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail(Code::data, name_, ": line ", line_, ": ", parts...);
  }

  std::string field() { return at_ < text_.size() && text_[at_] == '"' ? quoted() : bare(); }

  std::string bare() {
    const size_t end = text_.find_first_of(std::string_view(",\n\r\"\0", 5), at_);
    const std::string value(text_.substr(at_, end == text_.npos ? end : end - at_));
    at_ = end == text_.npos ? text_.size() : end;
    if (at_ < text_.size() && text_[at_] == '"') bad("a quote inside a bare field (quote the whole field)");
    if (at_ < text_.size() && text_[at_] == '\0') bad("a NUL byte (expected text; UTF-16 is not read)");
    return value;
  }

  std::string quoted() {
    const size_t first_line = line_;
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\0') bad("a NUL byte (expected text; UTF-16 is not read)");
      if (c == '\n') ++line_;
      if (c != '"') {
        value += c;
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        value += '"';
        ++at_;
      } else {
        ++at_;
        if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r')
          bad("text after a closing quote (expected a comma or the end of the line)");
        return value;
      }
    }
    line_ = first_line;
    bad("a quoted field that never ends");
  }

  void end_of_line() {
    if (at_ >= text_.size()) return;
    if (text_[at_] == '\r' && (++at_ >= text_.size() || text_[at_] != '\n'))
      bad("a carriage return without a line feed (expected LF or CRLF line ends)");
    ++at_;
    ++line_;
  }

  std::string_view text_;
  const std::string& name_;
  size_t at_ = 0, line_ = 1;
};

void check_header(const std::string& name, const std::vector<std::string>& header) {
  std::set<std::string> seen;
  for (const std::string& column : header) {
    CAWE_CHECK(!column.empty(), Code::data, name, ": line 1: a column without a name");
    CAWE_CHECK(seen.insert(column).second, Code::data, name, ": line 1: column '", column, "' appears twice");
  }
}

}  // namespace

CsvTable CsvTable::read(const std::string& path) { return parse(read_file(path, kMaxBytes), path); }

CsvTable CsvTable::parse(std::string_view text, const std::string& name) {
  CsvTable table;
  table.name_ = name;
  Scanner scanner(text, table.name_);
  size_t line = 0, blank = 0;
  CAWE_CHECK(scanner.next(&table.header_, &line), Code::data, name, ": is empty (expected a header row)");
  check_header(name, table.header_);
  std::vector<std::string> fields;
  while (scanner.next(&fields, &line)) {
    if (fields.size() == 1 && fields[0].empty()) {
      if (blank == 0) blank = line;
      continue;
    }
    CAWE_CHECK(blank == 0, Code::data, name, ": line ", blank, ": is blank (expected ", table.header_.size(),
               " fields)");
    CAWE_CHECK(fields.size() == table.header_.size(), Code::data, name, ": line ", line, ": has ",
               fields.size(), " fields (expected ", table.header_.size(), " as in the header)");
    for (std::string& field : fields) table.cells_.push_back(std::move(field));
    table.lines_.push_back(line);
  }
  return table;
}

bool CsvTable::has_column(const std::string& name) const {
  for (const std::string& column : header_)
    if (column == name) return true;
  return false;
}

size_t CsvTable::column(const std::string& name) const {
  for (size_t i = 0; i < header_.size(); ++i)
    if (header_[i] == name) return i;
  const std::string near = nearest_name(name, header_);
  fail(Code::data, name_, ": has no column '", name, "'",
       near.empty() ? std::string() : " (did you mean '" + near + "'?)");
}

std::string CsvTable::where(size_t row) const { return detail::concat(name_, ": line ", lines_[row]); }

double CsvTable::number(size_t row, size_t column) const {
  double value = 0;
  CAWE_CHECK(parse_number(at(row, column), &value), Code::data, where(row), ": ", header_[column], " is '",
             at(row, column), "' (expected a number)");
  return value;
}

std::vector<PatientLine> read_patient_lines(const std::string& path) {
  const CsvTable table = CsvTable::read(path);
  const size_t image = table.column(table.has_column("image") ? "image" : "patientId");
  const size_t person =
      table.column(table.has_column("patient_id") && !table.has_column("patient") ? "patient_id" : "patient");
  std::vector<PatientLine> lines;
  for (size_t r = 0; r < table.rows(); ++r) {
    lines.push_back({table.at(r, image), table.at(r, person), table.where(r)});
    CAWE_CHECK(!lines.back().patient.empty(), Code::data, table.where(r),
               ": patient is empty (expected the person's id)");
  }
  return lines;
}

}  // namespace cawe::data
