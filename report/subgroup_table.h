// SPDX-License-Identifier: Apache-2.0
// Sensitivities within parts of the test set (eval/subgroups.h) as a table of the page.
#pragma once

#include <string>
#include <vector>

#include "data/units.h"
#include "eval/subgroups.h"
#include "report/page/page.h"

namespace cawe::report {

/// The rows as a table of the report. `subject` is whose detections they are: "RetinaNet with CAWE"; `unit`: what intervals
/// are drawn over.
ReportTable subgroup_table(const std::string& subject, const std::vector<eval::SubgroupRow>& rows,
                           data::FilmUnit unit = data::FilmUnit::patient);

}  // namespace cawe::report
