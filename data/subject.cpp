// SPDX-License-Identifier: Apache-2.0
#include "data/subject.h"

#include <cctype>
#include <limits>

#include "tensor/io/format.h"

namespace cawe::data {

std::string parse_view(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    // A no-break space, which web pages and spreadsheets leave in cells, is a blank.
    const bool blank = text.compare(i, 2, "\xC2\xA0") == 0;
    out += blank ? ' ' : text[i];
    i += blank;
  }
  size_t begin = 0, end = out.size();
  while (begin < end && std::isspace(static_cast<unsigned char>(out[begin]))) ++begin;
  while (begin < end && std::isspace(static_cast<unsigned char>(out[end - 1]))) --end;
  out = out.substr(begin, end - begin);
  for (char& c : out) c = char(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string parse_sex(const std::string& text) {
  const std::string word = parse_view(text);
  if (word == "F" || word == "FEMALE") return "F";
  if (word == "M" || word == "MALE") return "M";
  return word == "O" || word == "OTHER" ? "O" : "";
}

float parse_age(const std::string& text) {
  std::string digits = parse_view(text);
  double years = 1;
  if (!digits.empty() && std::isalpha(static_cast<unsigned char>(digits.back()))) {
    const char unit = digits.back();
    years = unit == 'Y'   ? 1
            : unit == 'M' ? 1 / 12.0
            : unit == 'W' ? 7 / 365.25
            : unit == 'D' ? 1 / 365.25
                          : 0;
    digits.pop_back();
  }
  // A decimal comma, as in labels: "63,5". Thousands are no ages.
  if (const size_t comma = digits.find(','); comma != digits.npos) digits[comma] = '.';
  double value = 0;
  if (years == 0 || !parse_number(digits, &value) || value < 0 || value * years > 130)
    return std::numeric_limits<float>::quiet_NaN();
  return float(value * years);
}

}  // namespace cawe::data
