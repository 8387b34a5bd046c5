// SPDX-License-Identifier: Apache-2.0
// Figure 4: FROC curves of all rows with intervals, one panel for each detector.
#pragma once

#include <vector>

#include "report/figures/figure.h"
#include "report/page/page.h"

namespace cawe::report {

/// Named "figure4". Rows are drawn in the paper's order with the report's colours; controls are dashed.
/// Whiskers beside the curves are the intervals at 1, 2, 3 and 4 false positives an image; the CSV has the
/// whole pointwise band: detector,enhancement,part,fp_per_image,sensitivity,low,high with parts "curve" (the
/// steps' corners) and "interval".
Figure figure_froc(const std::vector<ReportRow>& rows);

}  // namespace cawe::report
