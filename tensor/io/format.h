// SPDX-License-Identifier: Apache-2.0
// Numbers and words as the text of files and pages: every file this program writes takes them from here, so
// that a number looks the same wherever it stands. The program keeps the C locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cawe {

/// The shortest decimal text that reads back as the same double: "0.1", "100", "1e-05". Not finite: "inf",
/// "-inf", "nan".
std::string shortest(double number);
/// With `decimals` digits behind the point, as printf's "%.*f": "0.500".
std::string fixed(double number, int decimals = 3);
/// With at most `digits` significant digits and no zeros at the end, as printf's "%.*g": "0.5", "1e-05".
std::string rounded(double number, int digits);
/// What printf would print: for lines with columns.
__attribute__((format(printf, 1, 2))) std::string printf_text(const char* format, ...);
/// The finite decimal number that is the whole text, nothing around it ("1x", "nan" and " 1" are none); a "+"
/// may lead. False where the text is no such number.
bool parse_number(std::string_view text, double* number);
/// A number of a file as an integer: false where it has a fraction or is beyond 2^53, from where on doubles do not tell
/// whole numbers apart (and beyond 2^63 a cast is undefined).
bool whole_number(double number, int64_t* whole);

/// Text that may stand in HTML, SVG or XML, between tags and in attributes: & < > " ' as entities.
std::string escape_markup(std::string_view text);

/// A cell of a CSV table (RFC 4180): quoted where it has a comma, a quote or a line break. Text that a spreadsheet would
/// take for a formula (it begins with = + - @, a tab or a line break) gets an apostrophe in front, as a user would type
/// it; numbers ("-0.5") do not. csv_text() takes the apostrophe off again: the text comes back whatever it was.
std::string csv_field(const std::string& text);
std::string csv_text(std::string cell);
/// A number as such a cell: shortest(), and empty where it is not a number.
std::string csv_number(double number);
/// Several in one field, blanks between them.
std::string csv_numbers(const std::vector<double>& numbers);
/// Cells joined by commas, with "\n" at the end.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace cawe
