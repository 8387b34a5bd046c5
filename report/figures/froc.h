// SPDX-License-Identifier: Apache-2.0
// Figure 4: FROC curves of all rows with intervals, one panel for each detector.
#pragma once

#include <vector>

#include "report/figures/figure.h"
#include "report/page/page.h"

namespace cawe::report {

/// Named "figure4"; its other drawing, "figure4-log", has false positives by octaves. Rows are drawn in the paper's order
/// with the report's colours, dashes and marks; controls are thin, with hollow marks. Dots on the curves are Sens@1, 2, 3
/// and 4, whiskers beside them their intervals, small dots on these the seeds. CSV:
/// detector,enhancement,part,fp_per_image,sensitivity,low,high,seed with parts "curve" (its corners), "interval" (the whole
/// pointwise band), "sens" (the dots) and "seed" (each seed's, numbered as in the row's list).
Figure figure_froc(const std::vector<ReportRow>& rows);

}  // namespace cawe::report
