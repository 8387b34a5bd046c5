// SPDX-License-Identifier: Apache-2.0
// Sex, age and view of a film in one spelling for all sources, for subgroup tables. What a source does not
// say stays empty; a cell that cannot be understood counts as unknown, never as an error.
#pragma once

#include <string>

namespace cawe::data {

/// "F", "M" or "O" from any of F, M, O, female, male, other (any case); else "".
std::string parse_sex(const std::string& text);

/// Years from a number ("60", "60.5", "60,5") or from DICOM's AS and NIH's form: "060Y", "018M", "010W", "003D". NaN
/// for anything else and above 130.
float parse_age(const std::string& text);

/// Upper case, blanks around it cut off, also no-break ones: "PA", "AP", "LL", "LATERAL", "AP SUPINE".
std::string parse_view(const std::string& text);

}  // namespace cawe::data
