// SPDX-License-Identifier: Apache-2.0
// One difference by every interval that is made of it, for a reader who would have chosen another: a table of the page.
#pragma once

#include <string>
#include <vector>

#include "report/page/page.h"

namespace cawe::report {

struct IntervalsLine {
  std::string label;  ///< as the page names the row
  const ReportRow* row = nullptr;
};

/// Differences of the mean of Sens@1, 2, 3, 4 to the plain row: the mixed model's interval, both of the two-level
/// bootstrap, t over seeds, and the bootstrap over the films' units (eval/methods.h says what each takes as given). Of rows
/// with several seeds; none is left where all have one.
ReportTable intervals_table(const std::vector<IntervalsLine>& lines);

}  // namespace cawe::report
