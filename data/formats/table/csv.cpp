// SPDX-License-Identifier: Apache-2.0
// Strict CSV in one pass; every irregularity is an error with its line.
#include "data/formats/table/csv.h"

#include <algorithm>
#include <limits>
#include <map>

#include "data/formats/table/persons.h"
#include "data/image_name.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

bool is_delimiter(char c) { return c == ',' || c == ';' || c == '\t'; }

const char* delimiter_name(char c) { return c == ';' ? "a semicolon" : c == '\t' ? "a tab" : "a comma"; }

/// Splits a text into records. A record is a list of fields; `line` is where it began.
class Scanner {
 public:
  Scanner(std::string_view text, const std::string& name, char delimiter, size_t first_line = 1)
      : text_(text), name_(name), delimiter_(delimiter), line_(first_line) {}

  bool next(std::vector<std::string>* fields, size_t* line) {
    fields->clear();
    if (at_ >= text_.size()) return false;
    *line = line_;
    while (true) {
      fields->push_back(csv_text(field()));
      if (fields->size() > CsvTable::kMaxColumns + 1)
        bad("has more than ", CsvTable::kMaxColumns, " fields (expected a table of one row an image)");
      if (at_ < text_.size() && text_[at_] == delimiter_) {
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

  std::string field() {
    std::string value = at_ < text_.size() && text_[at_] == '"' ? quoted() : bare();
    if (value.size() > CsvTable::kMaxCellBytes)
      bad("a field of ", value.size(), " bytes (expected at most ", CsvTable::kMaxCellBytes, ")");
    return value;
  }

  std::string bare() {
    const char stops[] = {delimiter_, '\n', '\r', '"', '\0'};
    const size_t end = text_.find_first_of(std::string_view(stops, 5), at_);
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
        if (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n' && text_[at_] != '\r')
          bad("text after a closing quote (expected ", delimiter_name(delimiter_),
              " or the end of the line)");
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
  char delimiter_;
  size_t at_ = 0, line_;
};

/// Which of the delimiters stand in the first record outside quotes.
std::string delimiters_in(std::string_view text) {
  std::string found;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') break;
    if (is_delimiter(c) && found.find(c) == found.npos) found += c;
  }
  return found;
}

/// Whether header and first row have the same number of fields when cut at `delimiter`. A header may end with
/// one delimiter more.
bool cuts_evenly(std::string_view text, const std::string& name, char delimiter) {
  std::vector<std::string> header, row;
  size_t line = 0;
  try {
    Scanner scanner(text, name, delimiter);
    return scanner.next(&header, &line) && scanner.next(&row, &line) &&
           (row.size() == header.size() || (header.back().empty() && row.size() + 1 == header.size()));
  } catch (const Error&) {
    return false;
  }
}

/// The delimiter of a table, from its header; where several stand there, the one at which the first row is
/// cut as the header is.
char find_delimiter(std::string_view text, const std::string& name) {
  const std::string found = delimiters_in(text);
  if (found.size() < 2) return found.empty() ? ',' : found[0];
  std::string even;
  for (const char c : found)
    if (cuts_evenly(text, name, c)) even += c;
  CAWE_CHECK(
      even.size() == 1, Code::data, name, ": line 1: ", delimiter_name(found[0]), " and ",
      delimiter_name(found[1]),
      " both stand in the header, and the first row does not tell which one divides the cells (put names "
      "that hold the other one in quotes)");
  return even[0];
}

/// Takes "sep=;" off the beginning: what spreadsheets write so that they find the delimiter themselves.
char take_separator_line(std::string_view* text) {
  if (text->size() < 6 || text->substr(0, 4) != "sep=" || !is_delimiter((*text)[4])) return 0;
  const char delimiter = (*text)[4];
  const size_t end = text->substr(5, 2) == "\r\n" ? 7 : (*text)[5] == '\n' ? 6 : 0;
  if (end == 0) return 0;
  text->remove_prefix(end);
  return delimiter;
}

/// Which columns a header names: all but a row number in front and what stands behind the last delimiter.
struct Columns {
  size_t fields = 0;                        ///< of the header line
  bool numbered = false, trailing = false;  ///< a nameless first and a nameless last column
};

Columns check_header(const std::string& where, std::vector<std::string>* header) {
  for (std::string& column : *header) column = std::string(trimmed(column));
  Columns columns;
  columns.fields = header->size();
  columns.numbered = header->size() > 1 && header->front().empty();
  columns.trailing = header->size() > (columns.numbered ? 2u : 1u) && header->back().empty();
  if (columns.trailing) header->pop_back();
  if (columns.numbered) header->erase(header->begin());
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < header->size(); ++i) {
    const size_t number = i + 1 + (columns.numbered ? 1 : 0);
    CAWE_CHECK(!(*header)[i].empty(), Code::data, where, ": column ", number, " is without a name");
    const auto [at, fresh] = seen.emplace((*header)[i], number);
    CAWE_CHECK(fresh, Code::data, where, ": column '", (*header)[i], "' appears twice (columns ", at->second,
               " and ", number, ")");
  }
  return columns;
}

}  // namespace

CsvTable CsvTable::read(const std::string& path) { return parse(read_file(path, kMaxBytes), path); }

CsvTable CsvTable::parse(std::string_view text, const std::string& name) {
  CsvTable table;
  table.name_ = name;
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.substr(0, 3) == kMark) text.remove_prefix(3);
  CAWE_CHECK(text.substr(0, 3) != kMark, Code::data, name,
             ": line 1: two byte order marks (expected one or none)");
  const char said = take_separator_line(&text);
  table.delimiter_ = said != 0 ? said : find_delimiter(text, table.name_);
  Scanner scanner(text, table.name_, table.delimiter_, said != 0 ? 2 : 1);
  size_t line = 0, blank = 0;
  CAWE_CHECK(scanner.next(&table.header_, &line), Code::data, name, ": is empty (expected a header row)");
  const std::string header_where = detail::concat(name, ": line ", line);
  const Columns columns = check_header(header_where, &table.header_);
  const size_t named = table.header_.size(), first = columns.numbered ? 1 : 0;
  std::vector<std::string> fields;
  while (scanner.next(&fields, &line)) {
    if (std::all_of(fields.begin(), fields.end(), [](const auto& field) { return trimmed(field).empty(); })) {
      if (blank == 0) blank = line;
      continue;
    }
    CAWE_CHECK(blank == 0, Code::data, name, ": line ", blank, ": is blank (expected ", columns.fields,
               " fields)");
    CAWE_CHECK(fields.size() == columns.fields || (columns.trailing && fields.size() + 1 == columns.fields),
               Code::data, name, ": line ", line, ": has ", fields.size(), " fields (expected ",
               columns.fields, " as in the header, with ", delimiter_name(table.delimiter_),
               " between them)");
    CAWE_CHECK(fields.size() == first + named || trimmed(fields.back()).empty(), Code::data, name, ": line ",
               line, ": '", fields.back(), "' stands in column ", columns.fields,
               ", which line 1 leaves without a name (name it, or leave it empty)");
    CAWE_CHECK(table.cells_.size() + named <= kMaxCells, Code::data, name, ": line ", line, ": more than ",
               kMaxCells, " cells (expected a smaller table)");
    for (size_t i = 0; i < named; ++i) table.cells_.push_back(std::move(fields[first + i]));
    table.lines_.push_back(line);
  }
  table.commas_.assign(named, 0);
  return table;
}

bool CsvTable::has_column(const std::string& name) const {
  for (const std::string& column : header_)
    if (column == name) return true;
  return false;
}

size_t CsvTable::column(const std::string& name, const std::string& what_to_do) const {
  for (size_t i = 0; i < header_.size(); ++i)
    if (header_[i] == name) return i;
  const std::string near = nearest_name(name, header_);
  fail(Code::data, name_, ": has no column '", name, "' (",
       near.empty() ? std::string() : "did you mean '" + near + "'? ",
       header_.size() == 1 ? "its only column is " : "its columns are ", listed(header_), ")",
       what_to_do.empty() ? "" : ". ", what_to_do);
}

std::string CsvTable::where(size_t row) const { return detail::concat(name_, ": line ", lines_[row]); }

std::string CsvTable::word(size_t row, size_t column) const { return std::string(trimmed(at(row, column))); }

namespace {

enum : signed char { kPoint = 1, kThousands, kMixed };

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

/// "1,5" and "-12,25": digits, one comma, digits.
bool has_comma(std::string_view text, std::string_view* whole, std::string_view* part) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const size_t comma = text.find(',');
  if (comma == text.npos) return false;
  *whole = text.substr(0, comma);
  *part = text.substr(comma + 1);
  return is_digits(*whole) && is_digits(*part);
}

}  // namespace

bool CsvTable::comma_is_point(size_t row, size_t column) const {
  signed char& known = commas_[column];
  if (known == 0) {
    bool surely = false, points = false;
    std::string_view whole, part;
    for (size_t r = 0; r < rows(); ++r) {
      const std::string_view cell = trimmed(at(r, column));
      double value = 0;
      if (has_comma(cell, &whole, &part))
        surely = surely || part.size() != 3 || whole.size() > 3 || whole[0] == '0';
      else
        points = points || (cell.find('.') != cell.npos && parse_number(cell, &value));
    }
    known = points ? kMixed : surely ? kPoint : kThousands;
  }
  const auto refuse = [&](const char* why) {
    fail(Code::data, where(row), ": ", header_[column], " is '", at(row, column), "' (", why, ")");
  };
  if (known == kMixed) refuse("other cells of the column have a point; expected one kind of number");
  if (known == kThousands)
    refuse(
        "its comma may be a decimal one or group thousands; expected 1234, 1.234 or more digits behind it");
  return true;
}

double CsvTable::number(size_t row, size_t column) const {
  double value = 0;
  const std::string_view cell = trimmed(at(row, column));
  if (parse_number(cell, &value)) return value;
  std::string_view whole, part;
  if (delimiter_ != ',' && has_comma(cell, &whole, &part) && comma_is_point(row, column)) {
    std::string pointed(cell);
    std::replace(pointed.begin(), pointed.end(), ',', '.');
    if (parse_number(pointed, &value)) return value;
  }
  fail(Code::data, where(row), ": ", header_[column], " is '", at(row, column), "' (expected a number)");
}

bool parse_answer(std::string_view cell, float* answer) {
  std::string word = lower(std::string(trimmed(cell)));
  double value = 0;
  if (word.empty() || word == "na" || word == "n/a" || word == "nan" || word == "<na>") {
    *answer = std::numeric_limits<float>::quiet_NaN();
  } else if (word == "true" || word == "yes" || word == "y" || word == "t" || word == "wahr" ||
             word == "vrai" || word == "verdadero" || word == "vero") {
    *answer = 1;
  } else if (word == "false" || word == "no" || word == "n" || word == "f" || word == "falsch" ||
             word == "faux" || word == "falso") {
    *answer = 0;
  } else {
    if (const size_t comma = word.find(','); comma != word.npos) word[comma] = '.';
    if (!parse_number(word, &value) || (value != 0 && value != 1)) return false;
    *answer = float(value);
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  const auto cut = [&](std::string_view blank) {
    bool any = false;
    while (!text.empty() && text.substr(0, blank.size()) == blank) {
      text.remove_prefix(blank.size());
      any = true;
    }
    while (text.size() >= blank.size() && !text.empty() && text.substr(text.size() - blank.size()) == blank) {
      text.remove_suffix(blank.size());
      any = true;
    }
    return any;
  };
  while (cut(" ") || cut("\t") || cut("\xC2\xA0")) {
  }
  return text;
}

std::vector<PatientLine> read_patient_lines(const std::string& path) {
  return patient_lines(CsvTable::read(path));
}

std::vector<PatientLine> patient_lines(const CsvTable& table) {
  const size_t image = table.column(table.has_column("image") ? "image" : "patientId");
  const size_t person =
      table.column(table.has_column("patient_id") && !table.has_column("patient") ? "patient_id" : "patient");
  std::vector<PatientLine> lines;
  PersonSpellings persons;
  for (size_t r = 0; r < table.rows(); ++r) {
    lines.push_back({table.at(r, image), table.word(r, person), table.where(r)});
    const std::string& id = lines.back().patient;
    // A run's split.csv names the image where no person is known.
    const bool is_image = !id.empty() && id == without_image_ending(trimmed(lines.back().image));
    CAWE_CHECK(is_image || !names_nobody(id), Code::data, table.where(r), ": patient is ",
               id.empty() ? "empty" : "'" + id + "', which names nobody", " (expected the person's id)");
    persons.add(id, table.where(r), is_image);
  }
  return lines;
}

}  // namespace cawe::data
