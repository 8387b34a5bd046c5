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

/// Lesions by size and finding (eval::lesion_groups()) of several rows of one detector, side by side: for each group its
/// lesions and each row's mean of Sens@1, 2, 3, 4. `subjects`: the rows' names; `rows`: of each, the same groups. Throws
/// Error(internal) where they are not.
ReportTable lesion_group_table(const std::string& detector, const std::vector<std::string>& subjects,
                               const std::vector<std::vector<eval::SubgroupRow>>& rows,
                               data::FilmUnit unit = data::FilmUnit::patient);

}  // namespace cawe::report
