// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace cawe {

std::string shortest(double number) {
  if (!std::isfinite(number)) return number > 0 ? "inf" : number < 0 ? "-inf" : "nan";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number);
  return std::string(text, end.ptr);
}

// By printf and not std::to_chars, which takes a denormal for 0 where the program counts it as 0 (ADR 9): a
// recipe must say the number that it was given.
std::string fixed(double number, int decimals) { return printf_text("%.*f", decimals, number); }

std::string rounded(double number, int digits) { return printf_text("%.*g", digits, number); }

std::string printf_text(const char* format, ...) {
  va_list once, again;
  va_start(once, format);
  va_copy(again, once);
  std::string text(size_t(std::vsnprintf(nullptr, 0, format, once)), '\0');
  std::vsnprintf(text.data(), text.size() + 1, format, again);
  va_end(again);
  va_end(once);
  return text;
}

bool parse_number(std::string_view text, double* number) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto result = std::from_chars(text.data(), text.data() + text.size(), *number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() && std::isfinite(*number);
}

bool whole_number(double number, int64_t* whole) {
  constexpr double kMost = 9007199254740992;  // 2^53
  if (!(std::abs(number) <= kMost) || std::trunc(number) != number) return false;
  *whole = int64_t(number);
  return true;
}

std::string escape_markup(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '"')
      safe += "&quot;";
    else if (c == '\'')
      safe += "&#39;";
    else
      safe += c;
  }
  return safe;
}

namespace {

/// Where a spreadsheet takes a cell for a formula: by its first character, also in the full width of East Asian text.
bool begins_formula(std::string_view text) {
  if (text.empty()) return false;
  if (std::string_view("=+-@\t\r\n").find(text[0]) != text.npos) return true;
  for (const char* wide : {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"})  // ＝ ＋ － ＠
    if (text.substr(0, 3) == wide) return true;
  return false;
}

/// A formula behind any number of apostrophes: then one more is written and one is taken off on reading.
bool behind_apostrophes(std::string_view text) {
  return begins_formula(text.substr(std::min(text.find_first_not_of('\''), text.size())));
}

bool is_number_text(const std::string& text) {
  double ignored;
  return parse_number(text, &ignored) || text == "-inf" || text == "-nan";
}

}  // namespace

std::string csv_text(std::string cell) {
  if (cell.size() > 1 && cell[0] == '\'' && behind_apostrophes(cell)) cell.erase(0, 1);
  return cell;
}

std::string csv_field(const std::string& plain) {
  const std::string text = behind_apostrophes(plain) && !is_number_text(plain) ? "'" + plain : plain;
  // A first field that itself begins with a byte order mark would lose it on reading, so it is quoted.
  const bool mark = text.compare(0, 3, "\xEF\xBB\xBF") == 0;
  if (!mark && text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string csv_number(double number) { return std::isnan(number) ? "" : shortest(number); }

std::string csv_numbers(const std::vector<double>& numbers) {
  std::string text;
  for (const double number : numbers) text += (text.empty() ? "" : " ") + csv_number(number);
  return text;
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) line += (i ? "," : "") + csv_field(fields[i]);
  return line + "\n";
}

}  // namespace cawe
